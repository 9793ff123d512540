//! `.github/dependabot.yml`: updates of what no generated file pins.

use std::collections::BTreeMap;

use serde::Serialize;
use xtask_synth::Project;
use xtask_synth::yaml::Commented;

#[derive(Serialize)]
struct Dependabot {
    version: u32,
    updates: Vec<Update>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Update {
    package_ecosystem: Commented<&'static str>,
    directory: &'static str,
    schedule: BTreeMap<&'static str, &'static str>,
    cooldown: BTreeMap<&'static str, u32>,
    groups: BTreeMap<&'static str, BTreeMap<&'static str, Vec<&'static str>>>,
}

pub(super) fn add(project: &mut Project) {
    let why = "npm, pip and github-actions are pinned in generated files: cargo xtask upgrade";
    let cargo = Update {
        package_ecosystem: Commented("cargo", why.to_owned()),
        directory: "/",
        schedule: BTreeMap::from([("interval", "weekly")]),
        // A release that is taken back is most often taken back within days.
        cooldown: BTreeMap::from([("default-days", 7)]),
        groups: BTreeMap::from([
            // They are released together and must be updated together.
            ("aws", BTreeMap::from([("patterns", vec!["aws-*"])])),
            ("patches", BTreeMap::from([("update-types", vec!["patch"])])),
        ]),
    };
    project.yaml(".github/dependabot.yml", &Dependabot { version: 2, updates: vec![cargo] });
}
