//! The code that commands about a stage on AWS share: their arguments, the account and region of the credentials, and the run of
//! the CDK's tool.
//!
//! None of it reads credentials or endpoints.

mod preflight;
mod remedies;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use clap::Args;
use clap::builder::PossibleValuesParser;
use extension_spec::deployment::{self, Architecture};

use super::package;
use crate::project::stages;
use crate::support::capture::capture;
use crate::support::progress::step;
use crate::support::workspace;
use crate::tools::Tool;
use crate::tools::build;
use crate::tools::cdk;
pub(super) use preflight::Place;

/// The stage of a deployment, by its name.
#[derive(Args, Clone)]
pub(super) struct Stage {
    /// Settings of the deployment (docs/reference.md).
    #[arg(id = "stage", value_name = "STAGE", value_parser = PossibleValuesParser::new(stages::names()))]
    pub(super) name: String,
}

/// A deployment of the stream, the layers and the rest.
#[derive(Args)]
pub(super) struct Deployment {
    #[command(flatten)]
    pub(super) stage: Stage,
    /// Name of a further deployment in the same account and region.
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub(super) name: Option<String>,
}

/// The content of a deployment.
#[derive(Args)]
pub(super) struct Contents {
    /// Folder with the zips of cargo xtask package, or of a release; nothing is built then.
    #[arg(long, value_name = "FOLDER")]
    zips: Option<PathBuf>,
    /// Organisation (o-...) whose accounts may use the layers.
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
    /// Architecture of the test function; layers are deployed for both.
    #[arg(
        long,
        value_name = "ARCHITECTURE",
        default_value = Architecture::X86_64.name(),
        value_parser = PossibleValuesParser::new(Architecture::ALL.map(Architecture::name))
    )]
    test_arch: String,
}

/// Refuses a name that no deployment can have.
fn name(name: &str) -> Result<String, String> {
    if deployment::is_name(name) {
        Ok(name.to_owned())
    } else {
        Err(format!("set {}", deployment::NAME.1))
    }
}

impl Contents {
    /// Returns what the options stand for if only the folder is given, or nothing.
    pub(super) fn of(zips: Option<PathBuf>) -> Self {
        Self { zips, organization: None, test_arch: Architecture::X86_64.name().to_owned() }
    }

    /// Fails if the named folder lacks a zip. Makes no calls to AWS.
    fn require_zips(&self) -> Result<()> {
        for path in self.zips.iter().flat_map(|folder| cdk::zips().map(|zip| folder.join(zip))) {
            if !path.is_file() {
                bail!("{} is missing: it is made by cargo xtask package", path.display());
            }
        }
        Ok(())
    }

    /// Returns the folder with what is deployed. If none was named, this builds and packages everything.
    pub(super) fn zips(&self, target: &Path) -> Result<PathBuf> {
        if let Some(zips) = &self.zips {
            return fs::canonicalize(zips)
                .with_context(|| format!("{} is not a folder", zips.display()));
        }
        package::package(&Architecture::ALL)?;
        Ok(target.join(build::LAYERS))
    }
}

/// Fails if Node or a zip of `contents` is missing. Makes no calls to AWS.
pub(super) fn require(contents: Option<&Contents>) -> Result<()> {
    Tool::Node.require()?;
    contents.map_or(Ok(()), Contents::require_zips)
}

/// Finds and prints the account and region of this process's credentials, or of those of `profile`.
pub(super) fn find_place(deployment: &Deployment, profile: Option<&str>) -> Result<Place> {
    let place = preflight::find(deployment, profile)?;
    eprintln!("account {}, region {}", place.account, place.region);
    Ok(place)
}

/// Compiles the CDK app; returns cargo's target folder.
pub(super) fn compile() -> Result<PathBuf> {
    step("the CDK", |_| cdk::compile())?;
    workspace::target_dir()
}

/// Runs the CDK's tool on the app of this deployment.
pub(super) fn tool(
    deployment: &Deployment,
    contents: Option<&Contents>,
    zips: &Path,
    arguments: impl FnOnce(&mut Command) -> &mut Command,
) -> Result<ExitCode> {
    let mut cdk = cdk::command(&[]);
    arguments(&mut cdk);
    let context = |name: &str, value: &str| ["--context".to_owned(), format!("{name}={value}")];
    cdk.args(context("stage", &deployment.stage.name));
    cdk.args(context("zips", &zips.display().to_string()));
    cdk.args(deployment.name.iter().flat_map(|name| context("name", name)));
    if let Some(Contents { organization, test_arch, .. }) = contents {
        cdk.args(context("architecture", test_arch));
        cdk.args(organization.iter().flat_map(|id| context("organizationId", id)));
    }
    // The CDK locks its output folder while it runs, so each run gets its own. If an argument names an output, it is kept.
    let has_output = |word: &OsStr| {
        ["synth", "synthesize", "-o", "--output"].iter().any(|it| word == *it)
            || word.to_string_lossy().starts_with("--output=")
    };
    let own = workspace::target_dir()?.join(format!("cdk/out-{}", std::process::id()));
    if !cdk.get_args().any(has_output) {
        cdk.arg("--output").arg(&own);
    }
    // `cargo xtask test` validates templates, which takes seconds for each.
    let done = watched(cdk.env("CDK_VALIDATION", "false"));
    _ = fs::remove_dir_all(&own);
    done
}

/// Runs the CDK's tool, passes on its output, and adds a remedy if one is known.
pub(super) fn watched(cdk: &mut Command) -> Result<ExitCode> {
    let (exit, said) = capture("the CDK", cdk, true)?;
    if exit.success() {
        return Ok(ExitCode::SUCCESS);
    }
    match remedies::of(&said) {
        Some(remedy) => bail!("{remedy}"),
        None => bail!("the CDK failed ({exit}); see its output above"),
    }
}
