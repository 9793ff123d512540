//! `diff`: what deploying a stage would change.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use super::deployment::{self, Contents, Deployment};

/// Say what deploying a stage would change, and change nothing.
#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    deployment: Deployment,
    #[command(flatten)]
    contents: Contents,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let Options { deployment, contents } = options;
    let target = deployment::prepare(Some(contents))?;
    deployment::find_place(deployment, &target)?;
    let zips = contents.zips(&target)?;
    deployment::tool(deployment, Some(contents), &zips, |cdk| cdk.args(["diff", "--all"]))
}
