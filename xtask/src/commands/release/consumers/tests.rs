//! The packages of the consumers, in empty folders: each is installed alone, reads the records of every release, and runs its README.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use flate2::read::GzDecoder;
use tar::Archive;

use super::{PACKAGE, write};
use crate::commands::release::{Release, VERSION};
use crate::support::workspace;
use crate::tools::{Tool, cdk, consumers, emulator};

/// A program of a user's, which the types of the npm package must allow.
const TYPESCRIPT: &str = r#"
import { BadRecord, Collector, type BadLine, type Event, type Report, recordsToEvents } from "kinesis-telemetry-consumer";

export function texts(data: Uint8Array): string[] {
  const bad: BadLine[] = [];
  try {
    const events: Event[] = recordsToEvents(data, bad);
    return events.map(({ text, seq }) => `${seq?.toFixed() ?? "-"} ${text}`);
  } catch (error) {
    if (error instanceof BadRecord) return bad.map(({ number, reason }) => `${number.toFixed()} ${reason}`);
    throw error;
  }
}

export function missing(collector: Collector): number {
  const reports: Report[] = collector.instances().map((instance) => collector.report(instance, 2));
  const ranges = reports.flatMap((report) => report.missing);
  return ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
}

// @ts-expect-error: text is no data of a record.
recordsToEvents("text");
"#;

/// The folder with the packages of this checkout.
static PACKAGES: LazyLock<PathBuf> = LazyLock::new(|| packages("packages"));

/// Packs the consumers into a new folder, and returns it.
fn packages(name: &str) -> PathBuf {
    let folder = workspace::target_dir().unwrap().join("consumers").join(name);
    _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let release = Release { version: VERSION, commit: None, folder, made: Vec::new() };
    write(&release).unwrap();
    release.folder
}

/// Returns the package whose name ends so.
fn package(ending: &str) -> PathBuf {
    let mut files = fs::read_dir(&*PACKAGES).unwrap().map(|it| it.unwrap().path());
    files.find(|it| it.to_string_lossy().ends_with(ending)).unwrap()
}

/// Fails with all that the program says; gives it, too.
fn passes(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{command:?}\n{said}");
    said
}

/// Copies only the tests of a consumer to a folder.
fn copy_tests(consumer: &str, into: &Path) {
    let tests = workspace::root().join("consumers").join(consumer).join("tests");
    super::copy(&tests, &into.join("tests")).unwrap();
}

/// Returns the folder with the records of each release.
fn releases() -> Vec<PathBuf> {
    let folders = fs::read_dir(workspace::root().join("consumers/records")).unwrap();
    folders.map(|it| it.unwrap().path()).filter(|it| it.is_dir()).collect()
}

