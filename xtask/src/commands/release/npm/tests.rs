//! The package in a folder outside the checkout, with old and new versions of the CDK and of TypeScript. Its layers are stand-ins.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{Architecture, build, cdk, tarball};
use crate::project::pins::{self, Pin};

const APP: &str = "\
import { App, Stack } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { KinesisTelemetry } from 'kinesis-telemetry-cdk';

const stack = new Stack(new App(), 'Orders');
const code = lambda.Code.fromInline('exports.handler = async () => {}');
const fn = new lambda.Function(stack, 'Function', { runtime: lambda.Runtime.NODEJS_22_X, handler: 'index.handler', code });
new KinesisTelemetry(stack, 'Telemetry', { completeness: {} }).attachTo(fn);
";

/// The variable with which the workflow `nightly` makes npm use a registry.
const REGISTRY: &str = "PACKAGE_MATRIX";

/// A person's empty folder, with the package installed.
struct Outside {
    folder: TempDir,
    zips: BTreeMap<String, Vec<u8>>,
}

impl Outside {
    /// Installs the package, and what else npm is told to.
    fn with(packages: &[String]) -> Self {
        cdk::compile().unwrap();
        let names =
            Architecture::ALL.map(build::zip).into_iter().chain([build::completeness_zip()]);
        let zips: BTreeMap<String, Vec<u8>> = names.map(|it| (it.clone(), zip(&it))).collect();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("package.tgz"), tarball(&zips).unwrap()).unwrap();
        let outside = Self { folder, zips };
        let options = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
        outside.runs(
            Command::new("npm").args(["install", "./package.tgz"]).args(options).args(packages),
        );
        outside
    }

    /// Installs the package alone. Its peers are those of these folders of `node_modules`.
    fn linked(cdks: &Path, typescript: &Path) -> Self {
        let outside = Self::with(&["--legacy-peer-deps".to_owned()]);
        let link = |from: &Path, name: &str| {
            symlink(from.join(name), outside.modules().join(name)).unwrap();
        };
        for name in ["aws-cdk-lib", "constructs"] {
            link(cdks, name);
        }
        link(typescript, "typescript");
        link(&cdk::installed(""), "@types");
        link(&cdk::installed(""), "undici-types");
        outside
    }

    fn modules(&self) -> PathBuf {
        self.folder.path().join("node_modules")
    }

    fn runs(&self, command: &mut Command) {
        let output = command.current_dir(self.folder.path()).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&said));
    }

    /// Compiles an app without any declaration unchecked, and synthesises it: the assets are the zips of the package.
    fn deploys_the_layers(&self) {
        fs::write(self.folder.path().join("app.ts"), APP).unwrap();
        let mut tsc = Command::new("node");
        tsc.args(["node_modules/typescript/bin/tsc", "--strict", "--types", "node"]);
        self.runs(tsc.args(["--module", "node16", "--target", "es2022", "app.ts"]));
        let mut node = Command::new("node");
        let variables = [("CDK_OUTDIR", "out"), ("CDK_VALIDATION", "false")];
        self.runs(node.arg("app.js").envs(variables));
        let out = self.folder.path().join("out");
        let template = fs::read_to_string(out.join("Orders.template.json")).unwrap();
        assert_eq!(template.matches("\"AWS::Lambda::LayerVersion\"").count(), 2);
        let files = fs::read_dir(out).unwrap().map(|it| it.unwrap().path());
        let assets = files.filter(|it| it.extension().is_some_and(|it| it == "zip"));
        let mut assets: Vec<Vec<u8>> = assets.map(|it| fs::read(it).unwrap()).collect();
        let mut zips: Vec<Vec<u8>> = self.zips.values().cloned().collect();
        assets.sort();
        zips.sort();
        assert_eq!(assets, zips);
    }
}

/// A zip without a file, and with a comment that tells it from others.
fn zip(comment: &str) -> Vec<u8> {
    let length = u16::try_from(comment.len()).unwrap().to_le_bytes();
    [b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", &length[..], comment.as_bytes()].concat()
}

#[test]
#[ignore = "needs Node: cargo xtask test"]
fn an_app_outside_the_checkout_has_the_layers_with_the_oldest_cdk_and_typescript() {
    let oldest = cdk::install_oldest().unwrap();
    Outside::linked(&oldest, &oldest).deploys_the_layers();
}

#[test]
#[ignore = "needs Node: cargo xtask test"]
fn an_app_outside_the_checkout_has_the_layers_with_the_newest_cdk_and_typescript() {
    let newest = cdk::installed("");
    Outside::linked(&newest, &newest).deploys_the_layers();
}

/// npm resolves the peers itself. Nothing is done without the variable: a registry is no part of a test of a change.
#[test]
#[ignore = "needs Node: cargo xtask test"]
fn the_package_installs_with_every_pair_of_cdk_and_typescript_from_a_registry() {
    if std::env::var_os(REGISTRY).is_none() {
        return;
    }
    let exact = |pin: Pin| format!("{}@{}", pin.name, pin.version);
    let latest = |pin: Pin| format!("{}@latest", pin.name);
    let cdks = [
        [exact(pins::OLDEST_AWS_CDK_LIB), exact(pins::OLDEST_CONSTRUCTS)],
        [exact(pins::AWS_CDK_LIB), exact(pins::CONSTRUCTS)],
        [latest(pins::AWS_CDK_LIB), latest(pins::CONSTRUCTS)],
    ];
    // The declarations of a newer CDK need a newer compiler than the oldest one.
    let newest_5 = format!("{}@5", pins::TYPESCRIPT.name);
    for cdk in &cdks {
        for typescript in [newest_5.clone(), exact(pins::TYPESCRIPT)] {
            let packages = [&cdk[..], &[typescript, exact(pins::TYPES_NODE)]].concat();
            println!("{}", packages.join(" "));
            Outside::with(&packages).deploys_the_layers();
        }
    }
}

#[test]
#[ignore = "needs Node: cargo xtask test"]
fn the_package_is_the_same_bytes_when_it_is_packed_again() {
    cdk::compile().unwrap();
    let zips = BTreeMap::from([("a.zip".to_owned(), zip("a"))]);
    assert!(tarball(&zips).unwrap() == tarball(&zips).unwrap());
}
