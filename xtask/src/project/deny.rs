//! `deny.toml`: the rules of `dependencies`, for cargo-deny, which also knows the advisories.

use std::collections::BTreeMap;

use serde::Serialize;
use xtask_synth::Project;

use crate::project::licences::{DECLARED_IN, LICENCE_EXCEPTIONS, LICENCES};

#[derive(Serialize)]
struct Deny {
    advisories: BTreeMap<&'static str, &'static str>,
    licenses: Licenses,
    bans: BTreeMap<&'static str, &'static str>,
    sources: BTreeMap<&'static str, &'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Licenses {
    allow: &'static [&'static str],
    exceptions: Vec<Exception>,
    private: Private,
}

#[derive(Serialize)]
struct Exception {
    #[serde(rename = "crate")]
    name: &'static str,
    allow: [&'static str; 1],
}

#[derive(Serialize)]
struct Private {
    ignore: bool,
}

pub(super) fn add(project: &mut Project) {
    let exceptions = LICENCE_EXCEPTIONS
        .iter()
        .map(|(name, licence, _)| Exception { name, allow: [licence] })
        .collect();
    let deny = Deny {
        advisories: BTreeMap::from([("yanked", "deny")]),
        licenses: Licenses { allow: &LICENCES, exceptions, private: Private { ignore: true } },
        // What the extension may ship twice is checked by `cargo xtask ci`, which knows what ships.
        bans: BTreeMap::from([("multiple-versions", "allow"), ("wildcards", "allow")]),
        sources: BTreeMap::from([("unknown-registry", "deny"), ("unknown-git", "deny")]),
    };
    project.toml("deny.toml", &deny).facts_from(DECLARED_IN);
}
