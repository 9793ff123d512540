//! The consumers as packages for `PyPI` and npm: `pyproject.toml`, `package.json`, and how TypeScript writes the types of the latter.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};
use xtask_synth::Project;

use super::links::REPOSITORY;
use super::pins;
use crate::tools::{self, NODE_MAJOR, PYTHON_MINOR};

/// The name of the packages on `PyPI`, on npm and among Rust's crates.
pub(crate) const PACKAGE: &str = "kinesis-telemetry-consumer";
/// The Python module, and the folder of its sources.
pub(crate) const MODULE: &str = "kinesis_telemetry";
/// The name of the JavaScript module and of the folder with its other modules.
pub(crate) const NODE_MODULE: &str = "kinesis-telemetry";
/// The files in `consumers/python` that users copy.
pub(crate) const PYTHON_EXAMPLES: [&str; 4] =
    ["dead_letters.py", "firehose.py", "handler.py", "kcl_processor.py"];
/// The file in `consumers/node` that users copy.
pub(crate) const NODE_EXAMPLE: &str = "handler.mjs";

pub(crate) const DESCRIPTION: &str = "Reads the records of kinesis-telemetry-extension: decodes, de-duplicates and finds missing events";
pub(crate) const KEYWORDS: [&str; 4] = ["aws", "kinesis", "lambda", "telemetry"];
/// Where this repository's address, the version and the licence are said.
const CARGO: &str = "Cargo.toml";

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct PyProject {
    build_system: BuildSystem,
    project: PythonPackage,
    tool: Tools,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct BuildSystem {
    requires: [String; 1],
    build_backend: &'static str,
}

/// Core metadata (Python Packaging User Guide, "pyproject.toml specification").
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct PythonPackage {
    name: &'static str,
    version: &'static str,
    description: &'static str,
    readme: &'static str,
    requires_python: String,
    license: &'static str,
    license_files: [&'static str; 1],
    keywords: [&'static str; 4],
    classifiers: [&'static str; 2],
    optional_dependencies: BTreeMap<&'static str, [&'static str; 1]>,
    urls: BTreeMap<&'static str, &'static str>,
}

#[derive(Serialize)]
struct Tools {
    flit: Flit,
    mypy: BTreeMap<&'static str, Value>,
}

#[derive(Serialize)]
struct Flit {
    module: BTreeMap<&'static str, &'static str>,
    /// What the source distribution holds in addition to the module.
    sdist: BTreeMap<&'static str, [&'static str; 4]>,
}

#[derive(Serialize)]
struct NodePackage {
    name: &'static str,
    version: &'static str,
    description: &'static str,
    keywords: [&'static str; 4],
    license: &'static str,
    repository: Repository,
    engines: BTreeMap<&'static str, String>,
    exports: BTreeMap<&'static str, Exported>,
    files: Vec<String>,
}

#[derive(Serialize)]
struct Repository {
    r#type: &'static str,
    url: String,
    directory: &'static str,
}

/// TypeScript takes the first condition that fits.
#[derive(Serialize)]
struct Exported {
    types: String,
    default: String,
}

pub(super) fn add(project: &mut Project) {
    let facts = [CARGO, pins::DECLARED_IN, tools::DECLARED_IN];
    project.toml("consumers/python/pyproject.toml", &python()).facts_from_all(facts);
    project
        .json("consumers/node/package.json", &node())
        .facts_from_all([CARGO, tools::DECLARED_IN]);
    project.jsonc("consumers/node/tsconfig.json", &typescript());
}

fn python() -> PyProject {
    let backend = pins::FLIT_CORE;
    let project = PythonPackage {
        name: PACKAGE,
        version: env!("CARGO_PKG_VERSION"),
        description: DESCRIPTION,
        readme: "README.md",
        requires_python: format!(">=3.{PYTHON_MINOR}"),
        license: env!("CARGO_PKG_LICENSE"),
        license_files: ["LICENSE"],
        keywords: KEYWORDS,
        classifiers: ["Programming Language :: Python :: 3 :: Only", "Typing :: Typed"],
        optional_dependencies: BTreeMap::from([
            ("read", ["boto3"]),
            // Later versions of Python have it.
            ("zstd", ["backports.zstd; python_version < '3.14'"]),
        ]),
        urls: BTreeMap::from([("Repository", REPOSITORY)]),
    };
    let strict = [("strict", json!(true)), ("python_version", json!(format!("3.{PYTHON_MINOR}")))];
    PyProject {
        build_system: BuildSystem {
            requires: [format!("{}=={}", backend.name, backend.version)],
            build_backend: "flit_core.buildapi",
        },
        project,
        tool: Tools {
            flit: Flit {
                module: BTreeMap::from([("name", MODULE)]),
                sdist: BTreeMap::from([("include", PYTHON_EXAMPLES)]),
            },
            mypy: BTreeMap::from(strict),
        },
    }
}

fn node() -> NodePackage {
    let module = format!("./{NODE_MODULE}");
    NodePackage {
        name: PACKAGE,
        version: env!("CARGO_PKG_VERSION"),
        description: DESCRIPTION,
        keywords: KEYWORDS,
        license: env!("CARGO_PKG_LICENSE"),
        repository: Repository {
            r#type: "git",
            url: format!("git+{REPOSITORY}.git"),
            directory: "consumers/node",
        },
        engines: BTreeMap::from([("node", format!(">={NODE_MAJOR}"))]),
        exports: BTreeMap::from([(
            ".",
            Exported { types: format!("{module}.d.mts"), default: format!("{module}.mjs") },
        )]),
        files: vec![
            NODE_EXAMPLE.to_owned(),
            NODE_MODULE.to_owned(),
            format!("{NODE_MODULE}.d.mts"),
            format!("{NODE_MODULE}.mjs"),
        ],
    }
}

/// Has TypeScript check what the modules state about their types, and write the declarations.
fn typescript() -> Value {
    json!({
        "compilerOptions": {
            "allowJs": true,
            "checkJs": true,
            "declaration": true,
            "emitDeclarationOnly": true,
            "strict": true,
            // Private functions state no types.
            "noImplicitAny": false,
            "useUnknownInCatchVariables": false,
            "target": "ES2022",
            "lib": ["ES2024"],
            "module": "Node16",
            "types": ["node"],
            "rootDir": ".",
            "outDir": "build",
        },
        "files": [format!("{NODE_MODULE}.mjs")],
    })
}
