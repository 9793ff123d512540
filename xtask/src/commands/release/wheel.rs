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
