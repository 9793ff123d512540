//! Has package managers write their lock files anew.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::project::pins::{self, Pin, Registry};
use crate::project::{npm, python};
use crate::tools::PYTHON_MINOR;
use crate::{process, workspace};

/// Writes the lock files that these pins are in.
pub(super) fn follow(pins: &[&Pin]) -> Result<()> {
    let any = |registry| pins.iter().any(|pin| pin.registry == registry);
    if any(Registry::Npm) {
        for folder in npm::FOLDERS {
            let mut npm = Command::new("npm");
            npm.args([
                "install",
                "--package-lock-only",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
            ])
            .current_dir(workspace::root().join(folder));
            process::run("npm install --package-lock-only", &mut npm)?;
            println!("wrote {folder}/package-lock.json");
        }
    }
    if any(Registry::PyPi) {
        let uv = uv()?;
        for folder in python::FOLDERS {
            compile(&uv, folder)?;
            println!("wrote {folder}/requirements.txt");
        }
    }
    Ok(())
}

/// uv, in an environment of its own.
fn uv() -> Result<PathBuf> {
    let dir = workspace::target_dir()?.join("uv");
    let mut venv = Command::new("python3");
    process::run("python3 -m venv", venv.args(["-m", "venv"]).arg(&dir))?;
    let mut pip = Command::new(dir.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check"]);
    let pin = pins::UV;
    process::run("pip install uv", pip.arg(format!("{}=={}", pin.name, pin.version)))
        .context("uv writes the lock files of the Python packages")?;
    Ok(dir.join("bin/uv"))
}

fn compile(uv: &Path, folder: &str) -> Result<()> {
    let mut compile = Command::new(uv);
    compile
        .args(["pip", "compile", "--quiet", "--universal", "--generate-hashes"])
        .args(["--no-header", "--no-annotate", "--python-version", &format!("3.{PYTHON_MINOR}")])
        .args(["--output-file", "requirements.txt", "requirements.in"])
        .current_dir(workspace::root().join(folder));
    process::run("uv pip compile", &mut compile)
}
