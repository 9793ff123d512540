//! `cdk`: any other command of the CDK's tool.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use super::deployment::{self, Contents, Deployment};

/// Run any other command of the CDK on a stage: list, drift, rollback, ...
#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    deployment: Deployment,
    #[command(flatten)]
    contents: Contents,
    /// Command and options of the CDK.
    #[arg(value_name = "ARGUMENTS", last = true, required = true)]
    arguments: Vec<OsString>,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let Options { deployment, contents, arguments } = options;
    let target = deployment::prepare(Some(contents))?;
    let zips = contents.zips(&target)?;
    deployment::tool(deployment, Some(contents), &zips, |cdk| cdk.args(arguments))
}
