//! The journey of a parameter and of a pin, walked on a copy of this repository that is built for it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::copy;
use crate::support::lock::locked;
use crate::support::workspace;

/// A setting as a person adds it.
const STANZA: &str = r#"        /// How long the extension waits for a miracle.
        patience: Millis = "1500", PATIENCE_MS, in (10, 120_000);

        /// If false, the extension does nothing."#;

/// Its use in Rust and in the CDK.
const RUST: &str = r#"
#[test]
fn the_new_parameter_is_a_field() {
    let loaded = extension_spec::load([("KINESIS_TELEMETRY_PATIENCE_MS", "20")]);
    assert_eq!(loaded.config.patience, extension_spec::Millis(20));
    assert!(loaded.problems.is_empty());
}
"#;
const TYPESCRIPT: &str = r"
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Duration } from 'aws-cdk-lib';
import { toEnvironment } from '../lib/spec';

test('the new parameter is a property with a unit', () => {
  const variables = toEnvironment({ patience: Duration.seconds(2) });
  assert.deepEqual(Object.values(variables), ['2000']);
  assert.throws(() => toEnvironment({ patience: Duration.minutes(3) }), /patience is 180000 ms/);
});
";

/// A copy with its own `target`, which stays from run to run: the second one is quick. Held by one test at a time.
struct Journey {
    root: PathBuf,
    target: PathBuf,
    _one_at_a_time: fs::File,
}

impl Journey {
    fn begin() -> Self {
        let dir = workspace::target_dir().unwrap().join("journey");
        let lock = locked(&dir.join("lock")).unwrap();
        let root = dir.join("repository");
        fs::create_dir_all(&root).unwrap();
        copy::repository(&root);
        Self { root, target: dir.join("target"), _one_at_a_time: lock }
    }

    fn cargo(&self, arguments: &[&str]) -> Command {
        let mut cargo = workspace::cargo();
        cargo.args(arguments).current_dir(&self.root).env("CARGO_TARGET_DIR", &self.target);
        cargo
    }

    fn xtask(&self, arguments: &[&str]) -> Command {
        self.cargo(
            &[&["run", "--quiet", "--locked", "--package", "xtask", "--"], arguments].concat(),
        )
    }

    fn edit(&self, path: &str, from: &str, to: &str) {
        let path = self.root.join(path);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{} does not hold {from}", path.display());
        copy::put(&path, text.replace(from, to));
    }

    fn get(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap()
    }
}

fn succeeds(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}\n{}", text(&output));
    text(&output)
}

fn text(output: &Output) -> String {
    [output.stdout.as_slice(), &output.stderr].map(String::from_utf8_lossy).concat()
}

/// One stanza, one command.
fn with_a_new_parameter() -> Journey {
    let journey = Journey::begin();
    let anchor = STANZA.lines().last().unwrap();
    journey.edit("extension/spec/src/params.rs", anchor, STANZA);

    let stale = journey.xtask(&["synth", "--check"]).output().unwrap();
    assert_eq!(stale.status.code(), Some(4), "{}", text(&stale));
    assert!(
        text(&stale).contains("(to change it, edit extension/spec/src/params.rs"),
        "{}",
        text(&stale)
    );

    let summary = succeeds(&mut journey.xtask(&["synth"]));
    for path in ["docs/settings.md", "cdk/lib/spec.ts"] {
        assert!(summary.contains(&format!("wrote {path}\n")), "{summary}");
    }
    succeeds(&mut journey.xtask(&["synth", "--check"]));
    journey
}

