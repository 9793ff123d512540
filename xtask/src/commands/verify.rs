//! `verify`: deploys functions for verification, compares Lambda with the sandbox, and deletes the functions.
//!
//! The program `xtask-verify` speaks to AWS and compares. Once the deployment has begun, everything is destroyed in any case.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use clap::Args;
use extension_spec::EXTENSION_NAME;
use extension_spec::deployment::VERIFICATION;

use super::deployment::{self, Contents, Deployment, Place, Stage};
use crate::support::process::{self, Process};
use crate::support::progress::noisy_step;
use crate::support::workspace;
use crate::tools::build::{TEST_FUNCTION, VERIFY};
use crate::tools::cdk::{DEPLOY, DESTROY};

/// The exit code of the program if something differs or is missing.
const DIFFERS: i32 = 1;

/// Deploy functions to AWS, compare Lambda with the sandbox, write a report, and delete the functions.
#[derive(Args)]
#[command(
    after_help = "Deploys the stage once more, under the name verification, with functions of both architectures. Invokes them: cold \
                  and warm, with a failure, a timeout, a crash and too much memory, in a burst, with provisioned concurrency and with \
                  SnapStart. Writes what arrives in the stream as samples, and a report for an issue, without the account, into the \
                  output folder: what differs from the sandbox, what is missing, what the layer costs by Lambda's own reports, and \
                  what was not done. docs/verification.md says what was verified where. \
                  Exit code: 0 if nothing differs but what is known, 1 if something does or it failed."
)]
pub(crate) struct Options {
    #[command(flatten)]
    stage: Stage,
    /// Folder with the zips of cargo xtask package, or of a release; nothing is built then.
    #[arg(long, value_name = "FOLDER")]
    zips: Option<PathBuf>,
    /// Folder for the report and the samples.
    #[arg(long, value_name = "FOLDER", default_value = "target/verification")]
    output: PathBuf,
    /// Destroy nothing; "cargo xtask destroy STAGE --name verification" does it later.
    #[arg(long)]
    keep: bool,
    /// Program to run after the deployment, with the file of the stacks' outputs; an emulator of AWS needs one that puts the sandbox in
    /// the functions' place.
    #[arg(long, value_name = "PROGRAM")]
    prepare: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let deployment =
        Deployment { stage: options.stage.clone(), name: Some(VERIFICATION.to_owned()) };
    let contents = Contents::of(options.zips.clone());
    deployment::require(Some(&contents))?;
    let place = deployment::find_place(&deployment, None)?;
    place.require_bootstrap(&deployment.stage.name)?;
    place.require_free(&deployment)?;
    // A function that was invoked before has no cold start.
    place.require_absent(&deployment)?;
    fs::create_dir_all(&options.output)
        .with_context(|| format!("{} cannot be made", options.output.display()))?;
    let output = fs::canonicalize(&options.output)
        .with_context(|| format!("{} is not a folder", options.output.display()))?;
    let program = Program::build()?;
    let zips = contents.zips(&deployment::compile()?)?;

    // They name the account, so they do not belong in the output folder.
    let outputs = workspace::target_dir()?.join(format!("outputs-{}.json", std::process::id()));
    let verification = Verification { options, deployment, contents, place, zips, outputs };
    let verified = verification.deploy().and_then(|()| verification.verify(&program, &output));
    _ = fs::remove_file(&verification.outputs);
    let destroyed =
        if options.keep { Ok(()) } else { process::in_any_case(|| verification.destroy()) };
    // The reason of a failed verification is printed first. A deployment that was not destroyed is a failure, too.
    if let (Err(_), Err(error)) = (&verified, &destroyed) {
        eprintln!("{error:#}");
    }
    let code = verified?;
    destroyed?;
    Ok(code)
}

/// `xtask-verify`, and what it runs in the sandbox.
struct Program {
    verify: PathBuf,
    extension: PathBuf,
    function: PathBuf,
}

impl Program {
    fn build() -> Result<Self> {
        let names = [VERIFY, EXTENSION_NAME, TEST_FUNCTION];
        let mut programs = noisy_step("built the programs", || workspace::build(&names))?;
        let mut program = |name: &str| {
            programs.remove(name).with_context(|| format!("cargo did not build a program {name}"))
        };
        Ok(Self {
            verify: program(VERIFY)?,
            extension: program(EXTENSION_NAME)?,
            function: program(TEST_FUNCTION)?,
        })
    }
}

/// A deployment for verification.
struct Verification<'a> {
    options: &'a Options,
    deployment: Deployment,
    contents: Contents,
    place: Place,
    zips: PathBuf,
    /// The file with the stacks' outputs.
    outputs: PathBuf,
}

impl Verification<'_> {
    fn deploy(&self) -> Result<()> {
        let Self { options, deployment, contents, place, zips, outputs } = self;
        deployment::tool(deployment, Some(contents), zips, |cdk| {
            place.lead(cdk.args(DEPLOY).arg("--outputs-file").arg(outputs))
        })?;
        if let Some(program) = &options.prepare {
            process::run(&program.display().to_string(), Command::new(program).arg(outputs))?;
        }
        Ok(())
    }

    fn verify(&self, program: &Program, output: &Path) -> Result<ExitCode> {
        let Self { deployment, place, outputs, .. } = self;
        let mut command = Command::new(&program.verify);
        command.arg("--outputs").arg(outputs).arg("--output").arg(output);
        command.arg("--extension").arg(&program.extension).arg("--function").arg(&program.function);
        command.args(["--stage", &deployment.stage.name, "--account", &place.account]);
        command.env("AWS_REGION", &place.region);
        let exit = Process::spawn(VERIFY, &mut command)?.wait()?;
        match exit.code() {
            Some(0) => Ok(ExitCode::SUCCESS),
            Some(DIFFERS) => Ok(ExitCode::FAILURE),
            _ => bail!("{VERIFY} failed ({exit}); see its output above"),
        }
    }

    fn destroy(&self) -> Result<()> {
        let Self { deployment, place, zips, .. } = self;
        let stage = &deployment.stage.name;
        let destroyed =
            deployment::tool(deployment, None, zips, |cdk| place.lead(cdk.args(DESTROY)));
        destroyed.map(drop).with_context(|| {
            format!("not everything was destroyed: run cargo xtask destroy {stage} --name {VERIFICATION}")
        })
    }
}
