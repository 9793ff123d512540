//! Compiles, synthesises and validates the snippets of docs/deploying.md and of the README of the package.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use super::{cfn_lint, passes};
use crate::support::workspace;
use crate::tools::cdk;

/// The blocks of the documents in one language.
fn blocks(language: &str) -> Vec<String> {
    let read = |file: &str| fs::read_to_string(workspace::root().join(file)).unwrap();
    let text = ["docs/deploying.md", "cdk/README.md"].map(read).concat();
    let fence = format!("\n```{language}\n");
    let after = text.split(&fence).skip(1);
    after.map(|rest| rest.split("\n```\n").next().unwrap().to_owned() + "\n").collect()
}

/// Installs the package of constructs in a folder as another app gets it: packed, with that app's own CDK, which is in `cdks`.
fn app(folder: &Path, cdks: &Path) {
    let modules = folder.join("node_modules");
    fs::create_dir(&modules).unwrap();
    let mut pack = Command::new("npm");
    pack.args(["pack", "--ignore-scripts", "--silent", "--pack-destination"]).arg(folder);
    passes(pack.current_dir(cdk::constructs()));
    let packed = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    let packed =
        packed.into_iter().find(|it| it.extension().is_some_and(|it| it == "tgz")).unwrap();
    passes(Command::new("tar").arg("-xzf").arg(packed).arg("-C").arg(folder));
    fs::rename(folder.join("package"), modules.join("kinesis-telemetry-cdk")).unwrap();
    for package in ["aws-cdk-lib", "constructs"] {
        symlink(cdks.join(package), modules.join(package)).unwrap();
    }
    for package in ["@types", "undici-types"] {
        symlink(cdk::installed(package), modules.join(package)).unwrap();
    }
    let zips = cdk::stand_ins(&workspace::target_dir().unwrap()).unwrap();
    symlink(zips, modules.join("kinesis-telemetry-cdk/layers")).unwrap();
}

#[test]
#[ignore = "needs Node and Python 3: cargo xtask test"]
fn the_cdk_apps_of_the_document_compile_and_their_templates_are_valid() {
    are_valid(&cdk::installed(""));
}

#[test]
#[ignore = "needs Node and Python 3: cargo xtask test"]
fn the_cdk_apps_of_the_document_are_valid_with_the_oldest_cdk_too() {
    are_valid(&cdk::install_oldest().unwrap());
}

/// Compiles, synthesises and validates the apps with the CDK in this `node_modules`.
fn are_valid(cdks: &Path) {
    cdk::compile().unwrap();
    let dir = tempfile::tempdir().unwrap();
    app(dir.path(), cdks);
    let snippets = blocks("typescript");
    assert!(snippets.len() >= 8, "{}", snippets.len());
    for (n, snippet) in snippets.iter().enumerate() {
        fs::write(dir.path().join(format!("app{n}.ts")), snippet).unwrap();
    }
    let options = r#"{ "compilerOptions": { "strict": true, "module": "Node16", "target": "ES2022", "types": ["node"], "noEmitOnError": true } }"#;
    fs::write(dir.path().join("tsconfig.json"), options).unwrap();
    let mut tsc = Command::new("node");
    tsc.arg(cdk::installed("typescript/bin/tsc"));
    passes(tsc.current_dir(dir.path()));
    for n in 0..snippets.len() {
        let out = dir.path().join(format!("out{n}"));
        let mut node = Command::new("node");
        node.arg(format!("app{n}.js")).env("CDK_OUTDIR", &out);
        passes(node.env("CDK_VALIDATION", "false").current_dir(dir.path()));
        let files = fs::read_dir(out).unwrap().map(|it| it.unwrap().path());
        let templates: Vec<_> =
            files.filter(|it| it.to_string_lossy().ends_with(".template.json")).collect();
        assert!(!templates.is_empty());
        passes(cfn_lint().args(["--ignore-checks", "W3005", "--"]).args(templates));
    }
}

#[test]
#[ignore = "needs Node and Python 3: cargo xtask test"]
fn the_templates_of_the_document_pass_cfn_lint() {
    let dir = tempfile::tempdir().unwrap();
    let snippets = blocks("yaml");
    assert!(snippets.len() >= 2, "{}", snippets.len());
    for (n, snippet) in snippets.iter().enumerate() {
        let template = dir.path().join(format!("template{n}.yaml"));
        fs::write(&template, snippet).unwrap();
        passes(cfn_lint().arg("--").arg(template));
    }
}

#[test]
fn the_shell_of_the_document_is_shell() {
    let snippets = blocks("sh");
    assert!(snippets.len() >= 2, "{}", snippets.len());
    for snippet in snippets {
        passes(Command::new("sh").args(["-n", "-c", &snippet]));
    }
}
