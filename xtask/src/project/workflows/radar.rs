//! `radar`: compares this repository's copies of AWS's limits with AWS's newest models once a week. A check of a change must not
//! depend on those, because AWS publishes them at any time.

use xtask_synth::Project;

use super::model::{Job, Map, Step, Workflow};
use super::steps;
use crate::project::pins;

pub(super) fn add(project: &mut Project) {
    let compare = Job {
        name: "AWS's models",
        runs_on: "ubuntu-24.04",
        timeout_minutes: 15,
        permissions: Map::from([("contents", "read", "to check out")]),
        steps: vec![
            steps::checkout(),
            steps::rust(),
            steps::python(),
            Step::run("Compare our copies of AWS's limits with its models", "cargo xtask radar"),
        ],
        ..Job::default()
    };
    let workflow = Workflow::scheduled("radar", "47 5 * * 1", "compare", compare);
    project
        .yaml(".github/workflows/radar.yml", &workflow)
        .facts_from(file!())
        .facts_from(pins::DECLARED_IN);
}
