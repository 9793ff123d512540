//! The consumers, against records that the extension itself has made, in every combination of settings.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use super::install;
use crate::support::workspace;
use crate::tools::Tool;

/// The folder that the program `fixtures` has written.
static RECORDS: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = workspace::target_dir().unwrap().join("consumers/records");
    let programs = workspace::build(&["fixtures"]).unwrap();
    passes(Command::new(&programs["fixtures"]).arg(&folder));
    folder
});

/// Fails with all that the program says; gives it, too.
fn passes(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{command:?}\n{said}");
    said
}

/// Runs these modules of the Python tests, none of which may skip anything.
fn python(modules: &[&str], records: &Path) {
    let environment = install(Tool::Python, &workspace::target_dir().unwrap()).unwrap();
    let mut python = Command::new(environment.join("bin/python3"));
    python
        // No `__pycache__` between the sources.
        .args(["-B", "-m", "unittest"])
        .args(modules)
        .env("RECORDS", records)
        .current_dir(workspace::root().join("consumers/python"));
    let said = passes(&mut python);
    assert!(!said.contains("skipped") && !said.contains("Ran 0 tests"), "{said}");
}

/// The same of the Node tests.
fn node(files: &[&str], records: &Path) {
    let packages = install(Tool::Node, &workspace::target_dir().unwrap()).unwrap();
    let mut node = Command::new("node");
    node.args(["--test", "--test-reporter=tap"])
        .args(files)
        .env("RECORDS", records)
        .env("PACKAGES", packages)
        .current_dir(workspace::root().join("consumers/node"));
    let said = passes(&mut node);
    assert!(said.contains("# skipped 0") && !said.contains("# pass 0"), "{said}");
}

#[test]
#[ignore = "needs Python 3: cargo xtask test"]
fn the_python_consumer_reads_every_combination() {
    python(&["tests.test_records", "tests.test_deliveries"], &RECORDS);
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
