//! The registries: which files of a release they get, and what they report about a version. Pure.

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest as _, Sha512};

use crate::support::digest::sha256;

/// Where people install packages from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Registry {
    Npm,
    PyPi,
    Crates,
}

/// A file of the release, and the name of its package.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) file: String,
}

impl Registry {
    pub(super) const ALL: [Self; 3] = [Self::Npm, Self::PyPi, Self::Crates];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::PyPi => "pypi",
            Self::Crates => "crates",
        }
    }

    /// Returns the package of a file, if the registry takes it.
    pub(super) fn package(self, file: &str, version: &str) -> Option<Package> {
        let name = match self {
            Self::Npm => file.strip_suffix(&format!("-{version}.tgz"))?.to_owned(),
            Self::Crates => file.strip_suffix(&format!("-{version}.crate"))?.to_owned(),
            Self::PyPi => {
                let source = file.strip_suffix(&format!("-{version}.tar.gz"));
                let wheel = || file.strip_suffix(".whl")?.split_once(&format!("-{version}-"));
                source.or_else(|| Some(wheel()?.0))?.replace('_', "-")
            }
        };
        Some(Package { name, file: file.to_owned() })
    }

    /// Returns the URL at which the registry lists the files of a version.
    pub(super) fn address(self, name: &str, version: &str) -> String {
        match self {
            Self::Npm => format!("https://registry.npmjs.org/{name}/{version}"),
            Self::PyPi => format!("https://pypi.org/pypi/{name}/{version}/json"),
            // Names of four characters and more (The Cargo Book, "Index Format").
            Self::Crates => {
                format!("https://index.crates.io/{}/{}/{name}", &name[..2], &name[2..4])
            }
        }
    }

    /// Returns the digest that an answer has for a file.
    pub(super) fn digest(self, answer: &str, file: &str, version: &str) -> Result<Option<String>> {
        let json = |text: &str| {
            serde_json::from_str::<Value>(text)
                .with_context(|| format!("{} answers no JSON about {file}", self.name()))
        };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Ok(match self {
            Self::Npm => text(&json(answer)?["dist"]["integrity"]),
            Self::PyPi => {
                let answer = json(answer)?;
                let urls = answer["urls"].as_array().map(Vec::as_slice).unwrap_or_default();
                let url = urls.iter().find(|it| it["filename"] == file);
                url.and_then(|it| text(&it["digests"]["sha256"]))
            }
            Self::Crates => {
                let versions: Vec<Value> = answer.lines().map(json).collect::<Result<_>>()?;
                let version = versions.iter().find(|it| it["vers"] == version);
                version.and_then(|it| text(&it["cksum"]))
            }
        })
    }

    /// Returns the digest of a file as the registry states it.
    pub(super) fn digest_of(self, bytes: &[u8]) -> String {
        match self {
            Self::Npm => format!("sha512-{}", STANDARD.encode(Sha512::digest(bytes))),
            Self::PyPi | Self::Crates => sha256(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Registry;

    #[test]
    fn files_belong_to_the_registry_that_takes_them() {
        let names = |registry: Registry| {
            let files = [
                "kinesis-telemetry-cdk-1.2.3.tgz",
                "kinesis_telemetry-1.2.3-py3-none-macosx_11_0_arm64.whl",
                "kinesis_telemetry_consumer-1.2.3.tar.gz",
                "kinesis-telemetry-consumer-1.2.3.crate",
                "kinesis-telemetry-aarch64-apple-darwin.tar.gz",
                "kinesis-telemetry-extension-arm64.zip",
                "kinesis-telemetry-cdk-1.2.2.tgz",
            ];
            let packages = files.into_iter().filter_map(|it| registry.package(it, "1.2.3"));
            packages.map(|it| it.name).collect::<Vec<_>>()
        };
        assert_eq!(names(Registry::Npm), ["kinesis-telemetry-cdk"]);
        assert_eq!(names(Registry::PyPi), ["kinesis-telemetry", "kinesis-telemetry-consumer"]);
        assert_eq!(names(Registry::Crates), ["kinesis-telemetry-consumer"]);
    }

    #[test]
    fn answers_of_registries_are_read() {
        // Shortened answers of the three registries, about fzstd 0.1.1, six 1.17.0 and memchr 2.8.3.
        let npm = r#"{"name":"fzstd","version":"0.1.1","dist":{"integrity":"sha512-dkuVSOKKwh3eas5VkJy1AW1vFpet8TA/fGmVA5krThl8YcOVE/8ZIoEA1+U1vEn5ckxxhLirSdY837azmbaNHA=="}}"#;
        let read = Registry::Npm.digest(npm, "fzstd-0.1.1.tgz", "0.1.1").unwrap();
        assert!(read.unwrap().starts_with("sha512-dkuVSOKKwh3e"));
        let pypi = r#"{"urls":[{"filename":"six-1.17.0.tar.gz","digests":{"sha256":"ff70"}}]}"#;
        let read = |file| Registry::PyPi.digest(pypi, file, "1.17.0").unwrap();
        assert_eq!(read("six-1.17.0.tar.gz").as_deref(), Some("ff70"));
        assert_eq!(read("six-1.17.0-py2.py3-none-any.whl"), None);
        let crates =
            "{\"vers\":\"2.8.2\",\"cksum\":\"aa\"}\n{\"vers\":\"2.8.3\",\"cksum\":\"bb\"}\n";
        let read = |version| Registry::Crates.digest(crates, "", version).unwrap();
        assert_eq!((read("2.8.3").as_deref(), read("2.8.4")), (Some("bb"), None));
        assert!(Registry::Npm.digest("<html>", "x", "1").is_err());
    }

    #[test]
    fn addresses_are_those_of_the_registries() {
        let address = |it: Registry| it.address("kinesis-telemetry-consumer", "1.2.3");
        assert_eq!(
            address(Registry::Crates),
            "https://index.crates.io/ki/ne/kinesis-telemetry-consumer"
        );
        assert!(address(Registry::Npm).ends_with("/kinesis-telemetry-consumer/1.2.3"));
    }
}