/// Returns the first block in this language in the README of a consumer.
fn example(consumer: &str, language: &str) -> String {
    let readme = workspace::root().join("consumers").join(consumer).join("README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let (_, rest) = readme.split_once(&format!("```{language}\n")).unwrap();
    rest.split("\n```").next().unwrap().to_owned() + "\n"
}

#[test]
#[ignore = "needs Node and Python 3: cargo xtask test"]
fn packages_of_the_consumers_are_the_same_twice_and_hold_their_licence() {
    let read = |folder: &Path| -> BTreeMap<String, Vec<u8>> {
        let files = fs::read_dir(folder).unwrap().map(|it| it.unwrap());
        let name = |it: &fs::DirEntry| it.file_name().into_string().unwrap();
        files.map(|it| (name(&it), fs::read(it.path()).unwrap())).collect()
    };
    let once = read(&PACKAGES);
    let names: Vec<&str> = once.keys().map(String::as_str).collect();
    let expected = [
        format!("{PACKAGE}-{VERSION}.crate"),
        format!("{PACKAGE}-{VERSION}.tgz"),
        format!("kinesis_telemetry_consumer-{VERSION}-py3-none-any.whl"),
        format!("kinesis_telemetry_consumer-{VERSION}.tar.gz"),
    ];
    assert_eq!(names, expected);
    assert!(once == read(&packages("packages-again")), "two runs have made other bytes");
    // `pip` checks a wheel when it installs it.
    let [krate, npm, _, sdist] = &expected;
    for name in [krate, npm, sdist] {
        let mut archive = Archive::new(GzDecoder::new(once[name].as_slice()));
        let paths = archive.entries().unwrap().map(|it| it.unwrap().path().unwrap().into_owned());
        let paths: Vec<PathBuf> = paths.collect();
        for file in ["LICENSE", "README.md"] {
            assert!(paths.iter().any(|it| it.ends_with(file)), "{name} has no {file}: {paths:?}");
        }
    }
}

#[test]
#[ignore = "needs Node and Python 3: cargo xtask test"]
fn the_wheel_of_the_consumer_reads_records_and_a_stream() {
    let dir = tempfile::tempdir().unwrap();
    let venv = dir.path().join("venv");
    passes(Command::new("python3").args(["-m", "venv"]).arg(&venv));
    let python = || {
        let mut python = Command::new(venv.join("bin/python3"));
        // Neither modules of the caller nor its account.
        python.current_dir(dir.path()).env_remove("PYTHONPATH").env("AWS_CONFIG_FILE", "/dev/null");
        python
    };
    let pip = || {
        let mut pip = python();
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        pip
    };
    passes(pip().arg("--no-index").arg(package(".whl")));
    fs::write(dir.path().join("example.py"), example("python", "python")).unwrap();
    passes(python().arg("example.py"));
    let alone = python().args(["-m", "kinesis_telemetry", "read", "telemetry"]).output().unwrap();
    let said = String::from_utf8_lossy(&alone.stderr);
    let remedy = "pip install 'kinesis-telemetry-consumer[read]'\n";
    assert!(alone.status.code() == Some(2) && said.ends_with(remedy), "{said}");

    let requirements = workspace::root().join("xtask/pins/consumers/requirements.txt");
    passes(pip().args(["--require-hashes", "--requirement"]).arg(requirements));
    passes(python().args(["-m", "mypy", "--strict", "example.py"]));
    copy_tests("python", dir.path());
    for records in releases() {
        let mut tests = python();
        tests.args(["-m", "unittest", "tests.test_records"]).env("RECORDS", records);
        assert!(!passes(&mut tests).contains("skipped"));
    }
    let log = dir.path().join("emulator.log");
    let emulator = emulator::Emulator::start(&emulator::installed(), "other", &log).unwrap();
    let mut tests = python();
    tests
        .args(["-m", "unittest", "tests.test_read"])
        .env("RECORDS", releases().pop().unwrap())
        .env("ENDPOINT_URL", emulator.endpoint())
        .envs([("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")])
        .env("AWS_REGION", emulator::REGION)
        .env("AWS_DEFAULT_REGION", emulator::REGION);
    assert!(!passes(&mut tests).contains("skipped"));
}

#[test]
#[ignore = "needs Node and Python 3: cargo xtask test"]
fn the_npm_package_of_the_consumer_reads_records_and_has_types() {
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    put("package.json", "{}");
    let mut npm = Command::new("npm");
    npm.args(["install", "--silent", "--offline", "--no-audit", "--no-fund"]);
    passes(npm.arg(package(".tgz")).current_dir(dir.path()));
    put("example.mjs", &example("node", "js"));
    passes(Command::new("node").arg("example.mjs").current_dir(dir.path()));

    put("program.mts", TYPESCRIPT);
    let mut tsc = cdk::tsc();
    tsc.args(["--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess"]);
    // The package's types need none of Node's.
    tsc.args(["--types", "", "--lib", "ES2022", "--target", "ES2022", "--module", "Node16"]);
    passes(tsc.args(["--noEmit", "program.mts"]).current_dir(dir.path()));

    copy_tests("node", dir.path());
    let libraries = consumers::install(Tool::Node, &workspace::target_dir().unwrap()).unwrap();
    for records in releases() {
        let mut node = Command::new("node");
        node.args(["--test", "--test-reporter=tap", "tests/records.test.mjs"]);
        node.current_dir(dir.path()).env("RECORDS", records).env("PACKAGES", &libraries);
        let said = passes(&mut node);
        assert!(said.contains("# skipped 0") && !said.contains("# pass 0"), "{said}");
    }
}

#[test]
#[ignore = "needs Node and Python 3: cargo xtask test"]
fn the_crate_of_the_consumer_reads_records() {
    let dir = tempfile::tempdir().unwrap();
    let packed = fs::File::open(package(".crate")).unwrap();
    Archive::new(GzDecoder::new(packed)).unpack(dir.path()).unwrap();
    let reader = dir.path().join("reader");
    copy_tests("rust", &reader);
    fs::create_dir(reader.join("src")).unwrap();
    fs::write(reader.join("src/lib.rs"), "").unwrap();
    // What `cargo add` would ask a registry for, in the versions that are locked here.
    let manifest = format!(
        "[package]\nname = \"reader\"\nedition = \"2024\"\n[dependencies]\nbase64 = \"*\"\nserde_json = \"*\"\n\
         {PACKAGE} = {{ path = \"../{PACKAGE}-{VERSION}\" }}\n[profile.dev]\ndebug = false\n"
    );
    fs::write(reader.join("Cargo.toml"), manifest).unwrap();
    fs::copy(workspace::root().join("Cargo.lock"), reader.join("Cargo.lock")).unwrap();
    for records in releases() {
        let into = dir.path().join("records").join(records.file_name().unwrap());
        fs::create_dir_all(into.parent().unwrap()).unwrap();
        super::copy(&records, &into).unwrap();
    }
    let mut cargo = workspace::cargo();
    cargo.args(["test", "--offline", "--quiet", "--test", "records"]).current_dir(reader);
    let target = workspace::target_dir().unwrap().join("consumers/crate");
    passes(cargo.env("CARGO_TARGET_DIR", target));
}
