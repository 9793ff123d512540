//! `kinesis-telemetry` for people who install it: an archive that `cargo binstall` finds, and a wheel for `uvx` and `pip`.
//!
//! Both hold the same program. Names of archives: cargo-binstall, SUPPORT.md.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::CommandFactory as _;
use clap_complete::Shell;
use clap_mangen::Man;
use extension_spec::deployment::Architecture;
use kinesis_telemetry_args::CommandLine;

use super::archive::Archive;
use super::{Release, wheel};
use crate::commands::package::{Notices, notices};
use crate::support::process;
use crate::support::workspace;
use crate::tools::build::{self, CLI};

/// An operating system and a processor that the program is built for.
pub(super) struct Platform {
    /// The target as Rust names it.
    pub(super) target: &'static str,
    /// As Python's wheels name it (Python Packaging User Guide, "Platform compatibility tags"). A static program needs no libc, so it
    /// runs where musl is and where any glibc is.
    pub(super) tag: &'static str,
}

const MACOS: Platform = Platform { target: "aarch64-apple-darwin", tag: "macosx_11_0_arm64" };

pub(super) fn linux(architecture: Architecture) -> Platform {
    let tag = match architecture {
        Architecture::X86_64 => "manylinux_2_17_x86_64.manylinux2014_x86_64.musllinux_1_1_x86_64",
        Architecture::Arm64 => "manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64",
    };
    Platform { target: architecture.target(), tag }
}

/// A program of one platform, with all that is passed on with it.
pub(super) struct Program {
    pub(super) platform: Platform,
    pub(super) bytes: Vec<u8>,
    pub(super) notices: Notices,
}

/// Makes archive and wheel for Linux, or takes those that were made elsewhere. Those for macOS can only be taken.
pub(super) fn write(release: &Release, architectures: &[Architecture]) -> Result<()> {
    for architecture in architectures {
        if take(release, &linux(*architecture))? {
            continue;
        }
        let path = build::programs(CLI, &[*architecture])?.remove(architecture.name());
        pack(release, linux(*architecture), &path.context("the CLI was not built")?)?;
    }
    if !take(release, &MACOS)? {
        println!(
            "{} is not in this release: a Mac makes it (cargo xtask release --cli)",
            archive(&MACOS)
        );
    }
    Ok(())
}

/// Makes archive and wheel for the operating system and processor of this machine alone.
pub(super) fn for_this_machine(release: &Release) -> Result<()> {
    if let Some(own) = build::own_architecture() {
        return write(release, &[own]);
    }
    if (std::env::consts::OS, std::env::consts::ARCH) != ("macos", "aarch64") {
        bail!(
            "kinesis-telemetry is released for Linux (x86_64, arm64) and for macOS (arm64), and this machine is none of these"
        );
    }
    let mut cargo = workspace::cargo();
    cargo.args([
        "build",
        "--locked",
        "--profile",
        "cli",
        "--package",
        CLI,
        "--target",
        MACOS.target,
    ]);
    process::run("cargo build", &mut cargo)?;
    pack(release, MACOS, &workspace::target_dir()?.join(MACOS.target).join("cli").join(CLI))
}

/// Name of an archive, without `.tar.gz`: also the folder within.
fn folder(platform: &Platform) -> String {
    format!("{CLI}-{}", platform.target)
}

fn archive(platform: &Platform) -> String {
    format!("{}.tar.gz", folder(platform))
}

fn sbom(platform: &Platform) -> String {
    format!("{}.cdx.json", folder(platform))
}

fn take(release: &Release, platform: &Platform) -> Result<bool> {
    let names = [archive(platform), wheel::name(release.version, platform), sbom(platform)];
    let taken = names.iter().map(|it| release.take(it)).collect::<Result<Vec<bool>>>()?;
    if taken.contains(&true) && taken.contains(&false) {
        bail!(
            "what was made elsewhere for {} is not complete: it needs {}",
            platform.target,
            names.join(", ")
        );
    }
    Ok(taken.contains(&true))
}

fn pack(release: &Release, platform: Platform, path: &PathBuf) -> Result<()> {
    let bytes =
        std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let notices = notices(CLI, platform.target, &workspace::target_dir()?)?;
    let program = Program { platform, bytes, notices };
    release.write(&archive(&program.platform), &tar(&program)?)?;
    release.write(&sbom(&program.platform), program.notices.sbom.as_bytes())?;
    release.write(
        &wheel::name(release.version, &program.platform),
        &wheel::zip(release.version, &program)?,
    )
}

