//! `infra-cdk`: what npm, TypeScript and the CDK are told.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};
use xtask_synth::Project;

use super::npm::{self, Package};
use super::pins;
use crate::tools;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TypeScript {
    compiler_options: BTreeMap<&'static str, Value>,
    include: [&'static str; 3],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Cdk {
    /// What AWS has to say about CDK versions is asked of the internet at each call.
    notices: bool,
    version_reporting: bool,
    /// What npm's script `build` has compiled.
    app: &'static str,
    context: BTreeMap<&'static str, bool>,
}

pub(super) fn add(project: &mut Project) {
    let mut package = Package::new("infra-cdk", "What the extension needs on AWS", &[]);
    package.version = Some(env!("CARGO_PKG_VERSION"));
    package.main = Some("build/lib/index.js");
    package.types = Some("build/lib/index.d.ts");
    package.files = vec!["build/lib"];
    package.scripts = BTreeMap::from([
        ("build", "tsc"),
        // The CDK's own check takes seconds for each stack; `cargo xtask test` has it made once.
        ("test", "tsc && CDK_VALIDATION=false node --test build/test/*.test.js"),
    ]);
    let peers = [pins::AWS_CDK_LIB, pins::CONSTRUCTS];
    package.peer_dependencies =
        peers.iter().map(|pin| (pin.name, format!("^{}", pin.version))).collect();
    let tools = [pins::AWS_CDK, pins::CDK_NAG, pins::TYPESCRIPT, pins::TYPES_NODE];
    package.dev_dependencies = npm::versions(&[peers.as_slice(), &tools].concat());
    project
        .json("infra-cdk/package.json", &package)
        .facts_from_all([pins::DECLARED_IN, tools::DECLARED_IN]);

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
        "declaration",
        "incremental",
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
    let include = ["bin/**/*.ts", "lib/**/*.ts", "test/**/*.ts"];
    project.jsonc("infra-cdk/tsconfig.json", &TypeScript { compiler_options, include });

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
