//! `bootstrap`: the CDK's own stack, which every deployment to an account and region needs.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use super::deployment::{self, Deployment, Stage};
use crate::tools::cdk;

/// Prepare an account and a region for the CDK; needed once.
#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    stage: Stage,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    deployment::require(None)?;
    let deployment = Deployment { stage: options.stage.clone(), name: None };
    let place = deployment::find_place(&deployment, None)?;
    let environment = format!("aws://{}/{}", place.account, place.region);
    let target = deployment::compile()?;
    // Outside of the app's folder the tool asks for no app.
    deployment::watched(cdk::command(&cdk::BOOTSTRAP).arg(environment).current_dir(target))
}