/// Packs the program with its documents, completions and manual pages, the same bytes each time.
fn tar(program: &Program) -> Result<Vec<u8>> {
    let mut archive = Archive::new(folder(&program.platform), 0);
    archive.add(CLI, 0o755, &program.bytes)?;
    for (name, file) in
        [("README.md", "cli/README.md"), ("LICENSE", "LICENSE"), ("CHANGELOG.md", "CHANGELOG.md")]
    {
        archive.add(name, 0o644, &document(file)?)?;
    }
    archive.add("LICENSES.txt", 0o644, program.notices.licences.as_bytes())?;
    archive.add("LICENSES-rust.html", 0o644, program.notices.of_rust.as_bytes())?;
    for (path, text) in generated()? {
        archive.add(&path, 0o644, &text)?;
    }
    archive.finish()
}

/// Returns a file of this checkout.
pub(super) fn document(file: &str) -> Result<Vec<u8>> {
    let path = workspace::root().join(file);
    std::fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))
}

/// Returns the completions for shells and the manual pages of all commands, from the declaration of the command line.
fn generated() -> Result<Vec<(String, Vec<u8>)>> {
    let mut command = CommandLine::command();
    let mut files = Vec::new();
    for (shell, name) in [
        (Shell::Bash, "kinesis-telemetry.bash"),
        (Shell::Fish, "kinesis-telemetry.fish"),
        (Shell::Zsh, "_kinesis-telemetry"),
    ] {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut command, CLI, &mut script);
        files.push((format!("completions/{name}"), script));
    }
    command.build();
    let commands =
        std::iter::once(&command).chain(command.get_subcommands().filter(|it| !it.is_hide_set()));
    for command in commands {
        let man = Man::new(command.clone());
        let (name, mut page) = (man.get_filename(), Vec::new());
        man.render(&mut page).context("a manual page cannot be made")?;
        files.push((format!("man/{name}"), page));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use extension_spec::deployment::Architecture;
    use flate2::read::GzDecoder;
    use serde_json::Value;

    use super::{MACOS, Platform, Program, archive, linux, tar};
    use crate::commands::package::Notices;
    use crate::project::links::REPOSITORY;
    use crate::support::process;
    use crate::support::workspace;

    /// Replaces the variables of cargo-binstall (its SUPPORT.md).
    fn filled(template: &Value, package: &Value, target: &str) -> String {
        let text = |member: &str| package[member].as_str().unwrap().to_owned();
        let (name, version, repository) = (text("name"), text("version"), text("repository"));
        let variables = [
            ("repo", repository.as_str()),
            ("name", &name),
            ("bin", &name),
            ("version", &version),
            ("target", target),
            ("archive-suffix", ".tar.gz"),
            ("binary-ext", ""),
        ];
        variables.into_iter().fold(template.as_str().unwrap().to_owned(), |text, (name, value)| {
            text.replace(&format!("{{ {name} }}"), value)
        })
    }

    #[test]
    fn cargo_binstall_finds_the_program_in_every_archive() {
        let mut cargo = workspace::cargo();
        cargo.args(["metadata", "--no-deps", "--format-version", "1"]);
        let (_, json) = process::output("cargo metadata", &mut cargo).unwrap();
        let metadata: Value = serde_json::from_str(&json).unwrap();
        let packages = metadata["packages"].as_array().unwrap();
        let package = packages.iter().find(|it| it["name"] == super::CLI).unwrap();
        let binstall = &package["metadata"]["binstall"];
        for platform in [linux(Architecture::X86_64), linux(Architecture::Arm64), MACOS] {
            let Platform { target, .. } = platform;
            let url = filled(&binstall["pkg-url"], package, target);
            let published = format!("{REPOSITORY}/releases/download/v{}", super::super::VERSION);
            assert_eq!(url, format!("{published}/{}", archive(&platform)));
            let [licences, of_rust, sbom] = [""; 3].map(str::to_owned);
            let notices = Notices { licences, of_rust, sbom };
            let program = Program { platform, bytes: b"program".into(), notices };
            let packed = tar(&program).unwrap();
            let mut unpacked = tar::Archive::new(GzDecoder::new(packed.as_slice()));
            let path = filled(&binstall["bin-dir"], package, target);
            let mut entries = unpacked.entries().unwrap().map(Result::unwrap);
            let mut entry = entries.find(|it| it.path().unwrap().ends_with(&path)).unwrap();
            assert_eq!(entry.header().mode().unwrap(), 0o755);
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            assert_eq!(bytes, b"program");
        }
    }
}
