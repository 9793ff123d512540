//! `deploy`, `diff`, `destroy`, `bootstrap`, `cdk`: a stage and AWS, through the CDK's own tool.
//!
//! What AWS is asked is asked by that tool, so nothing here knows credentials or endpoints.

mod destroy;
mod hear;
mod preflight;
mod remedies;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use extension_spec::deployment::Architecture;

use crate::cli::{Deployment, Verb};
use crate::progress::step;
use crate::tools::Tool;
use crate::{build, cdk, package, workspace};
use hear::hear;

pub(crate) fn run(deployment: &Deployment, verb: &Verb) -> Result<ExitCode> {
    Tool::Node.require()?;
    if let (Some(zips), Verb::Deploy | Verb::Diff | Verb::Cdk { .. }) = (&deployment.zips, verb) {
        require_zips(zips)?;
    }
    step("the CDK", |_| cdk::compile())?;
    let target = workspace::target_dir()?;
    if let Verb::Cdk { arguments } = verb {
        let zips = zips(deployment, &target)?;
        return tool(deployment, &zips, |cdk| cdk.args(arguments));
    }
    let place = step("credentials and region", |_| preflight::find(deployment, &target))?;
    eprintln!("account {}, region {}", place.account, place.region);
    match verb {
        Verb::Bootstrap => {
            let environment = format!("aws://{}/{}", place.account, place.region);
            let mut cdk = cdk::command(&["bootstrap", &environment]);
            // Outside of the app's folder the tool asks for no app.
            watched(cdk.current_dir(&target))
        }
        Verb::Destroy { yes } => {
            destroy::ask(deployment, &place, *yes)?;
            let code = tool(deployment, &cdk::stand_ins(&target)?, |cdk| {
                cdk.args(["destroy", "--all", "--force"])
            })?;
            println!("{}", destroy::leftovers(deployment, &place));
            Ok(code)
        }
        Verb::Deploy => {
            place.require_bootstrap(&deployment.stage)?;
            place.require_free()?;
            let zips = zips(deployment, &target)?;
            let arguments =
                ["deploy", "--all", "--require-approval", "never", "--progress", "events"];
            tool(deployment, &zips, |cdk| cdk.args(arguments))
        }
        Verb::Diff | Verb::Cdk { .. } => {
            let zips = zips(deployment, &target)?;
            tool(deployment, &zips, |cdk| cdk.args(["diff", "--all"]))
        }
    }
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
    cdk.args(context("architecture", &deployment.architecture));
    cdk.args(deployment.name.iter().flat_map(|name| context("name", name)));
    cdk.args(deployment.organization.iter().flat_map(|id| context("organizationId", id)));
    // `cargo xtask test` has templates checked, and it takes seconds for each.
    watched(cdk.env("CDK_VALIDATION", "false"))
}

/// Runs the tool, passes on what it says, and adds a remedy where one is known.
fn watched(cdk: &mut Command) -> Result<ExitCode> {
    let (exit, said) = hear("the CDK", cdk, true)?;
    if exit.success() {
        return Ok(ExitCode::SUCCESS);
    }
    match remedies::of(&said) {
        Some(remedy) => bail!("{remedy}"),
        None => bail!("the CDK failed ({exit}); what it said stands above"),
    }
}
