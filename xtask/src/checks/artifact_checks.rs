//! Checks what ships with programs that took no part in building it.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use extension_spec::EXTENSION_NAME;
use extension_spec::deployment::Architecture;
use xshell::{Cmd, cmd};

use crate::support::capture::capture;
use crate::support::process;
use crate::support::shell::{self, shell};
use crate::support::workspace;
use crate::tools::apt::{self, READELF, UNZIP};
use crate::tools::build::{self, COMPLETENESS, LAYERS, TEST_FUNCTION};
use crate::tools::ministack::{self, MINISTACK};
use crate::tools::rie::{self, OF_LAYER, RIE};
use crate::tools::{self, UNSHARE};

/// The variable that tells tests where a release is.
const RELEASE: &str = "RELEASE";
/// The beginning of the names of tests that need a release.
pub(crate) const OF_RELEASE: &str = "outside::";

/// Reads the archives with `unzip`, and the programs with `readelf`. Python has checked the zips when they were packaged.
pub(crate) fn read() -> Result<()> {
    apt::require(&[UNZIP, READELF])?;
    let target = workspace::target_dir()?;
    let folder = target.join(LAYERS);
    for architecture in Architecture::ALL {
        let layer = format!("extensions/{EXTENSION_NAME}");
        is_executable_in(&folder.join(build::zip(architecture)), &layer)?;
        is_executable_in(&folder.join(build::function_zip(architecture)), "bootstrap")?;
        for package in [EXTENSION_NAME, TEST_FUNCTION] {
            is_static(&build::program(&target, package, architecture), architecture)?;
        }
    }
    is_executable_in(&folder.join(build::completeness_zip()), "bootstrap")?;
    let arm64 = Architecture::Arm64;
    is_static(&build::program(&target, COMPLETENESS, arm64), arm64)?;
    Ok(())
}

/// Runs the tests of the whole process with the program that ships, except that it can inject panics: how a program is linked
/// decides whether it unwinds.
pub(crate) fn tested(architecture: Architecture) -> Result<()> {
    let program = build::with_injected_panics(architecture)?;
    let mut tests = workspace::cargo();
    // For the workspace, as before, so that nothing is compiled again. This also runs the sandbox's tests named `it`, which takes
    // seconds.
    tests.args(["test", "--locked", "--workspace", "--test", "it"]);
    // The tests set clocks by a preloaded library, which a static program does not allow.
    tests.args(["--", "--skip", "freeze::"]);
    process::run("cargo test", tests.env("EXTENSION_PROGRAM", program))
}

/// Starts the extension from the layer with AWS's own code, in the folder to which Lambda unpacks it.
pub(crate) fn unpacked(architecture: Architecture) -> Result<()> {
    apt::require(&[UNZIP])?;
    let target = workspace::target_dir()?;
    let unshare = tools::unshare().context("no mount namespace can be made here")?;
    let mut tests = workspace::cargo();
    tests.args(["test", "--locked", "--workspace", "--test", "it"]);
    tests.args(["--", "--ignored", OF_LAYER]);
    tests.env("LAYER", target.join(LAYERS).join(build::zip(architecture)));
    tests.env(RIE, rie::install(architecture, &target)?).env(UNSHARE, unshare);
    process::run("cargo test", &mut tests)
}

/// Builds the CLI, and runs it in an empty root: without libraries, configuration, certificates and a terminal.
pub(crate) fn cli(architecture: Architecture) -> Result<()> {
    apt::require(&[READELF])?;
    let programs = build::programs(build::CLI, &[architecture])?;
    let program = programs.get(architecture.name()).context("the CLI was not built")?;
    is_static(program, architecture)?;
    let root = workspace::target_dir()?.join("cli-root");
    let unwritable = || format!("{} cannot be written", root.display());
    // Files of an earlier run must not help.
    _ = fs::remove_dir_all(&root);
    fs::create_dir_all(&root).with_context(unwritable)?;
    fs::copy(program, root.join(build::CLI)).with_context(unwritable)?;
    let run = |arguments: &[&str]| {
        let words = tools::in_root(&root, &format!("/{}", build::CLI));
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).args(arguments).env_clear();
        // The programs that change the root may be in folders that are not on a user's PATH.
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("AWS_REGION", "eu-central-1").env("AWS_ENDPOINT_URL", "https://127.0.0.1:1");
        command.env("AWS_ACCESS_KEY_ID", "a").env("AWS_SECRET_ACCESS_KEY", "b");
        let (exit, said) = capture(build::CLI, &mut command, false)?;
        Ok::<_, anyhow::Error>((exit.code(), said))
    };
    for (arguments, code, words) in [
        (&["--version"][..], 0, "kinesis-telemetry "),
        (&["tail", "--help"], 0, "--since <TIME>"),
        (&["completions", "bash"], 0, "complete "),
        (&["man"], 0, ".TH kinesis-telemetry"),
        (
            &["tail", "--stream", "telemetry"],
            2,
            "https://127.0.0.1:1 (region eu-central-1) cannot be reached",
        ),
    ] {
        let (found, said) = run(arguments)?;
        if found != Some(code) || !said.contains(words) {
            bail!("in an empty root {} {arguments:?} ended with {found:?}: {said}", build::CLI);
        }
    }
    Ok(())
}

/// Uses the release in this folder outside the checkout, on ministack: with the oldest and the newest CDK, and without
/// the CDK.
pub(crate) fn released(release: &Path) -> Result<()> {
    let target = workspace::target_dir()?;
    let mut tests = workspace::cargo();
    tests.args(["test", "--locked", "--workspace", "--test", "aws", "--", "--ignored", OF_RELEASE]);
    tests.env(RELEASE, release).env(MINISTACK, ministack::install(&target)?);
    process::run("cargo test", &mut tests)
}

fn is_executable_in(zip: &Path, program: &str) -> Result<()> {
    let shell = shell()?;
    said(cmd!(shell, "unzip -tq {zip}"))?;
    let list = said(cmd!(shell, "unzip -Z {zip}"))?;
    let line = list.lines().find(|line| line.ends_with(&format!(" {program}")));
    let line = line.with_context(|| format!("{} holds no {program}", zip.display()))?;
    // The mode as `ls -l` prints it, and `unx` for a zip made on Unix.
    if !line.starts_with("-rwxr-xr-x ") || line.split_whitespace().nth(2) != Some("unx") {
        bail!("in {} Lambda could not start {line:?}", zip.display());
    }
    Ok(())
}

fn is_static(program: &Path, architecture: Architecture) -> Result<()> {
    let shell = shell()?;
    let headers = said(cmd!(shell, "readelf --wide -h -l -d {program}"))?;
    let machine = match architecture {
        Architecture::X86_64 => "X86-64",
        Architecture::Arm64 => "AArch64",
    };
    let is_for_it = headers.lines().any(|line| line.contains("Machine:") && line.contains(machine));
    if !is_for_it {
        bail!("{} is not for {}", program.display(), architecture.name());
    }
    // A dynamic linker, and a library.
    for part in ["INTERP", "(NEEDED)"] {
        if headers.contains(part) {
            bail!("{} is not static: readelf finds {part}", program.display());
        }
    }
    Ok(())
}

fn said(command: Cmd<'_>) -> Result<String> {
    let name = command.to_string();
    // Otherwise its messages would be in the user's language.
    let output = shell::output(command.env("LC_ALL", "C"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        bail!("{name} reports problems: {}", [text, complaint].concat().trim());
    }
    Ok(text)
}
