//! A person who does not have this repository uses a release: an empty folder, and the registries of npm and Python.
//!
//! `cargo xtask ci` makes the release and says in `RELEASE` where it is. The layer, the package of constructs, the program in its wheel
//! and the template are those of the release. The function's own code is this repository's test function, and the sandbox stands in for
//! what ministack lacks (see `end_to_end`).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use extension_spec::deployment::Architecture;
use serde_json::Value;
use tempfile::TempDir;

use crate::end_to_end::{programs, zips};
use crate::ministack::Ministack;

/// A CDK app, as the README of the package begins it.
const APP: &str = r"
import { App, Duration, Stack } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { KinesisTelemetry } from 'kinesis-telemetry-cdk';

const stack = new Stack(new App(), 'Orders');
const telemetry = new KinesisTelemetry(stack, 'Telemetry');
const fn = new lambda.Function(stack, 'Function', {
  functionName: 'orders',
  runtime: lambda.Runtime.PROVIDED_AL2023,
  handler: 'bootstrap',
  code: lambda.Code.fromAsset('function.zip'),
  timeout: Duration.seconds(30),
});
telemetry.attachTo(fn);
";

/// A person's empty folder, with an AWS of their own.
struct Outside {
    aws: Ministack,
    folder: TempDir,
    programs: BTreeMap<String, PathBuf>,
}

impl Outside {
    fn new() -> Self {
        let programs =
            programs(&["kinesis-telemetry-extension", "test-function", "sandbox-bootstrap"]);
        let (aws, folder) = (Ministack::start(), tempfile::tempdir().unwrap());
        let made = folder.path().join("made");
        fs::create_dir(&made).unwrap();
        zips(&aws, &made, &programs);
        let function = format!("{}.zip", Architecture::X86_64.test_function());
        fs::rename(made.join(function), folder.path().join("function.zip")).unwrap();
        fs::remove_dir_all(made).unwrap();
        Self { aws, folder, programs }
    }

    /// Runs a program in the folder, with the machine's own settings: it asks a registry.
    fn installs(&self, program: &str, arguments: &[&str]) {
        self.succeeds(Command::new(program).args(arguments));
    }

    /// Runs a program in the folder that asks AWS.
    fn asks(&self, program: &str, arguments: &[&str]) -> String {
        let mut command = Command::new(self.folder.path().join(program));
        self.aws.credentials(command.args(arguments));
        self.succeeds(&mut command)
    }

    fn succeeds(&self, command: &mut Command) -> String {
        let output = command.current_dir(self.folder.path()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{command:?}\n{printed}{said}\n{}", self.aws.log());
        printed
    }

    /// Runs the function three times, and reads its telemetry with the program of the wheel.
    fn telemetry_arrives(&self, function: &str) {
        let sandbox = self.programs["sandbox-bootstrap"].to_str().unwrap();
        let stand_in = self.aws.python("pins/ministack/stand_in.py", &[function, sandbox]);
        assert_eq!(stand_in["files"][0], "extensions/kinesis-telemetry-extension");
        self.aws.python("tests/aws/existing.py", &["invoke", function]);

        self.installs("python3", &["-m", "venv", "python"]);
        let wheel = released("kinesis_telemetry-", "x86_64.whl");
        self.installs("python/bin/pip", &["install", "--quiet", "--no-index", &wheel]);
        let tail = ["tail", "--since", "600", "--function", function, "--type", "function"];
        let events = ["--events", "6", "--seconds", "60", "--json"];
        let lines = self.asks("python/bin/kinesis-telemetry", &[&tail[..], &events].concat());
        assert_eq!(lines.lines().count(), 6, "two lines of three invocations: {lines}");
        let complete = ["completeness", "--since", "10m", "--settle", "0"];
        let verdict: Value =
            serde_json::from_str(&self.asks("python/bin/kinesis-telemetry", &complete)).unwrap();
        assert_eq!(verdict["missingEvents"], 0, "{verdict:#}");
    }
}

/// Returns the path of the one file of the release with this beginning and this end.
fn released(begin: &str, end: &str) -> String {
    let folder = std::env::var("RELEASE").expect("cargo xtask ci says where the release is");
    let files = fs::read_dir(&folder).unwrap().map(|it| it.unwrap().path());
    let is_meant = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with(begin) && name.ends_with(end)
    };
    let found: Vec<PathBuf> = files.filter(is_meant).collect();
    let [file] = found.as_slice() else { panic!("{begin}…{end} in {folder}: {found:?}") };
    file.to_str().unwrap().to_owned()
}

