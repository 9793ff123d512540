//! Asks each registry, through its own client, for the newest version of a pin.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::{Newest, version};
use crate::project::pins::{Pin, Registry};
use crate::support::process::Process;
use crate::support::workspace;

/// Returns the newest version that can be pinned.
pub(super) fn newest(pin: &Pin) -> Result<Newest> {
    let name = pin.name;
    let said = match pin.registry {
        Registry::Npm => said(Command::new("npm").args(["view", name, "versions", "--json"])),
        Registry::PyPi => {
            said(Command::new("python3").args(["-m", "pip", "index", "versions", name]))
        }
        Registry::Crates => said(workspace::cargo().args(["info", name])),
        Registry::Action { .. } | Registry::Rust => {
            let url = format!("https://github.com/{name}");
            // Without an answer git would ask for a password.
            said(
                Command::new("git")
                    .args(["ls-remote", "--tags", &url])
                    .env("GIT_TERMINAL_PROMPT", "0"),
            )
        }
    }?;
    match pin.registry {
        Registry::Npm => {
            among(pin, serde_json::from_str::<Vec<String>>(&said)?.iter().map(String::as_str))
        }
        Registry::PyPi => among(pin, python(&said)),
        Registry::Crates => among(pin, crates(&said)),
        Registry::Action { .. } | Registry::Rust => tag(pin, &said),
    }
}

/// Returns what a command prints on stdout. If it fails, the error has the last line of its stderr.
fn said(command: &mut Command) -> Result<String> {
    let what = command.get_program().to_string_lossy().into_owned();
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = Process::spawn(&what, command)?;
    // Both pipes are read at once, so that neither fills up.
    let stderr = process.stderr.take().context("it has no stderr")?;
    let complaints =
        std::thread::spawn(move || std::io::read_to_string(stderr).unwrap_or_default());
    let stdout = process.stdout.take().context("it has no stdout")?;
    let text = std::io::read_to_string(stdout).with_context(|| format!("{what} writes no text"))?;
    let complaints = complaints.join().unwrap_or_default();
    if !process.wait()?.success() {
        let last =
            complaints.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no reason given");
        bail!("{what}: {}", last.trim());
    }
    Ok(text)
}

fn among<'a>(pin: &Pin, versions: impl IntoIterator<Item = &'a str>) -> Result<Newest> {
    let newest = version::newest(versions, pin.within, pin.version);
    let version = newest.context("no version like the pinned one was named")?.to_owned();
    Ok(Newest { version, commit: None })
}

/// `Available versions: 1.2.0, 1.1.0`
fn python(said: &str) -> Vec<&str> {
    let line = said.lines().find_map(|line| line.strip_prefix("Available versions:"));
    line.into_iter().flat_map(|versions| versions.split(',')).map(str::trim).collect()
}

/// `version: 1.1.0 (latest 1.2.0)`, where a lock file holds an older one, or `version: 1.2.0`.
fn crates(said: &str) -> Vec<&str> {
    let line = said.lines().find_map(|line| line.strip_prefix("version:")).unwrap_or_default();
    line.split([' ', '(', ')']).filter(|word| version::numbers(word).is_some()).collect()
}

/// `COMMIT<tab>refs/tags/v1.2.0`, and once more with `^{}` for what an annotated tag points to.
fn tag(pin: &Pin, said: &str) -> Result<Newest> {
    let tags: Vec<(&str, &str)> = said
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .filter_map(|(commit, name)| Some((commit, name.strip_prefix("refs/tags/")?)))
        .collect();
    let version = among(pin, tags.iter().map(|(_, name)| *name))?.version;
    let peeled = format!("{version}^{{}}");
    let commit_of =
        |wanted: &str| tags.iter().find(|(_, name)| *name == wanted).map(|(commit, _)| *commit);
    let commit = commit_of(&peeled).or_else(|| commit_of(&version)).map(str::to_owned);
    Ok(Newest { version, commit })
}

#[cfg(test)]
mod tests {
    use super::{crates, python, tag};
    use crate::project::pins;

    #[test]
    fn what_pip_says_is_understood() {
        let said = "zizmor (1.32.0)\nAvailable versions: 1.32.0, 1.31.2\n  INSTALLED: 1.0.0\n";
        assert_eq!(python(said), ["1.32.0", "1.31.2"]);
    }

    #[test]
    fn what_cargo_says_is_understood() {
        assert_eq!(crates("cargo-deny #lint\nversion: 0.20.2\n"), ["0.20.2"]);
        assert_eq!(crates("version: 1.0.1 (latest 1.2.0)\n"), ["1.0.1", "1.2.0"]);
    }

    #[test]
    fn the_commit_of_an_annotated_tag_is_the_one_it_points_to() {
        let said = "aaa\trefs/tags/v7\nbbb\trefs/tags/v7.1.0\nccc\trefs/tags/v7.1.0^{}\nddd\trefs/tags/v7.0.0\n";
        let newest = tag(&pins::CHECKOUT, said).unwrap();
        assert_eq!((newest.version.as_str(), newest.commit.as_deref()), ("v7.1.0", Some("ccc")));
    }

    #[test]
    fn the_commit_of_a_plain_tag_is_its_own() {
        let newest = tag(&pins::CHECKOUT, "bbb\trefs/tags/v7.1.0\n").unwrap();
        assert_eq!(newest.commit.as_deref(), Some("bbb"));
    }
}
