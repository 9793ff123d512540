//! `unpublished`: finds the packages of a release that a registry does not have yet, so that publishing can be repeated.

mod registry;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::support::process;
use registry::{Package, Registry};

/// The version of this workspace, which is that of all that a release holds.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Copy the packages of a release that a registry lacks into a folder; fail if the registry has one with different content.
#[derive(Args)]
#[command(
    after_help = "The release workflow publishes what is in the folder. A registry never takes a version twice, so a repeated \
                  workflow publishes only what is missing."
)]
pub(crate) struct Options {
    /// npm, pypi or crates.
    #[arg(value_name = "REGISTRY", value_parser = PossibleValuesParser::new(Registry::ALL.map(Registry::name)))]
    registry: String,
    /// The folder of the release.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// The folder that gets the packages. It is made anew.
    #[arg(long, value_name = "FOLDER")]
    into: PathBuf,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let registry = Registry::ALL.into_iter().find(|it| it.name() == options.registry);
    let registry = registry.context("clap lets no other registry pass")?;
    let missing = missing(registry, &options.folder, ask)?;
    let unwritable = || format!("{} cannot be written", options.into.display());
    if options.into.exists() {
        fs::remove_dir_all(&options.into).with_context(unwritable)?;
    }
    fs::create_dir_all(&options.into).with_context(unwritable)?;
    for file in missing {
        println!("{} does not have {file}", registry.name());
        fs::copy(options.folder.join(&file), options.into.join(&file)).with_context(unwritable)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the names of the files that a registry does not have. `ask` returns the text at an address, or nothing if there is none.
fn missing(
    registry: Registry,
    folder: &Path,
    ask: impl Fn(&str) -> Result<Option<String>>,
) -> Result<Vec<String>> {
    let unreadable = || format!("{} cannot be read", folder.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(unreadable)? {
        names.push(entry.with_context(unreadable)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    let packages: Vec<Package> =
        names.iter().filter_map(|it| registry.package(it, VERSION)).collect();
    if packages.is_empty() {
        bail!(
            "{} has no package of {VERSION} for {}: name a folder of cargo xtask release",
            folder.display(),
            registry.name()
        );
    }
    let mut missing = Vec::new();
    for package in packages {
        let answer = ask(&registry.address(&package.name, VERSION))?;
        let known = match &answer {
            Some(answer) => registry.digest(answer, &package.file, VERSION)?,
            None => None,
        };
        let bytes = fs::read(folder.join(&package.file)).with_context(unreadable)?;
        let own = registry.digest_of(&bytes);
        match known {
            None => missing.push(package.file),
            Some(known) if known == own => {}
            Some(known) => bail!(
                "{} has {} {VERSION} with other content: {known} instead of {own}. A version is never replaced: raise the version in \
                 Cargo.toml and release that",
                registry.name(),
                package.file,
            ),
        }
    }
    Ok(missing)
}

/// Returns the text at an address, or nothing if the registry has none.
fn ask(address: &str) -> Result<Option<String>> {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--location", "--retry", "3", "--max-time", "60"]);
    // The crates registry refuses clients that do not name themselves.
    curl.args(["--user-agent", "kinesis-telemetry-extension release"]);
    let (exit, said) =
        process::output("curl", curl.args(["--write-out", "\n%{http_code}", address]))?;
    let (text, status) = said.rsplit_once('\n').unwrap_or_default();
    match status {
        "200" if exit.success() => Ok(Some(text.to_owned())),
        "404" if exit.success() => Ok(None),
        _ => bail!(
            "{address} does not say what is published ({exit}, status {status}): try again later"
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use anyhow::bail;
    use serde_json::json;

    use super::{Registry, VERSION, missing};

    #[test]
    fn what_a_registry_has_is_not_published_again() {
        let folder = tempfile::tempdir().unwrap();
        let wheel = format!("kinesis_telemetry-{VERSION}-py3-none-any.whl");
        let other = format!("kinesis_telemetry_consumer-{VERSION}.tar.gz");
        let archive = "kinesis-telemetry-x86_64-unknown-linux-musl.tar.gz";
        for name in [wheel.as_str(), &other, archive, "SHA256SUMS"] {
            fs::write(folder.path().join(name), "abc").unwrap();
        }
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let with = |digest: &str| {
            let answer =
                json!({ "urls": [{ "filename": wheel, "digests": { "sha256": digest } }] });
            missing(Registry::PyPi, folder.path(), |address| {
                let has =
                    address == format!("https://pypi.org/pypi/kinesis-telemetry/{VERSION}/json");
                Ok(has.then(|| answer.to_string()))
            })
        };
        assert_eq!(with(abc).unwrap(), [other]);
        let error = with("0").unwrap_err().to_string();
        assert!(error.starts_with("pypi has kinesis_telemetry-"), "{error}");
        assert!(error.contains("with other content: 0 instead of ba78"), "{error}");
    }

    #[test]
    fn a_registry_that_does_not_answer_is_no_reason_to_publish() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(format!("a-{VERSION}.tgz")), "abc").unwrap();
        assert!(missing(Registry::Npm, folder.path(), |_| bail!("no answer")).is_err());
        assert!(missing(Registry::Npm, folder.path(), |_| Ok(None)).unwrap().len() == 1);
        let error = missing(Registry::Crates, folder.path(), |_| Ok(None)).unwrap_err();
        assert!(error.to_string().contains("has no package of"), "{error}");
    }
}
