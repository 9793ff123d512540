//! Puts kinesis-local under `target/`, exactly as the committed lock file says, once.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::process;

const PACKAGE: &str = include_str!("../../emulator/package.json");
const LOCK: &str = include_str!("../../emulator/package-lock.json");
const LOOPBACK: &str = include_str!("../../emulator/loopback.cjs");
/// Holds the lock file that was installed; written last, so that what was interrupted is done again.
const STAMP: &str = "installed.json";

/// Installs into `target/emulator` unless it is there already, and gives that folder.
pub(crate) fn install(target: &Path) -> Result<PathBuf> {
    let dir = target.join("emulator");
    fs::create_dir_all(&dir).with_context(|| format!("{} cannot be made", dir.display()))?;
    // Two commands at once must not install into one folder. The lock ends with `_one_at_a_time`.
    let _one_at_a_time = locked(&dir.join(".lock"))?;
    // Where nothing has changed nothing is written: another emulator may be starting from here.
    put(&dir.join("loopback.cjs"), LOOPBACK)?;
    if holds(&dir.join(STAMP), LOCK) && dir.join("node_modules").is_dir() {
        return Ok(dir);
    }
    put(&dir.join("package.json"), PACKAGE)?;
    put(&dir.join("package-lock.json"), LOCK)?;
    npm_ci(&dir)?;
    put(&dir.join(STAMP), LOCK)?;
    Ok(dir)
}

fn locked(path: &Path) -> Result<File> {
    let lock = File::options().create(true).truncate(false).write(true).open(path);
    let lock = lock.with_context(|| format!("{} cannot be opened", path.display()))?;
    lock.lock().with_context(|| format!("{} cannot be locked", path.display()))?;
    Ok(lock)
}

fn holds(path: &Path, content: &str) -> bool {
    fs::read(path).is_ok_and(|found| found == content.as_bytes())
}

fn put(path: &Path, content: &str) -> Result<()> {
    if holds(path, content) {
        return Ok(());
    }
    fs::write(path, content).with_context(|| format!("{} cannot be written", path.display()))
}

fn npm_ci(dir: &Path) -> Result<()> {
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"])
        .current_dir(dir)
        // Its messages are wanted only if it fails, and its summary never.
        .stderr(Stdio::piped());
    let mut command =
        process::Process::spawn("npm", npm.stdin(Stdio::null()).stdout(Stdio::null()))?;
    let messages = command.stderr.take().map(process::lines).into_iter().flatten();
    let messages: Vec<String> = messages.map_while(Result::ok).collect();
    let exit = command.wait()?;
    if !exit.success() {
        bail!(
            "kinesis-local cannot be installed: npm ci failed ({exit}) in {}; it says:\n{}",
            dir.display(),
            messages.join("\n")
        );
    }
    Ok(())
}
