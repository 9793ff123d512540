//! Tests the consumers with records that the extension has written, in every combination of settings.

mod hostile;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use extension_spec::{consuming, event_type};

use super::install;
use crate::project::consumers;
use crate::support::workspace;
use crate::tools::Tool;

/// The folder that the program `fixtures` has written.
static RECORDS: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = workspace::target_dir().unwrap().join("consumers/records");
    let programs = workspace::build(&["fixtures"]).unwrap();
    passes(Command::new(&programs["fixtures"]).arg(&folder));
    folder
});

/// Returns the output of a program. Panics with it if the program fails.
fn passes(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{command:?}\n{said}");
    said
}

/// Returns a command that runs a module in the folder of the Python consumer.
fn python_in(module: &str) -> Command {
    let environment = install(Tool::Python, &workspace::target_dir().unwrap()).unwrap();
    let mut python = Command::new(environment.join("bin/python3"));
    // No `__pycache__` between the sources.
    python.args(["-B", "-m", module]).current_dir(workspace::root().join("consumers/python"));
    python
}

/// Returns a command that runs Node in the folder of its consumer.
fn node_in(argument: &str) -> Command {
    let packages = install(Tool::Node, &workspace::target_dir().unwrap()).unwrap();
    let mut node = Command::new("node");
    node.arg(argument).env("PACKAGES", packages);
    node.current_dir(workspace::root().join("consumers/node"));
    node
}

/// Runs these modules of the Python tests, none of which may skip anything.
fn python(modules: &[&str], records: &Path) {
    let said = passes(python_in("unittest").args(modules).env("RECORDS", records));
    assert!(!said.contains("skipped") && !said.contains("Ran 0 tests"), "{said}");
}

/// Runs these files of the Node tests, none of which may skip anything.
fn node(files: &[&str], records: &Path) {
    let mut node = node_in("--test");
    let said = passes(node.arg("--test-reporter=tap").args(files).env("RECORDS", records));
    assert!(said.contains("# skipped 0") && !said.contains("# pass 0"), "{said}");
}

#[test]
#[ignore = "needs Python 3: cargo xtask test"]
fn the_python_consumer_reads_every_combination() {
    python(&["tests.test_records", "tests.test_deliveries"], &RECORDS);
    // These read few records.
    python(&["tests.test_dead_letters", "tests.test_read.Read"], &RECORDS);
}

#[test]
#[ignore = "needs Node: cargo xtask test"]
fn the_node_consumer_reads_every_combination() {
    node(&["tests/records.test.mjs", "tests/handler.test.mjs"], &RECORDS);
}

#[test]
#[ignore = "needs Node and Python 3: cargo xtask test"]
fn the_published_libraries_unpack_our_aggregates() {
    python(&["tests.test_published"], &RECORDS);
    node(&["tests/published.test.mjs"], &RECORDS);
}

#[test]
#[ignore = "needs Node and Python 3: cargo xtask test"]
fn every_consumer_reads_the_records_of_every_release() {
    let releases = std::fs::read_dir(workspace::root().join("consumers/records")).unwrap();
    let folders: Vec<PathBuf> =
        releases.map(|it| it.unwrap().path()).filter(|it| it.is_dir()).collect();
    assert!(!folders.is_empty());
    for folder in folders {
        python(&["tests.test_records"], &folder);
        node(&["tests/records.test.mjs"], &folder);
    }
}

#[test]
#[ignore = "needs Python 3: cargo xtask test"]
fn types_of_the_python_consumer_hold() {
    let cache = workspace::target_dir().unwrap().join("consumers/mypy");
    passes(python_in("mypy").arg("--cache-dir").arg(cache).arg(consumers::MODULE));
}

/// Returns the text of all files of a folder below `consumers`.
fn sources(folder: &str) -> String {
    let files = std::fs::read_dir(workspace::root().join("consumers").join(folder)).unwrap();
    let files = files.map(|it| it.unwrap().path()).filter(|it| it.is_file());
    files.map(|it| std::fs::read_to_string(it).unwrap()).collect()
}

#[test]
fn consumers_agree_on_the_format() {
    let limits = [
        ("MAX_INFLATED_BYTES", consuming::INFLATED_BYTES as u64, "16 * 1024 * 1024"),
        ("MAX_LINES", consuming::LINES as u64, "50_000"),
        ("MAX_NUMBER", consuming::NUMBER, "2**53 - 1"),
        ("MAX_PARTS", consuming::PARTS.into(), "65_536"),
        ("MAX_SOURCE_BYTES", consuming::SOURCE_BYTES as u64, "16_384"),
    ];
    let [python, node, rust] =
        ["python/kinesis_telemetry", "node/kinesis-telemetry", "rust/src"].map(sources);
    let number = |text: &str| -> u64 {
        let factors = text.split(" * ").map(|it| it.replace('_', "").parse::<u64>().unwrap());
        factors.product()
    };
    for (name, value, text) in limits {
        let stated = if text == "2**53 - 1" { (1 << 53) - 1 } else { number(text) };
        assert_eq!(stated, value, "{name}");
        assert!(python.contains(&format!("{name} = {text}\n")), "{name} in Python");
        let of_node = text.replace("2**53 - 1", "Number.MAX_SAFE_INTEGER");
        assert!(node.contains(&format!("const {name} = {of_node};")), "{name} in Node");
        let of_rust = text.replace("2**53", "(1 << 53)");
        let is_stated = |kind| rust.contains(&format!("const {name}: {kind} = {of_rust};"));
        assert!(["usize", "u64", "u32"].into_iter().any(is_stated), "{name} in Rust");
    }
    let types = [
        ("PART", event_type::PART),
        ("RECORD", event_type::RECORD),
        ("LEDGER", event_type::LEDGER),
    ];
    for (name, value) in types {
        assert!(python.contains(&format!("{name} = \"{value}\"\n")), "{name} in Python");
        assert!(node.contains(&format!("const {name} = \"{value}\";")), "{name} in Node");
        assert!(rust.contains(&format!("const {name}: &str = \"{value}\";")), "{name} in Rust");
    }
    assert!(python.contains(&format!("QUARANTINE = \"{}\"\n", event_type::QUARANTINE)));
}

#[test]
fn registries_describe_all_consumers_alike() {
    let path = workspace::root().join("consumers/rust/Cargo.toml");
    let manifest = std::fs::read_to_string(path).unwrap();
    for line in [
        format!("name = {:?}", consumers::PACKAGE),
        format!("description = {:?}", consumers::DESCRIPTION),
        format!("keywords = {:?}", consumers::KEYWORDS),
    ] {
        assert!(manifest.contains(&line), "{line}");
    }
}
