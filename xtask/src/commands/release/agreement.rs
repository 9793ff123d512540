//! Checks that version, CHANGELOG, tag, commit and records agree.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use extension_spec::packing::COMBINATIONS;
use xshell::cmd;

use crate::project::links::REPOSITORY;
use crate::support::shell::{self, shell};
use crate::support::workspace;

/// The record of changes, in the format of Keep a Changelog.
const CHANGELOG: &str = "CHANGELOG.md";
/// The folder with records of each release, which all consumers keep reading.
const RECORDS: &str = "consumers/records";
/// The word in CHANGELOG.md in place of a date before the version is released.
const UNRELEASED: &str = "unreleased";

/// Returns the commit that is checked out, or nothing if files differ from it.
pub(super) fn commit() -> Result<Option<String>> {
    let shell = shell()?;
    let changes = shell::read(cmd!(shell, "git status --porcelain"))?;
    let commit = shell::read(cmd!(shell, "git rev-parse HEAD"))?;
    Ok(changes.is_empty().then_some(commit))
}

/// Returns the section of CHANGELOG.md about this version, without its headline.
pub(super) fn notes(version: &str) -> Result<String> {
    Ok(section(&changelog()?, version)?.1.to_owned())
}

/// Fails unless the version is three numbers, CHANGELOG.md knows it and consumers are tested with its records.
///
/// For a tag it also fails unless the tag names the version, the section has a date, the checkout is exactly the commit of the tag, and
/// Cargo.toml has the address of the repository.
pub(super) fn check(version: &str, tag: Option<&str>, commit: Option<&str>) -> Result<()> {
    if !is_plain(version) {
        bail!(
            "the version in Cargo.toml is {version}: set three numbers, as in 1.2.0, because PyPI, npm and Cargo write pre-releases \
             differently"
        );
    }
    let changelog = changelog()?;
    let (date, _) = section(&changelog, version)?;
    check_records(&workspace::root().join(RECORDS), version)?;
    let Some(tag) = tag else { return Ok(()) };
    if tag != format!("v{version}") {
        bail!(
            "the tag is {tag}, and Cargo.toml says {version}: set version in Cargo.toml, or tag v{version}"
        );
    }
    if !is_date(date) {
        bail!(
            "{CHANGELOG} says {date:?} for {version}: write the date of the release, as in 2026-12-31"
        );
    }
    check_address(REPOSITORY, std::env::var("GITHUB_REPOSITORY").ok().as_deref())?;
    let Some(commit) = commit else {
        bail!("the checkout has changes that no commit has: commit or remove them (git status)");
    };
    let shell = shell()?;
    let reference = format!("refs/tags/{tag}^{{commit}}");
    let tagged = shell::output(cmd!(shell, "git rev-parse --verify --quiet {reference}"))?;
    match String::from_utf8_lossy(&tagged.stdout).trim() {
        "" => bail!("there is no tag {tag} here: git tag {tag}, or git fetch --tags"),
        it if it != commit => {
            bail!("{tag} names the commit {it}, and {commit} is checked out: git checkout {tag}")
        }
        _ => Ok(()),
    }
}

/// Returns true for three numbers with dots between them.
fn is_plain(version: &str) -> bool {
    let parts: Vec<&str> = version.split('.').collect();
    let is_number = |it: &&str| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit());
    parts.len() == 3 && parts.iter().all(is_number)
}

/// Fails unless `repository` in Cargo.toml is the repository on GitHub that runs this. Packages, alarms and attestations name it, and npm
/// accepts a package from its own repository only.
fn check_address(repository: &str, runs: Option<&str>) -> Result<()> {
    let is_here = runs.is_none_or(|it| repository.ends_with(&format!("/{it}")));
    // RFC 2606 reserves the domain, so it leads nowhere.
    if repository.contains(".example/") || !is_here {
        let here = runs.map_or_else(String::new, |it| format!(" (this is {it})"));
        bail!(
            "repository in Cargo.toml is {repository}: set the address of this repository{here}, then run cargo xtask synth"
        );
    }
    Ok(())
}

