//! `deploy`: deploys a stage to an account and a region of AWS.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use super::deployment::{self, Contents, Deployment};
use crate::tools::cdk::DEPLOY;

/// Deploy a stage to AWS: stream, layers, policy, alarms, and the test function.
#[derive(Args)]
#[command(
    after_help = "Needs Node, AWS credentials, a region and the CDK's bootstrap stack there (cargo xtask bootstrap), all of which is \
                  checked first. Without --zips it packages what it deploys, for which Python is needed as well."
)]
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
    place.require_bootstrap(&deployment.stage.name)?;
    place.require_free(deployment)?;
    let zips = contents.zips(&deployment::compile()?)?;
    let code =
        deployment::tool(deployment, Some(contents), &zips, |cdk| place.lead(cdk.args(DEPLOY)))?;
    eprintln!("{}", next(deployment));
    Ok(code)
}

/// Returns the commands that a user runs after deploying.
fn next(deployment: &Deployment) -> String {
    let name = deployment.name.iter().map(|name| format!(" --name {name}"));
    let which = format!("{}{}", deployment.stage.name, name.collect::<String>());
    format!(
        "\nNext: cargo xtask invoke {which} proves that telemetry arrives;\n      \
         cargo xtask outputs {which} says how your functions get it."
    )
}

#[cfg(test)]
mod tests {
    use super::super::deployment::Stage;
    use super::{Deployment, next};

    #[test]
    fn what_comes_next_is_asked_of_the_same_deployment() {
        let mut deployment = Deployment { stage: Stage { name: "dev".to_owned() }, name: None };
        assert!(
            next(&deployment).contains("cargo xtask outputs dev says"),
            "{}",
            next(&deployment)
        );
        deployment.name = Some("blue".to_owned());
        assert!(next(&deployment).contains("cargo xtask invoke dev --name blue proves"));
    }
}
