//! `nightly`: what finds more the longer it runs, and so takes too long for the check of a change.

use xtask_synth::Project;

use super::model::{Job, Map, Step, Workflow};
use super::steps;
use crate::project::pins;

pub(super) fn add(project: &mut Project) {
    let hostile = Job {
        name: "Hostile records",
        needs: None,
        strategy: None,
        runs_on: "ubuntu-24.04",
        timeout_minutes: 120,
        permissions: Map::from([("contents", "read", "to check out")]),
        steps: vec![
            steps::checkout(),
            steps::rust(),
            steps::node(),
            steps::python(),
            Step::run(
                "Let every consumer read hostile records for an hour",
                "cargo xtask test -- hostile_records",
            )
            .env([("HOSTILE_SECONDS", "3600")]),
        ],
    };
    let workflow = Workflow::scheduled("nightly", "17 3 * * *", "hostile", hostile);
    project
        .yaml(".github/workflows/nightly.yml", &workflow)
        .facts_from(file!())
        .facts_from(pins::DECLARED_IN);
}
