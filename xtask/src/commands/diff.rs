//! `diff`: prints what a deployment of a stage would change.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use super::deployment::{self, Contents, Deployment};
use crate::tools::cdk::DIFF;

/// Print what a deployment of a stage would change, and change nothing.
#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    deployment: Deployment,
    #[command(flatten)]
    contents: Contents,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let Options { deployment, contents } = options;
    deployment::require(Some(contents))?;
    let place = deployment::find_place(deployment, None)?;
    let zips = contents.zips(&deployment::compile()?)?;
    deployment::tool(deployment, Some(contents), &zips, |cdk| place.lead(cdk.args(DIFF)))
}
