//! The workspace: its folder, and the programs that cargo builds in it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{IsTerminal, stderr};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use xshell::cmd;

use crate::support::process;
pub(crate) use crate::support::root::root;
use crate::support::shell::{self, shell};

/// Returns the cargo that runs this process, or else the one on the PATH.
fn cargo_program() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Returns the cargo that runs this process, for work in the whole workspace.
pub(crate) fn cargo() -> Command {
    cargo_with(cargo_program())
}

/// Returns a program that runs cargo itself, with what cargo needs.
pub(crate) fn cargo_with(program: impl AsRef<OsStr>) -> Command {
    let mut cargo = Command::new(program);
    cargo.current_dir(root());
    forget_outer_cargo(&mut cargo);
    if !stderr().is_terminal() {
        cargo.env("CARGO_TERM_COLOR", "never").env("CARGO_TERM_PROGRESS_WHEN", "never");
    }
    cargo
}

/// Removes the variables by which `cargo run` describes this package. If the inner cargo got them, build scripts that read them
/// (ring's) would run again, and their dependents would be compiled again, at each change between `cargo xtask` and plain cargo.
pub(crate) fn forget_outer_cargo(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let bytes = name.as_encoded_bytes();
        if bytes.starts_with(b"CARGO_PKG_") || bytes.starts_with(b"CARGO_MANIFEST_") {
            command.env_remove(name);
        }
    }
}

/// Returns the folder of everything that is built or installed.
pub(crate) fn target_dir() -> Result<PathBuf> {
    #[derive(Deserialize)]
    struct Metadata {
        target_directory: PathBuf,
    }
    let (shell, cargo) = (shell()?, cargo_program());
    let json = shell::read(cmd!(shell, "{cargo} metadata --format-version 1 --no-deps"))?;
    let metadata: Metadata =
        serde_json::from_str(&json).context("cargo metadata printed unexpected output")?;
    Ok(metadata.target_directory)
}

/// Arguments with which cargo builds a program with the features that `cargo test --workspace` gives it. Any other choice of
/// packages has other features, for which AWS's SDKs compile again, and that takes minutes. The example, of a package with
/// hardly any code, makes cargo count the features of dev-dependencies.
const AS_TESTS_ARE_BUILT: [&str; 3] = ["--workspace", "--example", "tiny"];

/// Builds `programs`, and returns the path of each.
pub(crate) fn build(programs: &[&str]) -> Result<BTreeMap<String, PathBuf>> {
    build_as("dev", programs, &[])
}

/// Builds programs, and examples that have dev-dependencies.
pub(crate) fn build_with_examples(
    programs: &[&str],
    examples: &[&str],
) -> Result<BTreeMap<String, PathBuf>> {
    build_as("dev", programs, examples)
}

/// Builds programs with optimization.
pub(crate) fn build_quick(programs: &[&str]) -> Result<BTreeMap<String, PathBuf>> {
    build_as("release", programs, &[])
}

fn build_as(
    profile: &str,
    programs: &[&str],
    examples: &[&str],
) -> Result<BTreeMap<String, PathBuf>> {
    let mut command = build_command(profile, programs, examples);
    let (exit, messages) = process::output("cargo build", &mut command)?;
    if !exit.success() {
        bail!("the programs do not build; cargo's messages above say why");
    }
    Ok(messages.lines().filter_map(executable).collect())
}

/// Returns the cargo command that builds these programs and examples, and prints their paths as JSON.
pub(crate) fn build_command(profile: &str, programs: &[&str], examples: &[&str]) -> Command {
    let mut command = cargo();
    command.args(["build", "--locked", "--message-format=json-render-diagnostics"]);
    command.args(["--profile", profile]);
    command.args(AS_TESTS_ARE_BUILT);
    command.args(programs.iter().flat_map(|program| ["--bin", program]));
    command.args(examples.iter().flat_map(|example| ["--example", example]));
    command
}

/// Returns the name and the path of the program, if this message of cargo's states one.
pub(crate) fn executable(message: &str) -> Option<(String, PathBuf)> {
    #[derive(Deserialize)]
    struct Artifact {
        target: Target,
        executable: PathBuf,
    }
    #[derive(Deserialize)]
    struct Target {
        name: String,
    }
    // Most messages are of other kinds and hold no executable.
    let artifact: Artifact = serde_json::from_str(message).ok()?;
    Some((artifact.target.name, artifact.executable))
}

/// Returns true in CI, where no user can install something.
pub(crate) fn is_ci() -> bool {
    let ci: Option<OsString> = std::env::var_os("CI");
    ci.is_some_and(|value| !["", "0", "false"].iter().any(|no| value == *no))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{cargo, executable};

    #[test]
    fn the_inner_cargo_is_not_told_who_the_outer_one_runs() {
        let cargo = cargo();
        let removed =
            |name: &str| cargo.get_envs().any(|(key, value)| key == name && value.is_none());
        assert!(std::env::var_os("CARGO_PKG_NAME").is_some(), "cargo test tells it as well");
        assert!(removed("CARGO_PKG_NAME") && removed("CARGO_MANIFEST_DIR"));
        assert!(!removed("CARGO_HOME"));
    }

    #[test]
    fn a_programs_path_is_read_from_cargos_messages() {
        let message = r#"{"reason":"compiler-artifact","target":{"name":"tool","kind":["bin"]},"executable":"/t/tool"}"#;
        assert_eq!(executable(message), Some(("tool".to_owned(), PathBuf::from("/t/tool"))));
    }

    #[test]
    fn other_messages_tell_of_no_program() {
        for message in [
            r#"{"reason":"compiler-artifact","target":{"name":"lib"},"executable":null}"#,
            r#"{"reason":"build-finished","success":true}"#,
            "",
        ] {
            assert_eq!(executable(message), None, "{message}");
        }
    }
}
