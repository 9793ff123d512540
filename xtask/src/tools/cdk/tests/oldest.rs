//! The package of constructs with the oldest CDK that it allows.

use std::fs;
use std::process::Command;

use super::passes;
use crate::tools::cdk;

#[test]
#[ignore = "needs Node: cargo xtask test"]
fn the_package_passes_its_tests_with_the_oldest_cdk_that_it_allows() {
    cdk::compile().unwrap();
    let modules = cdk::install_oldest().unwrap();
    // Node looks for modules in the folders above a file, and in none that a link leads to.
    let folder = tempfile::tempdir_in(modules.parent().unwrap()).unwrap();
    for part in ["build", "lib", "package.json"] {
        passes(Command::new("cp").arg("-R").arg(cdk::constructs().join(part)).arg(folder.path()));
    }
    let tests =
        fs::read_dir(folder.path().join("build/test")).unwrap().map(|it| it.unwrap().path());
    let tests: Vec<_> = tests.filter(|it| it.to_string_lossy().ends_with(".test.js")).collect();
    assert!(tests.len() > 5, "{tests:?}");
    let mut node = Command::new("node");
    node.arg("--test").args(tests).env("CDK_VALIDATION", "false");
    passes(node.current_dir(folder.path()));
}
