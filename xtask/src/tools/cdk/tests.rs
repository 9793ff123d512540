//! Checks the CDK app and its templates with third-party programs.

mod jsii;
mod oldest;
mod snippets;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::tools::cdk;

use crate::tools::linters;

use crate::project::stages;

use crate::support::workspace;

fn text(output: &Output) -> String {
    [output.stdout.as_slice(), &output.stderr].map(String::from_utf8_lossy).concat()
}

/// Runs a program, and panics with its whole output if it fails.
fn passes(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}\n{}", text(&output));
}

/// Makes the app write its templates, with the CDK's own check of them.
fn synthesize(stage: &str, zips: &Path, into: &Path) {
    passes(
        cdk::command(&["synth", "--quiet", "--output"])
            .arg(into)
            .arg("--context")
            .arg(format!("zips={}", zips.display()))
            .args(["--context", &format!("stage={stage}")])
            .args(["--context", "organizationId=o-a1b2c3d4e5"]),
    );
}

#[test]
#[ignore = "needs Node and Python 3: cargo xtask test"]
fn the_templates_of_every_stage_pass_the_cdks_check_and_cfn_lint() {
    cdk::compile().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let zips = cdk::stand_ins(&workspace::target_dir().unwrap()).unwrap();
    let mut templates = Vec::new();
    for stage in stages::names() {
        let into = dir.path().join(stage);
        synthesize(stage, &zips, &into);
        let files = fs::read_dir(into).unwrap().map(|it| it.unwrap().path());
        templates.extend(files.filter(|it| it.to_string_lossy().ends_with(".template.json")));
    }
    assert_eq!(templates.len(), 2 * stages::STAGES.len());
    // W3005: the CDK also states dependencies that a reference already implies.
    passes(cfn_lint().args(["--ignore-checks", "W3005", "--"]).args(templates));
}

#[test]
#[ignore = "needs Python 3: cargo xtask test"]
fn the_template_for_people_without_the_cdk_passes_cfn_lint_without_exception() {
    let snapshots = cdk::folder().join("test/snapshots");
    passes(cfn_lint().arg("--").arg(snapshots.join("kinesis-telemetry.template.yaml")));
}

/// The tool warns of options that a command does not have and goes on without them.
#[test]
#[ignore = "needs Node and Python 3: cargo xtask test"]
fn the_cdks_tool_knows_every_option() {
    cdk::install().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let warning = |arguments: &[&str]| {
        // Without an app the tool ends here.
        let mut tool = cdk::command(arguments);
        tool.args(["--app", "none", "--context", "a=b"]).current_dir(&dir);
        let said = text(&tool.env("CDK_HOME", dir.path()).output().unwrap());
        said.lines().find(|line| line.contains("Unknown option")).map(str::to_owned)
    };
    for arguments in [&cdk::DEPLOY[..], &cdk::DIFF, &cdk::DESTROY, &cdk::BOOTSTRAP] {
        assert_eq!(warning(arguments), None, "{arguments:?}");
    }
    assert!(warning(&["diff", "--all"]).is_some(), "the tool warns in other words");
}

fn cfn_lint() -> Command {
    let linters = linters::install(&workspace::target_dir().unwrap()).unwrap();
    Command::new(linters.join("python/bin/cfn-lint"))
}

#[test]
#[ignore = "needs Node and Python 3: cargo xtask test"]
fn cfn_lint_would_find_something() {
    let dir = tempfile::tempdir().unwrap();
    let template = dir.path().join("a.template.json");
    let resource = r#"{ "Type": "AWS::Kinesis::Stream", "Properties": { "Retention": 1 } }"#;
    fs::write(&template, format!(r#"{{ "Resources": {{ "Stream": {resource} }} }}"#)).unwrap();
    let output = cfn_lint().arg(&template).output().unwrap();
    assert!(!output.status.success() && text(&output).contains("'Retention'"), "{}", text(&output));
}

/// Runs `ESLint` on everything that people write below a folder.
fn eslint(root: &Path) -> Command {
    let linters = linters::install(&workspace::target_dir().unwrap()).unwrap();
    let mut eslint = Command::new("node");
    eslint.arg(linters.join("node/node_modules/eslint/bin/eslint.js"));
    eslint.arg("--config").arg(linters.join("node/eslint.config.mjs")).arg(".").current_dir(root);
    eslint
}

#[test]
#[ignore = "needs Node and Python 3: cargo xtask test"]
fn the_typescript_passes_eslint() {
    // The app's types come from what the package was compiled to.
    cdk::compile().unwrap();
    for folder in [cdk::constructs(), cdk::folder()] {
        passes(&mut eslint(&folder));
    }
}

#[test]
#[ignore = "needs Node and Python 3: cargo xtask test"]
fn eslint_would_find_something() {
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    put(
        "tsconfig.json",
        r#"{ "compilerOptions": { "strict": true, "types": [] }, "include": ["*.ts"] }"#,
    );
    put("a.ts", "async function f(): Promise<void> {}\nexport function g(): void {\n  f();\n}\n");
    let output = eslint(dir.path()).output().unwrap();
    assert!(text(&output).contains("no-floating-promises"), "{}", text(&output));
}
