//! `deploy`, `diff`, `destroy`, `bootstrap`, `cdk`: a stage and AWS, through the CDK's own tool.
//!
//! What AWS is asked is asked by that tool, so nothing here knows credentials or endpoints.

mod destroy;
mod preflight;
mod remedies;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use extension_spec::deployment::Architecture;

use crate::cli::{Deployment, Verb};
use crate::commands::package;
use crate::support::capture::capture;
use crate::support::progress::step;
use crate::support::workspace;
use crate::tools::Tool;
use crate::tools::build;
use crate::tools::cdk;
use preflight::Place;

pub(crate) fn run(deployment: &Deployment, verb: &Verb) -> Result<ExitCode> {
    Tool::Node.require()?;
    if let Some(zips) = &deployment.zips {
        require_zips(zips)?;
    }
    step("the CDK", |_| cdk::compile())?;
    let target = workspace::target_dir()?;
    match verb {
        Verb::Bootstrap => bootstrap(&find_place(deployment, &target)?, &target),
        Verb::Deploy => {
            let place = find_place(deployment, &target)?;
            place.require_bootstrap(&deployment.stage)?;
            place.require_free()?;
            let options = ["--require-approval", "never", "--progress", "events"];
            let zips = zips(deployment, &target)?;
            let code = tool(deployment, &zips, |cdk| cdk.args(["deploy", "--all"]).args(options))?;
            eprintln!("{}", next(deployment));
            Ok(code)
        }
        Verb::Diff => {
            find_place(deployment, &target)?;
            let zips = zips(deployment, &target)?;
            tool(deployment, &zips, |cdk| cdk.args(["diff", "--all"]))
        }
        Verb::Destroy { yes } => {
            let place = find_place(deployment, &target)?;
            destroy::ask(deployment, &place, *yes)?;
            // What is in the zips does not matter for what is deleted.
            let zips = cdk::stand_ins(&target)?;
            let code = tool(deployment, &zips, |cdk| cdk.args(["destroy", "--all", "--force"]))?;
            println!("{}", destroy::leftovers(deployment, &place));
            Ok(code)
        }
        Verb::Cdk { arguments } => {
            let zips = zips(deployment, &target)?;
            tool(deployment, &zips, |cdk| cdk.args(arguments))
        }
    }
}

/// What one does after deploying.
fn next(deployment: &Deployment) -> String {
    let name = deployment.name.iter().map(|name| format!(" --name {name}"));
    let which = format!("{}{}", deployment.stage, name.collect::<String>());
    format!(
        "\nNext: cargo xtask invoke {which} proves that telemetry arrives;\n      \
         cargo xtask outputs {which} says how your functions get it."
    )
}

fn find_place(deployment: &Deployment, target: &Path) -> Result<Place> {
    let place = step("credentials and region", |_| preflight::find(deployment, target))?;
    eprintln!("account {}, region {}", place.account, place.region);
    Ok(place)
}

fn bootstrap(place: &Place, target: &Path) -> Result<ExitCode> {
    let environment = format!("aws://{}/{}", place.account, place.region);
    // Outside of the app's folder the tool asks for no app.
    watched(cdk::command(&["bootstrap", &environment]).current_dir(target))
}

/// The folder with what is deployed.
fn zips(deployment: &Deployment, target: &Path) -> Result<PathBuf> {
    if let Some(zips) = &deployment.zips {
        return fs::canonicalize(zips).with_context(|| format!("{} is no folder", zips.display()));
    }
    package::run(&Architecture::ALL)?;
    Ok(target.join(build::LAYERS))
}

/// Whether everything lies in that folder, before anything is asked of AWS.
fn require_zips(folder: &Path) -> Result<()> {
    for zip in cdk::zips() {
        let path = folder.join(zip);
        if !path.is_file() {
            bail!("{} is missing: it is made by cargo xtask package", path.display());
        }
    }
    Ok(())
}

/// Runs the CDK's tool on the app of this deployment.
fn tool(
    deployment: &Deployment,
    zips: &Path,
    arguments: impl FnOnce(&mut Command) -> &mut Command,
) -> Result<ExitCode> {
    let mut cdk = cdk::command(&[]);
    arguments(&mut cdk);
    let context = |name: &str, value: &str| ["--context".to_owned(), format!("{name}={value}")];
    cdk.args(context("stage", &deployment.stage));
    cdk.args(context("zips", &zips.display().to_string()));
    cdk.args(deployment.architecture.iter().flat_map(|it| context("architecture", it)));
    cdk.args(deployment.name.iter().flat_map(|name| context("name", name)));
    cdk.args(deployment.organization.iter().flat_map(|id| context("organizationId", id)));
    // `cargo xtask test` has templates checked, and it takes seconds for each.
    watched(cdk.env("CDK_VALIDATION", "false"))
}

/// Runs the tool, passes on what it says, and adds a remedy where one is known.
fn watched(cdk: &mut Command) -> Result<ExitCode> {
    let (exit, said) = capture("the CDK", cdk, true)?;
    if exit.success() {
        return Ok(ExitCode::SUCCESS);
    }
    match remedies::of(&said) {
        Some(remedy) => bail!("{remedy}"),
        None => bail!("the CDK failed ({exit}); what it said stands above"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Deployment, next};

    #[test]
    fn what_comes_next_is_asked_of_the_same_deployment() {
        let mut deployment = Deployment {
            stage: "dev".to_owned(),
            name: None,
            zips: None,
            organization: None,
            architecture: None,
        };
        assert!(
            next(&deployment).contains("cargo xtask outputs dev says"),
            "{}",
            next(&deployment)
        );
        deployment.name = Some("blue".to_owned());
        assert!(next(&deployment).contains("cargo xtask invoke dev --name blue proves"));
    }
}
