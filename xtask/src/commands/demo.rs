//! `demo`: delivers a function's telemetry to a Kinesis stream on this machine, shows it, and verifies that all of it arrived.

mod full;
mod layer_runtime;
mod reports;
mod sandbox;
mod show;
mod timeline;
mod verification;

use std::collections::BTreeMap;
use std::fs;
use std::io::stdout;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::builder::PossibleValuesParser;
use clap::{Parser, ValueEnum, value_parser};
use extension_spec::EXTENSION_NAME;

use layer_runtime::Layer;
use verification::Outputs;

use crate::support::progress::{noisy_step, step};
use crate::support::workspace;
use crate::tools::Tool;
use crate::tools::build;
use crate::tools::emulator::{self, Emulator};

/// The stream that the emulator holds.
const STREAM: &str = "demo";
/// The programs that take part in addition to the extension.
const OTHERS: [&str; 3] = ["extension-sandbox", build::TEST_FUNCTION, "kinesis-telemetry-stream"];

/// Run a function with the extension on this machine, and show its telemetry arrive in a stream.
#[derive(Parser)]
#[cfg_attr(test, derive(Default))]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
#[command(
    after_help = "Needs Node, for a Kinesis on this machine, and no AWS account. Ctrl-C ends all of it. Exit code 1 if an event \
                  is never acknowledged, missing, duplicated, or not as the platform generated it; log lines that the ledger counts as \
                  sampled out are not missing. The Kinesis is \
                  for trying out: above a MB or two an invocation it may not keep up."
)]
pub(crate) struct Options {
    /// Number of invocations.
    #[arg(long, value_name = "N", default_value = "3")]
    invocations: u32,
    /// Number of lines that each invocation logs, at most 100000.
    // With more lines, Lambda drops events because the extension cannot receive them fast enough.
    #[arg(long, value_name = "N", default_value = "10", value_parser = value_parser!(u32).range(..=100_000))]
    lines: u32,
    /// Size of a line in bytes, at most 262144.
    // Lambda makes several events of a longer line.
    #[arg(long, value_name = "N", default_value = "120", value_parser = value_parser!(u32).range(..=262_144))]
    bytes: u32,
    /// The function's log format.
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = PossibleValuesParser::new(["text", "json"]))]
    format: String,
    /// Kind of environment in which Lambda runs the function; managed instances run two invocations concurrently.
    #[arg(long, value_name = "MODE", default_value_t = Mode::OnDemand, value_enum)]
    mode: Mode,
    /// Make the first invocation fail.
    #[arg(long)]
    fail: bool,
    /// Print one JSON document instead of the timeline.
    #[arg(long)]
    json: bool,
    /// Also write a page about the invocations.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Keep the emulator running, and print how to read the stream and how to stop it.
    #[arg(long)]
    keep: bool,
    /// A variable of the function and of the extension, such as a setting; can be repeated.
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    env: Vec<(String, String)>,
    /// Run the extension as the layer ships it, which takes minutes to build: on this machine, for arm64 under an emulator if
    /// necessary, or alone in an empty root file system.
    #[arg(long, value_name = "WHERE", num_args = 0..=1, require_equals = true, default_missing_value = "own", value_enum)]
    layer: Option<Layer>,
    /// Deploy a stage to a local AWS emulator instead, then run invoke, tail, redrive and destroy: needs Python, takes minutes,
    /// and accepts only the options --invocations, --lines and --bytes.
    #[arg(long, conflicts_with_all = ["format", "mode", "fail", "json", "html", "keep", "env", "layer"])]
    full: bool,
}

/// Splits `NAME=VALUE`. A name contains no space; a value may contain anything.
fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !name.contains(char::is_whitespace) => {
            Ok((name.to_owned(), value.to_owned()))
        }
        _ => Err(format!("write NAME=VALUE, such as {}", show::SETTING.as_str())),
    }
}

/// The way in which Lambda runs the function.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mode {
    #[default]
    OnDemand,
    ProvisionedConcurrency,
    #[value(name = "snapstart")]
    SnapStart,
    ManagedInstances,
}

impl Mode {
    /// Returns Lambda's own word for it, the value of `AWS_LAMBDA_INITIALIZATION_TYPE`.
    fn initialization_type(self) -> &'static str {
        match self {
            Self::OnDemand => "on-demand",
            Self::ProvisionedConcurrency => "provisioned-concurrency",
            Self::SnapStart => "snap-start",
            Self::ManagedInstances => "lambda-managed-instances",
        }
    }
}

/// The files of this run, in a folder of its own, because several demos may run at once.
struct Files {
    /// True if the files are kept for the user.
    keep: bool,
    dir: PathBuf,
    journal: PathBuf,
    report: PathBuf,
    log: PathBuf,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    if options.full {
        return full::run(options);
    }
    Tool::Node.require()?;
    let target = workspace::target_dir()?;
    let mut files = Files::new(&target)?;
    let programs = noisy_step("built the programs", || programs(options.layer, &files.dir))?;
    let installed = step("install kinesis-local", |_| emulator::install(&target))?;
    let emulator =
        step("start kinesis-local", |_| Emulator::start(&installed, STREAM, &files.log))?;
    let environment = environment(&emulator);
    let reports = step("run the function", |step| {
        sandbox::run(options, &programs, STREAM, &environment, &files.journal, step)
    })?;
    let width = width();
    let verification = step("read the stream back", |_| {
        let outputs = Outputs { report: &files.report, html: options.html.as_deref(), width };
        verification::run(&programs, STREAM, &environment, &files.journal, &outputs)
    })?;

    let troubles = reports::troubles(&reports, options);
    let good = troubles.is_empty() && verification.is_complete();
    if let Some(file) = &options.html {
        eprintln!("wrote {}", file.display());
    }
    if options.json {
        println!("{}", show::json(&reports, &verification, &troubles)?);
    } else {
        print!("\n{}", show::text(&reports, &verification, &troubles, width));
    }
    files.keep = options.keep || !good;
    if options.keep {
        let id = emulator.keep()?;
        eprintln!("\n{}", show::how_to_read(STREAM, &environment, id));
    }
    if !good {
        eprintln!("\nwhat the platform generated: {}", files.journal.display());
        if let Some(hint) = show::hint(options) {
            eprintln!("{hint}");
        }
        return Ok(ExitCode::FAILURE);
    }
    if !options.json {
        print!("\n{}", show::next());
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the width of the terminal in columns, or that of a narrow one if there is no terminal.
fn width() -> usize {
    terminal_size::terminal_size_of(stdout()).map_or(show::NARROW, |(width, _)| width.0.into())
}

/// Returns the programs of the demo by name, with the extension as a debug build or as it ships.
fn programs(layer: Option<Layer>, folder: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let Some(layer) = layer else {
        return workspace::build(&[&[EXTENSION_NAME], OTHERS.as_slice()].concat());
    };
    let mut programs = workspace::build(&OTHERS)?;
    programs.insert(EXTENSION_NAME.to_owned(), layer.program(folder)?);
    Ok(programs)
}

/// Returns the variables that make an AWS SDK use the emulator, in the extension and in the verifier.
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
            // They lie under `target/`, so a failure does no harm.
            _ = fs::remove_dir_all(&self.dir);
        }
    }
}
