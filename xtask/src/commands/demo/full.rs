//! `demo --full`: runs a deployment from end to end on this machine, with the commands that users type. It deploys a stage,
//! invokes its function, reads its stream, redrives a dead letter, and destroys the stage.
//!
//! AWS is ministack, a third-party emulator, over TLS and with IAM enforced. It has neither layers nor a Telemetry API, so the
//! sandbox runs as the function's bootstrap, with the deployed layer.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use extension_spec::EXTENSION_NAME;
use extension_spec::deployment::{Architecture, COMPLETENESS_FUNCTION};
use kinesis_telemetry_args::INVOCATIONS;
use serde_json::Value;

use super::Options;
use crate::commands::delegate;
use crate::support::process::{self, Process};
use crate::support::progress::{noisy_step, step};
use crate::support::workspace;
use crate::tools::Tool;
use crate::tools::build::TEST_FUNCTION;
use crate::tools::cdk;
use crate::tools::ministack::{self, environment};

/// The program that makes a certificate: `xtask/examples/certificate.rs`.
const CERTIFICATE: &str = "certificate";
/// It takes less than a second on an idle machine.
const START: Duration = Duration::from_mins(1);

pub(super) fn run(options: &Options) -> Result<ExitCode> {
    if !INVOCATIONS.contains(&options.invocations.into()) {
        let (least, most) = (INVOCATIONS.start(), INVOCATIONS.end());
        bail!("--full invokes {least} to {most} times, not {}", options.invocations);
    }
    Tool::Node.require()?;
    Tool::Python.require()?;
    let target = workspace::target_dir()?;
    let programs = noisy_step("built the programs", || {
        let programs = [EXTENSION_NAME, "sandbox-bootstrap", TEST_FUNCTION, delegate::PROGRAM];
        workspace::build_with_examples(&programs, &[CERTIFICATE])
    })?;
    let program = |name: &str| {
        programs.get(name).with_context(|| format!("cargo did not build a program {name}"))
    };
    // Install the CDK first, because later programs trust only the emulator's certificate.
    step("install the CDK", |_| cdk::install())?;
    let installed = step("install ministack", |_| ministack::install(&target))?;
    let folder = Folder::new(&target)?;
    process::run(CERTIFICATE, Command::new(program(CERTIFICATE)?).arg(&folder.0))?;
    let aws = step("start ministack", |_| Aws::start(&installed, &folder.0))?;

    let zips = folder.0.join("zips");
    fs::create_dir_all(&zips).with_context(|| format!("{} cannot be made", zips.display()))?;
    aws.zips(&zips, program(EXTENSION_NAME)?, program(TEST_FUNCTION)?)?;
    aws.types(&["bootstrap", "dev"])?;
    aws.types(&["deploy", "dev", "--zips", &zips.display().to_string()])?;
    let outputs: Value = serde_json::from_str(&aws.asks(&["outputs", "dev", "--json"])?)
        .context("outputs prints no JSON")?;
    let value =
        |key: &str| outputs[key].as_str().with_context(|| format!("{key} is not published"));
    step("put the sandbox in place of the function", |_| {
        let sandbox = program("sandbox-bootstrap")?.display().to_string();
        aws.python("stand_in.py", &[value("testFunctionName")?, &sandbox])
    })?;
    let (count, lines, bytes) =
        (options.invocations.to_string(), options.lines.to_string(), options.bytes.to_string());
    aws.types(&["invoke", "dev", "--count", &count, "--lines", &lines, "--bytes", &bytes])?;
    aws.types(&["tail", "dev", "--since", "600", "--events", "8", "--seconds", "30"])?;
    step("have a record become a dead letter", |_| {
        aws.python("letter.py", &[value("deadLetterQueueUrl")?, value("streamArn")?])
    })?;
    aws.types(&["redrive", "dev", "--quiet", "1"])?;
    aws.types(&["doctor", "dev"])?;
    aws.types(&["destroy", "dev", "--yes"])?;
    Ok(ExitCode::SUCCESS)
}

/// The files of this run. They are deleted with it.
struct Folder(PathBuf);