#[test]
fn a_new_setting_is_a_field_a_row_of_the_docs_and_a_typed_property() {
    let journey = with_a_new_parameter();
    let row = "| `PATIENCE_MS` | `1500` | 10 to 120000 ms | How long the extension waits for a miracle. |\n";
    assert!(journey.get("docs/settings.md").contains(row));
    let property = "  /**\n   * How long the extension waits for a miracle.\n   *\n   * From 10 ms to 2 min.\n   *\n   \
                    * @default Duration.millis(1500)\n   */\n  readonly patience?: Duration | undefined;\n";
    assert!(journey.get("cdk/lib/spec.ts").contains(property));
    let tests = journey.root.join("extension/spec/tests");
    fs::create_dir_all(&tests).unwrap();
    copy::put(&tests.join("journey.rs"), RUST);
    succeeds(&mut journey.cargo(&[
        "test",
        "--quiet",
        "--locked",
        "--package",
        "extension-spec",
        "--test",
        "journey",
    ]));
}

#[test]
#[ignore = "needs Node: cargo xtask test"]
fn a_new_stanza_is_a_setting_of_the_cdk_app_that_compiles_and_converts() {
    crate::tools::cdk::install().unwrap();
    let journey = with_a_new_parameter();
    let (package, modules) = (journey.root.join("cdk"), journey.root.join("node_modules"));
    std::os::unix::fs::symlink(workspace::root().join("node_modules"), &modules).unwrap();
    copy::put(&package.join("test/journey.test.ts"), TYPESCRIPT);
    let said = succeeds(Command::new("npm").args(["test"]).current_dir(&package));
    fs::remove_dir_all(package.join("build")).unwrap();
    fs::remove_file(modules).unwrap();
    assert!(said.contains("the new parameter is a property with a unit"), "{said}");
}

/// Registries in which there is a newer TypeScript, and nothing else that is newer.
const NPM: &str = r#"#!/bin/sh
case "$1 $2" in
"view typescript") echo '["7.0.2", "99.1.0", "100.0.0-beta"]' ;;
view*) echo '["0.0.1"]' ;;
install*) pwd >> "$LOG" ;;
esac
"#;
const SILENT: &str = "#!/bin/sh\necho 'it cannot be reached' >&2\nexit 1\n";

fn script(dir: &Path, name: &str, text: &str) {
    let path = dir.join(name);
    copy::put(&path, text);
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn an_upgrade_pins_what_is_newer_and_all_else_follows() {
    let journey = Journey::begin();
    let bin = tempfile::tempdir().unwrap();
    for (name, text) in [("npm", NPM), ("git", SILENT), ("python3", SILENT)] {
        script(bin.path(), name, text);
    }
    let log = bin.path().join("log");
    let upgrade = |arguments: &[&str]| {
        let path = std::env::var_os("PATH").unwrap();
        let paths = [bin.path().to_owned()].into_iter().chain(std::env::split_paths(&path));
        let mut xtask = journey.xtask(&[&["upgrade"], arguments].concat());
        text(
            &xtask
                .env("PATH", std::env::join_paths(paths).unwrap())
                .env("LOG", &log)
                .output()
                .unwrap(),
        )
    };

    let said = upgrade(&[]);
    assert!(said.contains("typescript                7.0.2       99.1.0 is newer\n"), "{said}");
    assert!(said.contains("could not be asked for: git: it cannot be reached\n"), "{said}");
    assert!(
        said.contains("\n1 behind; to pin the newer versions: cargo xtask upgrade --write\n"),
        "{said}"
    );
    assert!(!journey.get("xtask/src/project/pins.rs").contains("99.1.0"), "it only says");

    let said = upgrade(&["--write"]);
    assert!(said.contains("\nwrote xtask/src/project/pins.rs\nwrote package.json\n"), "{said}");
    assert!(journey.get("package.json").contains("\"typescript\": \"99.1.0\""));
    // This npm writes no lock file, as one that was interrupted: so the next run asks again.
    upgrade(&["--lock"]);
    let relocked = fs::read_to_string(log).unwrap();
    let folders: Vec<&str> = relocked.lines().map(|it| it.rsplit('/').next().unwrap()).collect();
    assert_eq!(
        folders,
        ["repository", "repository"],
        "what holds another version, and nothing else"
    );
}
