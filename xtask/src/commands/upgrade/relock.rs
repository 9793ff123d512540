//! Makes package managers update their lock files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::project::pins;
use crate::project::{npm, python};
use crate::support::lock::locked;
use crate::support::process;
use crate::support::workspace;
use crate::tools::PYTHON_MINOR;

/// Writes every lock file that does not fit the requirements next to it.
pub(super) fn follow() -> Result<()> {
    for folder in npm::FOLDERS {
        if is_npm_stale(&workspace::root().join(folder))? {
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
    for folder in python::FOLDERS {
        if is_python_stale(&workspace::root().join(folder))? {
            compile(&uv()?, folder)?;
            println!("wrote {folder}/requirements.txt");
        }
    }
    Ok(())
}

/// Returns true if `package-lock.json` is missing, or repeats other requirements than `package.json` has.
fn is_npm_stale(folder: &Path) -> Result<bool> {
    if !folder.join("package-lock.json").exists() {
        return Ok(true);
    }
    let json =
        |name: &str| -> Result<Value> { Ok(serde_json::from_str(&read(&folder.join(name))?)?) };
    let (asked, locked) = (json("package.json")?, json("package-lock.json")?);
    // A lock file knows the packages of its workspace by their folders, and the root by no name.
    let workspaces = asked["workspaces"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut packages = vec![(String::new(), asked.clone())];
    for workspace in workspaces {
        packages.push((workspace.to_owned(), json(&format!("{workspace}/package.json"))?));
    }
    let members = ["dependencies", "devDependencies", "peerDependencies", "engines", "workspaces"];
    Ok(packages.iter().any(|(package, asked)| {
        members.iter().any(|member| asked[member] != locked["packages"][package][member])
    }))
}

/// Returns true if `requirements.txt` lacks something that `requirements.in` requires.
fn is_python_stale(folder: &Path) -> Result<bool> {
    let asked = read(&folder.join("requirements.in"))?;
    // A folder that is new has no lock file yet.
    let locked = fs::read_to_string(folder.join("requirements.txt")).unwrap_or_default();
    let mut asked = asked.lines().filter(|line| !line.starts_with('#'));
    let is_locked = |pin: &str| locked.lines().any(|line| line.split(' ').next() == Some(pin));
    Ok(!asked.all(is_locked))
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}

/// uv, in an environment of its own.
fn uv() -> Result<PathBuf> {
    let dir = workspace::target_dir()?.join("uv");
    let _one_at_a_time = locked(&dir.with_extension("lock"))?;
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
        .args(python::ALONE.contains(&folder).then_some("--no-deps"))
        .current_dir(workspace::root().join(folder));
    process::run("uv pip compile", &mut compile)
}

#[cfg(test)]
mod tests {
    use super::{is_npm_stale, is_python_stale};
    use crate::project::{npm, python};
    use crate::support::workspace;

    const REMEDY: &str =
        "its lock file does not hold what is pinned; run: cargo xtask upgrade --lock";

    #[test]
    fn lock_files_hold_what_is_pinned() {
        for folder in npm::FOLDERS {
            assert!(!is_npm_stale(&workspace::root().join(folder)).unwrap(), "{folder}: {REMEDY}");
        }
        for folder in python::FOLDERS {
            assert!(
                !is_python_stale(&workspace::root().join(folder)).unwrap(),
                "{folder}: {REMEDY}"
            );
        }
    }

    #[test]
    fn a_lock_file_that_holds_another_version_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        put("requirements.in", "# marker\na==1.0.0\n");
        put("package.json", r#"{ "dependencies": { "a": "1.0.0" } }"#);
        assert!(is_python_stale(folder.path()).unwrap() && is_npm_stale(folder.path()).unwrap());
        for (version, is_stale) in [("1.0.0", false), ("1.0.0.1", true), ("0.9.0", true)] {
            put("requirements.txt", &format!("a=={version} \\\n    --hash=sha256:00\n"));
            put(
                "package-lock.json",
                &format!(
                    r#"{{ "packages": {{ "": {{ "dependencies": {{ "a": "{version}" }} }} }} }}"#
                ),
            );
            assert_eq!(is_python_stale(folder.path()).unwrap(), is_stale, "{version}");
            assert_eq!(is_npm_stale(folder.path()).unwrap(), is_stale, "{version}");
        }
    }

    #[test]
    fn lock_file_with_another_version_in_a_workspace_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("b")).unwrap();
        let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        put("package.json", r#"{ "workspaces": ["b"] }"#);
        put("b/package.json", r#"{ "devDependencies": { "a": "1.0.0" } }"#);
        for (version, is_stale) in [("1.0.0", false), ("1.0.1", true)] {
            let of_b = format!(r#"{{ "devDependencies": {{ "a": "{version}" }} }}"#);
            let lock =
                format!(r#"{{ "packages": {{ "": {{ "workspaces": ["b"] }}, "b": {of_b} }} }}"#);
            put("package-lock.json", &lock);
            assert_eq!(is_npm_stale(folder.path()).unwrap(), is_stale, "{version}");
        }
    }
}
