//! `destroy`: deletes a stage from AWS after confirmation, and lists what remains.

use std::io::{IsTerminal, Write, stdin, stdout};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Args;
use extension_spec::deployment::VERIFICATION;

use super::deployment::{self, Deployment, Place};
use crate::project::stages;
use crate::tools::cdk::{self, DESTROY};

/// Delete a stage from AWS after confirmation, and list what remains.
#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    deployment: Deployment,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let Options { deployment, yes } = options;
    deployment::require(None)?;
    let place = deployment::find_place(deployment, None)?;
    ask(deployment, &place, *yes)?;
    // The content of the zips does not affect what is deleted.
    let zips = cdk::stand_ins(&deployment::compile()?)?;
    let code = deployment::tool(deployment, None, &zips, |cdk| place.lead(cdk.args(DESTROY)))?;
    println!("{}", leftovers(deployment, &place));
    Ok(code)
}

/// Fails unless the user types the stage's name, or `--yes` was given.
fn ask(deployment: &Deployment, place: &Place, yes: bool) -> Result<()> {
    if yes {
        return Ok(());
    }
    if !stdin().is_terminal() {
        bail!("there is no terminal to ask on: add --yes to delete {}", what(deployment, place));
    }
    print!(
        "This deletes {}.\n{}\nType {} to go on: ",
        what(deployment, place),
        leftovers(deployment, place),
        deployment.stage.name
    );
    stdout().flush().context("the question cannot be asked")?;
    let mut answer = String::new();
    stdin().read_line(&mut answer).context("the answer cannot be read")?;
    if answer.trim() != deployment.stage.name {
        bail!("nothing was deleted");
    }
    Ok(())
}

fn what(deployment: &Deployment, place: &Place) -> String {
    let name = deployment.name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
    format!("{}{name} from account {} in {}", deployment.stage.name, place.account, place.region)
}

/// Returns a sentence about what remains afterwards.
fn leftovers(deployment: &Deployment, place: &Place) -> String {
    let bootstrap = "the CDK's own stack CDKToolkit and what it keeps in its bucket";
    let Place { account, region, .. } = place;
    if deployment.name.as_deref() == Some(VERIFICATION) {
        return format!("Left in account {account}, {region}: {bootstrap}.");
    }
    let mut left = vec!["layer versions, whose ARNs functions hold"];
    if stages::named(&deployment.stage.name).is_some_and(|stage| stage.retained) {
        left.extend(["the stream and its key", "the dead-letter queue"]);
    }
    left.push(bootstrap);
    format!("Left in account {account}, {region}: {}.", left.join("; "))
}