impl Folder {
    fn new(target: &Path) -> Result<Self> {
        let folder = target.join("demo").join(format!("full-{}", std::process::id()));
        fs::create_dir_all(&folder)
            .with_context(|| format!("{} cannot be made", folder.display()))?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // It lies under `target/`, so a failure does no harm.
        _ = fs::remove_dir_all(&self.0);
    }
}

/// An AWS emulator on this machine. Dropping it ends it, and the functions that it runs.
struct Aws {
    _process: Process,
    program: PathBuf,
    folder: PathBuf,
    url: String,
}

impl Aws {
    fn start(program: &Path, folder: &Path) -> Result<Self> {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
        let port = free.local_addr().context("a port without a number")?.port();
        drop(free);
        let url = environment::url(port);
        let log = folder.join("ministack.log");
        let stderr = File::create(&log)
            .with_context(|| format!("the log {} cannot be written", log.display()))?;
        let mut command = Command::new(program);
        environment::serve(&mut command, folder, port)
            .env("TMPDIR", folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr);
        let process = Process::spawn("ministack", &mut command)?;
        let deadline = Instant::now() + START;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if Instant::now() >= deadline {
                bail!("ministack does not start within {START:?}; see {}", log.display());
            }
            process::pause(Duration::from_millis(20))?;
        }
        let (program, folder) = (program.to_owned(), folder.to_owned());
        Ok(Self { _process: process, program, folder, url })
    }

    /// Makes a program use this AWS.
    fn credentials<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        environment::ask(command, &self.folder, &self.url)
            // An interrupted program leaves temporary files, which must be in this folder.
            .env("TMPDIR", &self.folder)
    }

    fn xtask(&self, arguments: &[&str]) -> Result<Command> {
        let own = std::env::current_exe().context("the path of this program is unknown")?;
        let mut command = Command::new(own);
        self.credentials(process::within(command.args(arguments)));
        Ok(command)
    }

    /// Prints and runs a command of `cargo xtask`, which must succeed.
    fn types(&self, arguments: &[&str]) -> Result<()> {
        let what = format!("cargo xtask {}", arguments.join(" "));
        eprintln!("\n$ {what}");
        process::run(&what, &mut self.xtask(arguments)?)
    }

    /// Runs a command, and returns what it prints.
    fn asks(&self, arguments: &[&str]) -> Result<String> {
        let what = format!("cargo xtask {}", arguments.join(" "));
        output(&what, &mut self.xtask(arguments)?)
    }

    /// Runs one of the scripts next to the pins of ministack, with its Python.
    fn python(&self, script: &str, arguments: &[&str]) -> Result<String> {
        let mut python = Command::new(self.program.with_file_name("python3"));
        let scripts = workspace::root().join("xtask/pins/ministack");
        self.credentials(python.arg("-B").arg(scripts.join(script)).args(arguments));
        output(script, &mut python)
    }

    /// Makes the zips for every architecture, with the programs of this machine.
    fn zips(&self, folder: &Path, extension: &Path, function: &Path) -> Result<()> {
        let names = |name: fn(Architecture) -> String| {
            Architecture::ALL.map(|it| format!("{}.zip", name(it)))
        };
        let layers = names(Architecture::layer);
        // The demo deploys no stage that runs the program in this zip.
        let completeness = format!("{COMPLETENESS_FUNCTION}.zip");
        let functions = names(Architecture::test_function).into_iter().chain([completeness]);
        let functions: Vec<String> = functions.collect();
        let paths = [folder, extension, function].map(|it| it.display().to_string());
        let end = "--".to_owned();
        let arguments = paths.iter().chain(&layers).chain([&end]).chain(&functions);
        let arguments: Vec<&str> = arguments.map(String::as_str).collect();
        self.python("zips.py", &arguments).map(drop)
    }
}

fn output(what: &str, command: &mut Command) -> Result<String> {
    let (exit, text) = process::output(what, command)?;
    if !exit.success() {
        bail!("{what} failed ({exit})");
    }
    Ok(text)
}
