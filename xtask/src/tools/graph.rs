//! The part of `cargo metadata` that the rules need.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::support::process;

use crate::support::workspace;

/// All packages of the lock file, and their dependencies.
#[derive(Deserialize)]
pub(crate) struct Graph {
    pub(crate) packages: Vec<Package>,
    pub(crate) workspace_members: BTreeSet<String>,
    resolve: Resolve,
}

#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) license: Option<String>,
    #[serde(default)]
    targets: Vec<Target>,
    /// Its `Cargo.toml`.
    pub(crate) manifest_path: String,
    /// Absent for a folder.
    pub(crate) source: Option<String>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
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
    /// Absent for a dependency that is linked; otherwise `dev` or `build`.
    kind: Option<String>,
}

impl Graph {
    /// Reads the graph for all platforms, or for `platform` alone.
    pub(crate) fn read(platform: Option<&str>) -> Result<Self> {
        let mut command = workspace::cargo();
        command.args(["metadata", "--format-version", "1", "--locked"]);
        command.args(platform.iter().flat_map(|platform| ["--filter-platform", platform]));
        let (exit, json) = process::output("cargo metadata", &mut command)?;
        if !exit.success() {
            bail!("cargo metadata failed ({exit})");
        }
        serde_json::from_str(&json).context("cargo metadata printed unexpected output")
    }

    /// Reads the packages of which a build of `name` alone for `platform` consists. `cargo metadata` resolves the features that
    /// any package of the workspace, or any test, requires; `cargo tree` those of this one.
    pub(crate) fn shipped(name: &str, platform: &str) -> Result<Self> {
        let mut graph = Self::read(Some(platform))?;
        let mut tree = workspace::cargo();
        tree.args(["tree", "--locked", "--package", name, "--target", platform]);
        tree.args(["--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}"]);
        let (exit, text) = process::output("cargo tree", &mut tree)?;
        if !exit.success() {
            bail!("cargo tree failed ({exit})");
        }
        // `name v1.2.3`, and for a folder its path behind it.
        let shipped: BTreeSet<(&str, &str)> = text
            .lines()
            .filter_map(|line| line.split_once(" v"))
            .map(|(name, rest)| (name, rest.split(' ').next().unwrap_or_default()))
            .collect();
        graph.packages.retain(|it| shipped.contains(&(it.name.as_str(), it.version.as_str())));
        Ok(graph)
    }

    /// Returns the package `name` of the workspace, and everything that it needs to run.
    pub(crate) fn linked_by(&self, name: &str) -> Vec<&Package> {
        let is_root = |package: &&Package| package.name == name && package.source.is_none();
        let mut waiting: Vec<&Package> = self.packages.iter().filter(is_root).collect();
        let mut seen = BTreeMap::new();
        while let Some(package) = waiting.pop() {
            if seen.insert(package.id.as_str(), package).is_none() {
                waiting.extend(self.linked_directly(package));
            }
        }
        seen.into_values().collect()
    }

    /// Returns the packages that a package itself requires to run. A procedural macro runs in the compiler, with all
    /// its dependencies.
    pub(crate) fn linked_directly(&self, package: &Package) -> Vec<&Package> {
        let node = self.resolve.nodes.iter().find(|node| node.id == package.id);
        let dependencies = node.into_iter().flat_map(|node| &node.deps);
        let is_linked = |it: &&Dependency| it.dep_kinds.iter().any(|kind| kind.kind.is_none());
        let packages = dependencies
            .filter(is_linked)
            .filter_map(|it| self.packages.iter().find(|package| package.id == it.pkg))
            .filter(|package| !package.is_macro());
        packages.collect()
    }
}

impl Package {
    fn is_macro(&self) -> bool {
        self.targets.iter().any(|target| target.kind.iter().any(|kind| kind == "proc-macro"))
    }
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}