/// Fails unless a folder below `records` holds what the extension of this version writes, in every combination of settings.
fn check_records(records: &Path, version: &str) -> Result<()> {
    // Ledgers name the version, as text within JSON.
    let stated = format!(r#"\"extension\":\"{version}\""#);
    let is_of_version =
        |path: &Path| fs::read_to_string(path).is_ok_and(|text| text.contains(&stated));
    let files = fs::read_dir(records.join(version)).into_iter().flatten().flatten();
    let found = files.filter(|it| is_of_version(&it.path())).count();
    let combinations = COMBINATIONS.iter().map(|it| it.compressions.len() * it.envelopes.len());
    let combinations: usize = combinations.sum();
    if found < combinations {
        bail!(
            "{RECORDS}/{version} holds records of this version for {found} of {combinations} combinations of settings: \
             cargo run --package xtask-model --bin fixtures -- {RECORDS}/{version}"
        );
    }
    Ok(())
}

fn changelog() -> Result<String> {
    fs::read_to_string(workspace::root().join(CHANGELOG))
        .with_context(|| format!("{CHANGELOG} cannot be read"))
}

/// Returns the date and the text of the section `## [VERSION] - DATE`. It must be the first one that is about a version.
fn section<'a>(changelog: &'a str, version: &str) -> Result<(&'a str, &'a str)> {
    let mut sections = changelog.split("\n## [").skip(1);
    let first = sections.find(|it| !it.to_ascii_lowercase().starts_with("unreleased]"));
    let first = first.with_context(|| format!("{CHANGELOG} has no section about a version"))?;
    let (headline, text) = first.split_once('\n').unwrap_or((first, ""));
    let (found, date) = headline.split_once("] - ").unwrap_or((headline, UNRELEASED));
    if found != version {
        bail!(
            "the first version in {CHANGELOG} is {found}, and Cargo.toml says {version}: add a section ## [{version}] - {UNRELEASED}"
        );
    }
    // Links to versions stand at the end of the file.
    let text = text.split("\n[").next().unwrap_or(text);
    Ok((date.trim(), text.trim_start_matches('\n')))
}

fn is_date(text: &str) -> bool {
    let numbers: Vec<&str> = text.split('-').collect();
    let digits = |it: &&str| it.bytes().all(|byte| byte.is_ascii_digit());
    numbers.iter().map(|it| it.len()).eq([4, 2, 2]) && numbers.iter().all(digits)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{RECORDS, check_address, check_records, is_date, is_plain, section};
    use crate::support::workspace;

    const CHANGELOG: &str = "# Changelog\n\n## [Unreleased]\n\n## [1.2.0] - 2026-12-31\n\n### Added\n\n- A.\n\n## [1.1.0] - 2026-11-30\n\n- B.\n";

    #[test]
    fn a_section_has_a_date_and_the_text_below_it() {
        assert_eq!(section(CHANGELOG, "1.2.0").unwrap(), ("2026-12-31", "### Added\n\n- A.\n"));
    }

    #[test]
    fn a_version_that_is_not_the_first_one_is_refused() {
        for version in ["1.1.0", "2.0.0"] {
            let error = section(CHANGELOG, version).unwrap_err().to_string();
            assert!(error.starts_with("the first version in CHANGELOG.md is 1.2.0"), "{error}");
        }
    }

    #[test]
    fn a_version_without_records_of_its_own_is_refused() {
        let (folder, version) = (tempfile::tempdir().unwrap(), env!("CARGO_PKG_VERSION"));
        let ours = workspace::root().join(RECORDS);
        check_records(&ours, version).unwrap();
        let error = check_records(folder.path(), "9.8.7").unwrap_err().to_string();
        assert!(error.contains("9.8.7 holds records of this version for 0 of 13"), "{error}");
        assert!(error.ends_with("--bin fixtures -- consumers/records/9.8.7"), "{error}");
        // Copies of another release are none.
        let copy = folder.path().join("9.8.7");
        fs::create_dir(&copy).unwrap();
        for file in fs::read_dir(ours.join(version)).unwrap().map(|it| it.unwrap()) {
            fs::copy(file.path(), copy.join(file.file_name())).unwrap();
        }
        check_records(folder.path(), "9.8.7").unwrap_err();
    }

    #[test]
    fn only_three_numbers_are_a_version() {
        assert!(is_plain("0.12.3"));
        for version in ["1.2", "1.2.3.4", "1.2.3-rc.1", "1.2.3+build", "v1.2.3", "1..3"] {
            assert!(!is_plain(version), "{version}");
        }
    }

    #[test]
    fn a_tag_needs_the_address_of_the_repository() {
        let here = "https://github.com/owner/name";
        assert!(
            check_address(here, None).is_ok() && check_address(here, Some("owner/name")).is_ok()
        );
        let other = check_address(here, Some("owner/fork")).unwrap_err().to_string();
        assert!(other.ends_with("(this is owner/fork), then run cargo xtask synth"), "{other}");
        assert!(check_address("https://github.example/owner/name", Some("owner/name")).is_err());
    }

    #[test]
    fn only_a_day_is_a_date() {
        assert!(is_date("2026-12-31"));
        for text in ["unreleased", "2026-12", "2026-12-3x", "31-12-2026", ""] {
            assert!(!is_date(text), "{text}");
        }
    }
}
