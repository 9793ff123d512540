//! `demo`: a function's telemetry reaches a Kinesis stream on this machine, and it is shown and proved.

pub(crate) mod full;
mod layer_runtime;
mod reports;
mod sandbox;
mod show;
mod timeline;
mod verification;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use extension_spec::EXTENSION_NAME;

pub(crate) use layer_runtime::Layer;

use crate::support::progress::{noisy_step, step};
use crate::support::workspace;
use crate::tools::Tool;
use crate::tools::build;
use crate::tools::emulator::{self, Emulator};

/// The programs that take part beside the extension.
const OTHERS: [&str; 3] = ["extension-sandbox", build::TEST_FUNCTION, "kinesis-telemetry-stream"];

/// What was asked for.
#[cfg_attr(test, derive(Default))]
pub(crate) struct Options {
    pub(crate) invocations: u32,
    pub(crate) lines: u32,
    pub(crate) bytes: u32,
    /// `text` or `json`.
    pub(crate) format: String,
    pub(crate) mode: Mode,
    pub(crate) fail: bool,
    pub(crate) json: bool,
    pub(crate) keep: bool,
    /// The extension as the layer ships it, and where.
    pub(crate) layer: Option<Layer>,
}

/// How Lambda runs the function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    #[default]
    OnDemand,
    ProvisionedConcurrency,
    SnapStart,
    ManagedInstances,
}

impl Mode {
    pub(crate) const ALL: [Self; 4] =
        [Self::OnDemand, Self::ProvisionedConcurrency, Self::SnapStart, Self::ManagedInstances];

    /// As people type it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OnDemand => "on-demand",
            Self::ProvisionedConcurrency => "provisioned-concurrency",
            Self::SnapStart => "snapstart",
            Self::ManagedInstances => "managed-instances",
        }
    }

    /// As Lambda says it in `AWS_LAMBDA_INITIALIZATION_TYPE`.
    fn initialization_type(self) -> &'static str {
        match self {
            Self::SnapStart => "snap-start",
            Self::ManagedInstances => "lambda-managed-instances",
            Self::OnDemand | Self::ProvisionedConcurrency => self.name(),
        }
    }
}

/// Where this run keeps what it needs, in a folder of its own: several may run at once.
struct Files {
    /// Whether somebody may want to look at them afterwards.
    keep: bool,
    dir: PathBuf,
    journal: PathBuf,
    report: PathBuf,
    log: PathBuf,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    Tool::Node.require()?;
    let target = workspace::target_dir()?;
    let mut files = Files::new(&target)?;
    let programs = noisy_step("built the programs", || programs(options.layer, &files.dir))?;
    let installed = step("install kinesis-local", |_| emulator::install(&target))?;
    let stream = "demo";
    let emulator =
        step("start kinesis-local", |_| Emulator::start(&installed, stream, &files.log))?;
    let environment = environment(&emulator);
    let reports = step("run the function", |step| {
        sandbox::run(options, &programs, stream, &environment, &files.journal, step)
    })?;
    let verification = step("read the stream back", |_| {
        verification::run(&programs, stream, &environment, &files.journal, &files.report)
    })?;

    let troubles = reports::troubles(&reports, options);
    let good = troubles.is_empty() && verification.is_complete();
    if options.json {
        println!("{}", show::json(&reports, &verification, &troubles)?);
    } else {
        print!("\n{}", show::text(&reports, &verification, &troubles));
    }
    files.keep = options.keep || !good;
    if options.keep {
        let id = emulator.keep()?;
        eprintln!("\n{}", show::how_to_read(stream, &environment, id));
    }
    if !good {
        eprintln!("\nwhat the platform generated: {}", files.journal.display());
        if let Some(hint) = show::hint(options) {
            eprintln!("{hint}");
        }
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// Everything that takes part, by name: the extension as it is quick to build, or as it ships.
fn programs(layer: Option<Layer>, folder: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let Some(layer) = layer else {
        return workspace::build(&[&[EXTENSION_NAME], OTHERS.as_slice()].concat());
    };
    let mut programs = workspace::build(&OTHERS)?;
    programs.insert(EXTENSION_NAME.to_owned(), layer.program(folder)?);
    Ok(programs)
}

/// What makes an AWS SDK speak to the emulator, the extension's as well as the verifier's.
fn environment(emulator: &Emulator) -> Vec<(&'static str, String)> {
    vec![
        ("AWS_ENDPOINT_URL_KINESIS", emulator.endpoint()),
        ("AWS_REGION", emulator::REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", "local".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
    ]
}

impl Files {
    fn new(target: &Path) -> Result<Self> {
        let dir = target.join("demo").join(std::process::id().to_string());
        fs::create_dir_all(&dir).with_context(|| format!("{} cannot be made", dir.display()))?;
        Ok(Self {
            keep: false,
            journal: dir.join("journal.ndjson"),
            report: dir.join("report.json"),
            log: dir.join("kinesis-local.log"),
            dir,
        })
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        if !self.keep {
            // They lie under `target/`, so nobody is hurt where this does not work.
            _ = fs::remove_dir_all(&self.dir);
        }
    }
}
