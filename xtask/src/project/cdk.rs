//! `cdk`, the package of constructs, and `infra-cdk`, the app that uses it: the files that npm, TypeScript and the CDK read.
//!
//! Both are one npm workspace, whose root is that of the repository. One `npm ci` installs them, into one `node_modules`:
//! a second copy of `aws-cdk-lib` would have classes of its own, and `instanceof` would fail between the two.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};
use xtask_synth::Project;

use super::npm::{self, Package, Repository};
use super::pins;
use crate::tools;
use crate::tools::cdk::PACKAGE;

/// A package without its layers would be useless, and only a release has them.
const PREPACK: &str = "node -e \"if (!require('fs').existsSync('layers')) { console.error('error: the package is packed with its layers: \
    run cargo xtask release, which writes the tarball into its folder'); process.exit(1); }\"";
/// The CDK's own check of the templates takes seconds for each stack; `cargo xtask test` has it made once.
const TEST: &str = "tsc --build && CDK_VALIDATION=false node --test build/test/*.test.js";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TypeScript {
    compiler_options: BTreeMap<&'static str, Value>,
    include: Vec<String>,
    /// Projects that `tsc --build` compiles first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    references: Vec<Reference>,
}

#[derive(Serialize)]
struct Reference {
    path: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Cdk {
    /// False, because the CDK's tool would ask the internet for notices at each call.
    notices: bool,
    version_reporting: bool,
    /// The program that npm's script `build` has compiled.
    app: &'static str,
    context: BTreeMap<&'static str, bool>,
}

pub(super) fn add(project: &mut Project) {
    for (path, package) in [("package.json", root()), ("infra-cdk/package.json", app())] {
        project.json(path, &package).facts_from_all([pins::DECLARED_IN, tools::DECLARED_IN]);
    }
    project.json("cdk/package.json", &constructs()).facts_from_all([
        pins::DECLARED_IN,
        tools::DECLARED_IN,
        "Cargo.toml",
    ]);
    project.jsonc("cdk/tsconfig.json", &typescript(&["lib", "test"], &[]));
    project.jsonc("infra-cdk/tsconfig.json", &typescript(&["bin", "lib", "test"], &["../cdk"]));

    let cdk = Cdk {
        notices: false,
        version_reporting: false,
        app: "node build/bin/app.js",
        context: BTreeMap::from([
            // The CDK's own check of the templates: what it finds is an error.
            ("@aws-cdk/core:validateAgainstDefaultRules", true),
        ]),
    };
    project.json("infra-cdk/cdk.json", &cdk);
}

/// Returns the root of the workspace, with the tools that both packages use.
fn root() -> Package {
    let about = "The workspace of the construct package and of this project's own CDK app";
    let mut package = Package::new("kinesis-telemetry-workspace", about, &[]);
    package.workspaces = vec!["cdk", "infra-cdk"];
    package.scripts =
        BTreeMap::from([("build", "tsc --build infra-cdk"), ("test", "npm test --workspaces")]);
    package.dev_dependencies = npm::versions(&[pins::TYPESCRIPT, pins::TYPES_NODE]);
    package
}

/// Returns the package that other people's apps import.
fn constructs() -> Package {
    let about =
        "CDK constructs that deliver the telemetry of Lambda functions to a Kinesis data stream";
    let mut package = Package::new(PACKAGE, about, &[]);
    package.version = Some(env!("CARGO_PKG_VERSION"));
    package.main = Some("build/lib/index.js");
    package.types = Some("build/lib/index.d.ts");
    package.private = false;
    package.repository = Some(Repository::of("cdk"));
    package.keywords = vec!["cdk", "awscdk", "aws-cdk", "lambda", "kinesis", "telemetry", "logs"];
    // The layers are in the package of a release alone.
    package.files = vec!["build/lib", "layers", "API.md"];
    package.scripts =
        BTreeMap::from([("build", "tsc --build"), ("prepack", PREPACK), ("test", TEST)]);
    let oldest = [pins::OLDEST_AWS_CDK_LIB, pins::OLDEST_CONSTRUCTS];
    package.peer_dependencies =
        oldest.iter().map(|pin| (pin.name, format!("^{}", pin.version))).collect();
    package.dev_dependencies = npm::versions(&[pins::AWS_CDK_LIB, pins::CONSTRUCTS]);
    package
}

/// Returns this project's own app, the package's first customer.
fn app() -> Package {
    let libraries = [pins::AWS_CDK_LIB, pins::CONSTRUCTS, pins::YAML];
    let mut package = Package::new("infra-cdk", "What the extension needs on AWS", &libraries);
    // By its folder, so that npm never asks a registry for it.
    package.dependencies.insert(PACKAGE, "file:../cdk");
    package.scripts = BTreeMap::from([("build", "tsc --build"), ("test", TEST)]);
    package.dev_dependencies = npm::versions(&[pins::AWS_CDK, pins::CDK_NAG]);
    package
}

fn typescript(folders: &[&str], references: &[&'static str]) -> TypeScript {
    let strict = [
        "strict",
        "exactOptionalPropertyTypes",
        "noFallthroughCasesInSwitch",
        "noImplicitOverride",
        "noImplicitReturns",
        "noPropertyAccessFromIndexSignature",
        "noUncheckedIndexedAccess",
        "noUnusedLocals",
        "noUnusedParameters",
        "isolatedModules",
        "skipLibCheck",
        // The package can be referred to by the app, and is compiled with it.
        "composite",
    ];
    let mut compiler_options: BTreeMap<_, _> =
        strict.into_iter().map(|option| (option, json!(true))).collect();
    compiler_options.extend([
        ("target", json!("ES2022")),
        ("module", json!("Node16")),
        ("types", json!(["node"])),
        ("rootDir", json!(".")),
        ("outDir", json!("build")),
    ]);
    let include = folders.iter().map(|folder| format!("{folder}/**/*.ts")).collect();
    let references = references.iter().map(|path| Reference { path }).collect();
    TypeScript { compiler_options, include, references }
}
