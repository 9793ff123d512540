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
/// What the emulator does not start without, and what a half-deleted folder no longer has.
const PARTS: [&str; 2] =
    ["node_modules/kinesis-local/main.js", "node_modules/kinesis-local/server.json"];

/// Installs into `target/emulator` unless it is there already, and gives that folder.
pub(crate) fn install(target: &Path) -> Result<PathBuf> {
    let dir = target.join("emulator");
    fs::create_dir_all(&dir).with_context(|| format!("{} cannot be made", dir.display()))?;
    // Two commands at once must not install into one folder. The lock ends with `_one_at_a_time`.
    let _one_at_a_time = locked(&dir.join(".lock"))?;
    // Where nothing has changed nothing is written: another emulator may be starting from here.
    put(&dir.join("loopback.cjs"), LOOPBACK)?;
    if is_installed(&dir) {
        return Ok(dir);
    }
    put(&dir.join("package.json"), PACKAGE)?;
    put(&dir.join("package-lock.json"), LOCK)?;
    npm_ci(&dir, &target.join("npm.log"))?;
    put(&dir.join(STAMP), LOCK)?;
    Ok(dir)
}

/// Whether all of it is there: a folder that somebody has damaged is installed again.
fn is_installed(dir: &Path) -> bool {
    holds(&dir.join(STAMP), LOCK) && PARTS.iter().all(|part| dir.join(part).is_file())
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

fn npm_ci(dir: &Path, log: &Path) -> Result<()> {
    let written = |log: &Path| -> std::io::Result<(File, File)> {
        let file = File::create(log)?;
        Ok((file.try_clone()?, file))
    };
    let (stdout, stderr) =
        written(log).with_context(|| format!("the log {} cannot be written", log.display()))?;
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"])
        // By itself it waits for minutes before it says that a registry cannot be reached.
        .arg("--fetch-retries=1")
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(stderr);
    let exit = process::Process::spawn("npm", &mut npm)?.wait()?;
    if !exit.success() {
        bail!(
            "npm could not install the emulator; check the network or npm's proxy settings \
             (npm's own words: {})",
            log.display()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{LOCK, PARTS, STAMP, is_installed};

    #[test]
    fn a_damaged_emulator_does_not_count_as_installed() {
        let dir = std::env::temp_dir().join(format!("xtask-install-{}", std::process::id()));
        let whole = PARTS.iter().map(|part| (*part, "")).chain([(STAMP, LOCK)]);
        for (file, content) in whole.clone() {
            fs::create_dir_all(dir.join(file).parent().unwrap()).unwrap();
            fs::write(dir.join(file), content).unwrap();
        }
        assert!(is_installed(&dir));
        for (file, content) in whole {
            fs::remove_file(dir.join(file)).unwrap();
            assert!(!is_installed(&dir), "without {file}");
            fs::write(dir.join(file), content).unwrap();
        }
        fs::write(dir.join(STAMP), "another version's").unwrap();
        assert!(!is_installed(&dir));
        fs::remove_dir_all(dir).unwrap();
    }
}
