//! A Python wheel that holds a program and no Python: `uvx kinesis-telemetry` runs it (Python Packaging User Guide, "Binary distribution
//! format" and "Core metadata").
//!
//! maturin makes such wheels, but builds the program itself, and then archive and wheel would hold different programs.

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::cli::{Platform, Program, document};
use crate::commands::package::archive::{self, Entry};
use crate::project::links;
use crate::tools::build::CLI;

/// Name of the wheel.
pub(super) fn name(version: &str, platform: &Platform) -> String {
    format!("{}-py3-none-{}.whl", stem(version), platform.tag)
}

/// Names of files have no hyphens but those between their parts.
fn stem(version: &str) -> String {
    format!("{}-{version}", CLI.replace('-', "_"))
}

/// Packs the wheel, the same bytes each time.
pub(super) fn zip(version: &str, program: &Program) -> Result<Vec<u8>> {
    let stem = stem(version);
    let info = format!("{stem}.dist-info");
    let licence = document("LICENSE")?;
    let texts = [
        ("METADATA", metadata(version)?.into_bytes()),
        ("WHEEL", tags(&program.platform).into_bytes()),
        ("licenses/LICENSE", licence),
        ("licenses/LICENSES.txt", program.notices.licences.clone().into_bytes()),
        ("licenses/LICENSES-rust.html", program.notices.of_rust.clone().into_bytes()),
        ("sboms/kinesis-telemetry.cdx.json", program.notices.sbom.clone().into_bytes()),
    ];
    let script = format!("{stem}.data/scripts/{CLI}");
    let mut record = recorded(&script, &program.bytes);
    let mut entries = vec![Entry::program(&script, &program.bytes)];
    let texts = texts.map(|(name, text)| (format!("{info}/{name}"), text));
    for (path, text) in &texts {
        record += &recorded(path, text);
        entries.push(Entry::text(path, text));
    }
    let path = format!("{info}/RECORD");
    record.extend([&path, ",,\n"]);
    entries.push(Entry::text(&path, record.as_bytes()));
    archive::zip(&entries)
}

/// A line of `RECORD`: path, digest and size.
fn recorded(path: &str, bytes: &[u8]) -> String {
    format!("{path},sha256={},{}\n", URL_SAFE_NO_PAD.encode(Sha256::digest(bytes)), bytes.len())
}

fn tags(platform: &Platform) -> String {
    let tags = platform.tag.split('.').map(|it| format!("Tag: py3-none-{it}\n"));
    let head = "Wheel-Version: 1.0\nGenerator: cargo xtask release\nRoot-Is-Purelib: false\n";
    [head.to_owned()].into_iter().chain(tags).collect()
}

fn metadata(version: &str) -> Result<String> {
    let readme = String::from_utf8(document("cli/README.md")?)?;
    Ok(format!(
        "Metadata-Version: 2.4\nName: {CLI}\nVersion: {version}\n\
         Summary: Shows, checks and repairs deployments of kinesis-telemetry-extension, which delivers telemetry of Lambda functions to Kinesis\n\
         License-Expression: {}\n\
         License-File: LICENSE\nLicense-File: LICENSES.txt\nLicense-File: LICENSES-rust.html\n\
         Project-URL: Repository, {}\nKeywords: aws,lambda,kinesis,telemetry,logs\n\
         Description-Content-Type: text/markdown\n\n{readme}",
        env!("CARGO_PKG_LICENSE"),
        links::REPOSITORY,
    ))
}

#[cfg(test)]
mod tests {
    use extension_spec::deployment::Architecture;

    use super::{name, zip};
    use crate::commands::package::Notices;
    use crate::commands::release::cli::{Platform, Program, linux};
    use crate::support::shell::{self, shell};

    fn program(platform: Platform) -> Program {
        let [licences, of_rust, sbom] = ["licences", "rust", "{}"].map(str::to_owned);
        Program { platform, bytes: b"program".into(), notices: Notices { licences, of_rust, sbom } }
    }

    #[test]
    fn a_wheel_is_named_after_every_platform_that_it_runs_on() {
        assert_eq!(
            name("2.1.0", &linux(Architecture::Arm64)),
            "kinesis_telemetry-2.1.0-py3-none-manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64.whl"
        );
    }

    #[test]
    #[ignore = "needs Python 3: cargo xtask test"]
    fn pip_installs_a_wheel_and_its_program_is_executable() {
        let folder = tempfile::tempdir().unwrap();
        let own = crate::tools::build::own_architecture().unwrap();
        let wheel = folder.path().join(name("2.1.0", &linux(own)));
        std::fs::write(&wheel, zip("2.1.0", &program(linux(own))).unwrap()).unwrap();
        let (shell, into) = (shell().unwrap(), folder.path().join("venv"));
        shell::read(xshell::cmd!(shell, "python3 -m venv {into}")).unwrap();
        let pip = into.join("bin/pip");
        // pip refuses names and tags that do not fit the file's name.
        shell::read(xshell::cmd!(shell, "{pip} install --quiet --no-index --no-deps {wheel}"))
            .unwrap();
        let shown =
            shell::read(xshell::cmd!(shell, "{pip} show --files kinesis-telemetry")).unwrap();
        assert!(shown.contains("Version: 2.1.0\n"), "{shown}");
        assert!(shown.contains("sboms/kinesis-telemetry.cdx.json"), "{shown}");
        let installed = std::fs::metadata(into.join("bin/kinesis-telemetry")).unwrap();
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&installed.permissions()) & 0o777,
            0o755
        );
    }
}
