//! `cargo metadata`, as far as the rules ask for it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::{process, workspace};

/// Every package that the lock file leads to, and who depends on whom.
#[derive(Deserialize)]
pub(super) struct Graph {
    pub(super) packages: Vec<Package>,
    pub(super) workspace_members: BTreeSet<String>,
    resolve: Resolve,
}

#[derive(Deserialize)]
pub(super) struct Package {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) license: Option<String>,
    /// Absent for a folder.
    pub(super) source: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

#[derive(Deserialize)]
struct DependencyKind {
    /// Absent for what is linked; `dev` or `build` otherwise.
    kind: Option<String>,
}

impl Graph {
    /// For all platforms, or for `platform` alone.
    pub(super) fn read(platform: Option<&str>) -> Result<Self> {
        let mut command = workspace::cargo();
        command.args(["metadata", "--format-version", "1", "--locked"]);
        command.args(platform.iter().flat_map(|platform| ["--filter-platform", platform]));
        let (exit, json) = process::output("cargo metadata", &mut command)?;
        if !exit.success() {
            bail!("cargo metadata failed ({exit})");
        }
        serde_json::from_str(&json).context("cargo metadata says something unexpected")
    }

    /// A workspace's package `name`, and all that it depends on to run.
    pub(super) fn linked_by(&self, name: &str) -> Vec<&Package> {
        let packages: BTreeMap<&str, &Package> =
            self.packages.iter().map(|package| (package.id.as_str(), package)).collect();
        let nodes: BTreeMap<&str, &Node> =
            self.resolve.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
        let is_root = |package: &&Package| package.name == name && package.source.is_none();
        let root = self.packages.iter().find(is_root).map(|package| package.id.as_str());
        let mut waiting: Vec<&str> = root.into_iter().collect();
        let mut seen = BTreeSet::new();
        while let Some(id) = waiting.pop() {
            if seen.insert(id) {
                let dependencies = nodes.get(id).into_iter().flat_map(|node| &node.deps);
                let linked = dependencies.filter(|dependency| {
                    dependency.dep_kinds.iter().any(|kind| kind.kind.is_none())
                });
                waiting.extend(linked.map(|dependency| dependency.pkg.as_str()));
            }
        }
        seen.iter().filter_map(|id| packages.get(id).copied()).collect()
    }
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}
