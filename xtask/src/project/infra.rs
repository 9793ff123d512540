//! `infra-cdk`: what npm, TypeScript and the CDK are told.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};
use xtask_synth::Project;

use super::{npm, pins};
use crate::tools;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Package {
    name: &'static str,
    description: &'static str,
    private: bool,
    license: &'static str,
    engines: BTreeMap<&'static str, String>,
    scripts: BTreeMap<&'static str, &'static str>,
    dependencies: BTreeMap<&'static str, &'static str>,
    dev_dependencies: BTreeMap<&'static str, &'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TypeScript {
    compiler_options: BTreeMap<&'static str, Value>,
    include: [&'static str; 2],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Cdk {
    /// What AWS has to say about CDK versions is asked of the internet at each call.
    notices: bool,
    version_reporting: bool,
    context: BTreeMap<&'static str, bool>,
}

pub(super) fn add(project: &mut Project) {
    let package = Package {
        name: "infra-cdk",
        description: "What the extension needs on AWS",
        private: true,
        license: env!("CARGO_PKG_LICENSE"),
        engines: npm::engines(),
        scripts: BTreeMap::from([
            ("build", "tsc"),
            ("test", "tsc && node --test build/test/*.test.js"),
        ]),
        dependencies: npm::versions(&[pins::AWS_CDK_LIB, pins::CONSTRUCTS]),
        dev_dependencies: npm::versions(&[pins::AWS_CDK, pins::TYPESCRIPT, pins::TYPES_NODE]),
    };
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
    let include = ["lib/**/*.ts", "test/**/*.ts"];
    project.jsonc("infra-cdk/tsconfig.json", &TypeScript { compiler_options, include });

    let cdk = Cdk {
        notices: false,
        version_reporting: false,
        context: BTreeMap::from([
            // The CDK's own check of the templates: what it finds is an error.
            ("@aws-cdk/core:validateAgainstDefaultRules", true),
        ]),
    };
    project.json("infra-cdk/cdk.json", &cdk);
}