/// Installs the constructs of the release with these packages of npm's, deploys an app, and finds its telemetry complete.
fn a_cdk_app_delivers(packages: &[String]) {
    let outside = Outside::new();
    let folder = outside.folder.path();
    let constructs = released("kinesis-telemetry-cdk-", ".tgz");
    let install = ["install", "--silent", "--no-audit", "--no-fund", &constructs];
    let packages = packages.iter().map(String::as_str);
    outside.installs("npm", &install.into_iter().chain(packages).collect::<Vec<_>>());
    fs::write(folder.join("app.ts"), APP).unwrap();
    let options =
        ["--strict", "--module", "node16", "--target", "es2022", "--types", "node", "app.ts"];
    outside.asks("node_modules/.bin/tsc", &options);

    let cdk = |arguments: &[&str]| {
        let common = ["--app", "node app.js", "--require-approval", "never", "--ci"];
        outside.asks("node_modules/.bin/cdk", &[arguments, &common].concat());
    };
    cdk(&["bootstrap"]);
    cdk(&["deploy", "--all"]);
    outside.telemetry_arrives("orders");
    cdk(&["destroy", "--all", "--force"]);
}

/// Returns names and versions of npm packages that a `package.json` of this repository pins.
fn pinned(file: &str, names: &[&str]) -> Vec<String> {
    let root = Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("..");
    let text = fs::read_to_string(root.join(file)).unwrap();
    let package: Value = serde_json::from_str(&text).unwrap();
    let version = |name: &str| {
        let mut groups = ["dependencies", "devDependencies"].into_iter();
        groups.find_map(|it| package[it][name].as_str()).unwrap().to_owned()
    };
    names.iter().map(|name| format!("{name}@{}", version(name))).collect()
}

/// Returns the packages that every app has, independent of its CDK.
fn tools() -> Vec<String> {
    [pinned("infra-cdk/package.json", &["aws-cdk"]), pinned("package.json", &["@types/node"])]
        .concat()
}

#[test]
#[ignore = "needs Node and Python 3: cargo xtask ci"]
fn an_app_with_the_newest_cdk_delivers_out_of_the_release() {
    let cdk = pinned("infra-cdk/package.json", &["aws-cdk-lib", "constructs"]);
    a_cdk_app_delivers(&[tools(), cdk, pinned("package.json", &["typescript"])].concat());
}

#[test]
#[ignore = "needs Node and Python 3: cargo xtask ci"]
fn an_app_with_the_oldest_cdk_delivers_out_of_the_release() {
    let oldest = "xtask/pins/oldest-cdk/package.json";
    let cdk = pinned(oldest, &["aws-cdk-lib", "constructs", "typescript"]);
    a_cdk_app_delivers(&[tools(), cdk].concat());
}

#[test]
#[ignore = "needs Node and Python 3: cargo xtask ci"]
fn a_stack_of_the_template_delivers_out_of_the_release() {
    let outside = Outside::new();
    let does = |arguments: &[&str]| outside.aws.python("tests/aws/template.py", arguments);
    let template = released("kinesis-telemetry.", "template.yaml");
    let release = std::env::var("RELEASE").unwrap();
    does(&["create", &template, &release, env!("CARGO_PKG_VERSION")]);
    does(&["function", outside.folder.path().join("function.zip").to_str().unwrap()]);
    outside.telemetry_arrives("orders");
    assert_eq!(does(&["delete"])["functions"], 0);
}
