//! Installs npm packages once, exactly as a committed lock file states.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::support::lock::locked;
use crate::support::process;

/// Holds the lock file that was installed. npm empties its folder first, so an interrupted installation is repeated.
const STAMP: &str = "node_modules/.installed.json";

/// The packages to install.
pub(crate) struct Packages<'a> {
    /// The packages in words, for messages.
    pub(crate) what: &'a str,
    /// The folder with `package.json` and `package-lock.json`.
    pub(crate) from: PathBuf,
    /// The folder that gets `node_modules`; it may be the same.
    pub(crate) into: PathBuf,
    /// The log of npm. The lock file that separates two commands is next to it.
    pub(crate) log: PathBuf,
    /// Files that must exist, because a user may have deleted half of a folder that looks installed.
    pub(crate) parts: &'a [&'a str],
}

impl Packages<'_> {
    /// Installs them, unless they are installed already. A lock separates two commands.
    pub(crate) fn install(&self) -> Result<()> {
        let lock = self.lock_file()?;
        let _one_at_a_time = locked(&self.log.with_extension("lock"))?;
        if self.are_installed(&lock) {
            return Ok(());
        }
        if self.from != self.into {
            make(&self.into)?;
            put(&self.into.join("package.json"), &read(&self.from.join("package.json"))?)?;
            put(&self.into.join("package-lock.json"), &lock)?;
        }
        self.npm_ci()?;
        // Otherwise it would be installed again each time, while another process may be using it.
        if let Some(part) = self.parts.iter().find(|part| !self.into.join(part).is_file()) {
            bail!("npm has installed {} without {part}", self.what);
        }
        put(&self.into.join(STAMP), &lock)
    }

    fn lock_file(&self) -> Result<String> {
        read(&self.from.join("package-lock.json"))
    }

    fn are_installed(&self, lock: &str) -> bool {
        holds(&self.into.join(STAMP), lock)
            && self.parts.iter().all(|part| self.into.join(part).is_file())
    }

    fn npm_ci(&self) -> Result<()> {
        let written = |log: &Path| -> std::io::Result<(File, File)> {
            let file = File::create(log)?;
            Ok((file.try_clone()?, file))
        };
        let (stdout, stderr) = written(&self.log)
            .with_context(|| format!("the log {} cannot be written", self.log.display()))?;
        let mut npm = Command::new("npm");
        npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"])
            // By default npm waits for minutes before it reports that a registry cannot be reached.
            .arg("--fetch-retries=1")
            .current_dir(&self.into)
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr);
        let exit = process::Process::spawn("npm", &mut npm)?.wait()?;
        if !exit.success() {
            bail!(
                "npm could not install {}; check the network or npm's proxy settings \
                 (npm's own words: {})",
                self.what,
                self.log.display()
            );
        }
        Ok(())
    }
}

/// Makes a folder.
pub(crate) fn make(dir: &Path) -> Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("{} cannot be made", dir.display()))
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}

/// Returns true if a file holds exactly this.
pub(crate) fn holds(path: &Path, content: &str) -> bool {
    fs::read(path).is_ok_and(|found| found == content.as_bytes())
}

/// Writes a file, unless it holds exactly this already: another process may be reading it.
pub(crate) fn put(path: &Path, content: &str) -> Result<()> {
    if holds(path, content) {
        return Ok(());
    }
    fs::write(path, content).with_context(|| format!("{} cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Packages, STAMP};

    #[test]
    fn a_folder_that_somebody_has_damaged_does_not_count_as_installed() {
        let dir = std::env::temp_dir().join(format!("xtask-npm-{}", std::process::id()));
        let packages = Packages {
            what: "it",
            from: dir.clone(),
            into: dir.clone(),
            log: dir.join("log"),
            parts: &["node_modules/a/main.js", "node_modules/b.json"],
        };
        let whole = packages.parts.iter().map(|part| (*part, "")).chain([(STAMP, "the lock file")]);
        for (file, content) in whole.clone() {
            fs::create_dir_all(dir.join(file).parent().unwrap()).unwrap();
            fs::write(dir.join(file), content).unwrap();
        }
        assert!(packages.are_installed("the lock file"));
        assert!(!packages.are_installed("another version's"));
        for (file, content) in whole {
            fs::remove_file(dir.join(file)).unwrap();
            assert!(!packages.are_installed("the lock file"), "without {file}");
            fs::write(dir.join(file), content).unwrap();
        }
        fs::remove_dir_all(dir).unwrap();
    }
}
