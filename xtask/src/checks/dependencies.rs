//! The rules for third-party code, checked against `cargo metadata`.
//!
//! They cover its source, its licences, that the extension ships no crate in two versions, and which packages must not link which
//! crates. An exception is listed here with its reason. An unused exception is a problem, too.

mod licence;

use std::collections::BTreeMap;

use crate::tools::graph::Graph;
use anyhow::{Result, bail};
use extension_spec::EXTENSION_NAME;
use extension_spec::deployment::Architecture;

use crate::project::licences::{LICENCE_EXCEPTIONS, LICENCES};

/// crates.io, as lock files name it.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Packages that the extension may link in two versions, with the reason.
const DUPLICATES: &[(&str, &str)] = &[];

/// Package, what it must not link (the beginning of a name), reason.
const FORBIDDEN: [(&str, &str, &str); 4] = [
    ("xtask", "tokio", "its first build must be quick; put what needs it into kinesis-telemetry"),
    ("xtask", "aws-", "its first build must be quick; put what needs it into kinesis-telemetry"),
    ("extension-sandbox", EXTENSION_NAME, "it speaks HTTP to a process, of any language"),
    ("extension-spec", "", "it is a leaf"),
];

/// The target whose dependencies are checked. Those for arm64 are the same.
const SHIPPED_FOR: &str = Architecture::X86_64.target();

/// Fails with all problems, one per line.
pub(crate) fn check() -> Result<()> {
    let everything = Graph::read(None)?;
    let shipped = Graph::read(Some(SHIPPED_FOR))?;
    let problems = [
        foreign_sources(&everything),
        licences(&everything),
        duplicates(&Graph::shipped(EXTENSION_NAME, SHIPPED_FOR)?, DUPLICATES),
        forbidden(&shipped),
    ]
    .concat();
    if !problems.is_empty() {
        bail!("the dependencies break the rules:\n{}", problems.join("\n"));
    }
    Ok(())
}

fn foreign_sources(graph: &Graph) -> Vec<String> {
    let foreign = graph.packages.iter().filter_map(|package| match package.source.as_deref() {
        Some(CRATES_IO) => None,
        Some(source) => Some(format!("{package} comes from {source}, not from crates.io")),
        None if graph.workspace_members.contains(&package.id) => None,
        None => Some(format!("{package} is a folder outside the workspace")),
    });
    foreign.collect()
}

fn licences(graph: &Graph) -> Vec<String> {
    let mut problems = Vec::new();
    let mut unused: Vec<&str> = LICENCE_EXCEPTIONS.iter().map(|(name, ..)| *name).collect();
    for package in graph.packages.iter().filter(|package| package.source.is_some()) {
        let excepted = LICENCE_EXCEPTIONS.iter().find(|(name, ..)| *name == package.name);
        let expression = package.license.as_deref().unwrap_or("no licence at all");
        if licence::satisfied(expression, &LICENCES) {
            continue;
        }
        let mut allowed = LICENCES.to_vec();
        allowed.extend(excepted.map(|(_, licence, _)| *licence));
        if licence::satisfied(expression, &allowed) {
            unused.retain(|name| *name != package.name);
        } else {
            problems.push(format!("{package} is under {expression}, which is not allowed"));
        }
    }
    problems
        .extend(unused.iter().map(|name| format!("{name} needs no licence exception any more")));
    problems
}

fn duplicates(graph: &Graph, allowed: &[(&str, &str)]) -> Vec<String> {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in graph.linked_by(EXTENSION_NAME) {
        versions.entry(&package.name).or_default().push(&package.version);
    }
    let is_duplicate = |name: &str| versions.get(name).is_some_and(|versions| versions.len() > 1);
    let reasoned = |name: &str| allowed.iter().any(|(duplicate, _)| *duplicate == name);
    let new = versions.iter().filter(|(name, _)| is_duplicate(name) && !reasoned(name));
    let new = new.map(|(name, versions)| {
        format!("the extension depends on {name} in the versions {}", versions.join(" and "))
    });
    let gone = allowed.iter().filter(|(name, _)| !is_duplicate(name));
    let gone = gone.map(|(name, _)| format!("the extension depends on one {name} only by now"));
    new.chain(gone).collect()
}

fn forbidden(graph: &Graph) -> Vec<String> {
    let rules = FORBIDDEN.iter().flat_map(|(package, prefix, reason)| {
        let linked = graph.linked_by(package).into_iter();
        let bad = linked.filter(move |it| it.name != *package && it.name.starts_with(prefix));
        bad.map(move |it| format!("{package} links {it}: {reason}"))
    });
    rules.collect()
}

#[cfg(test)]
mod tests;
