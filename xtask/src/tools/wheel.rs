//! Reads wheels, the archives in which Python packages are published, without installing them. Pure.

use std::io::Read as _;

use anyhow::{Context, Result, bail};
use flate2::bufread::DeflateDecoder;
use rawzip::{CompressionMethod, ZipArchive, ZipSliceArchive};

fn open(wheel: &[u8]) -> Result<ZipSliceArchive<&[u8]>> {
    ZipArchive::from_slice(wheel)
        .context("the file is not a wheel, or is damaged: download it again")
}

/// Returns the paths of all files of a wheel.
pub(crate) fn paths(wheel: &[u8]) -> Result<Vec<String>> {
    let archive = open(wheel)?;
    let mut entries = archive.entries();
    let mut paths = Vec::new();
    while let Some(entry) = entries.next_entry()? {
        paths.push(String::from_utf8_lossy(entry.file_path().as_bytes()).into_owned());
    }
    Ok(paths)
}

/// Returns one file of a wheel. Fails if its checksum is wrong.
pub(crate) fn unpacked(wheel: &[u8], path: &str) -> Result<Vec<u8>> {
    let archive = open(wheel)?;
    let mut entries = archive.entries();
    while let Some(entry) = entries.next_entry()? {
        if entry.file_path().as_bytes() != path.as_bytes() {
            continue;
        }
        let packed = archive.get_entry(entry.wayfinder())?;
        let mut bytes = Vec::new();
        let done = match entry.compression_method() {
            CompressionMethod::DEFLATE => {
                packed.verifying_reader(DeflateDecoder::new(packed.data())).read_to_end(&mut bytes)
            }
            CompressionMethod::STORE => {
                packed.verifying_reader(packed.data()).read_to_end(&mut bytes)
            }
            _ => bail!("{path} is packed in a way that is not expected"),
        };
        done.with_context(|| format!("{path} of the wheel is damaged"))?;
        return Ok(bytes);
    }
    bail!("the package holds no {path} any more")
}

/// Returns a wheel of these files, for tests.
#[cfg(test)]
pub(crate) fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
    use std::io::Write as _;

    let mut archive = rawzip::ZipArchiveWriter::new(Vec::new());
    for (path, bytes) in files {
        let file = archive.new_file(path).compression_method(CompressionMethod::DEFLATE);
        let (mut packed, sums) = file.start().unwrap();
        let deflate = flate2::write::DeflateEncoder::new(&mut packed, flate2::Compression::fast());
        let mut writer = sums.wrap(deflate);
        writer.write_all(bytes).unwrap();
        let (deflate, sums) = writer.finish().unwrap();
        deflate.finish().unwrap();
        packed.finish(sums).unwrap();
    }
    archive.finish().unwrap()
}

#[cfg(test)]
mod tests {
    use super::{packed, paths, unpacked};

    #[test]
    fn one_file_of_a_wheel_is_unpacked() {
        let wheel = packed(&[("a/x", b"other"), ("a/program", b"the program")]);
        assert_eq!(paths(&wheel).unwrap(), ["a/x", "a/program"]);
        assert_eq!(unpacked(&wheel, "a/program").unwrap(), b"the program");
    }

    #[test]
    fn a_file_that_a_newer_wheel_has_no_more_is_named() {
        let error = unpacked(&packed(&[("a/x", b"other")]), "a/program").unwrap_err().to_string();
        assert_eq!(error, "the package holds no a/program any more");
    }

    #[test]
    fn a_file_that_is_damaged_is_refused() {
        let mut wheel = packed(&[("program", b"the program")]);
        let at = wheel.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
        // The checksum in the directory.
        wheel[at + 16] ^= 1;
        unpacked(&wheel, "program").unwrap_err();
    }

    #[test]
    fn a_file_that_is_no_zip_is_refused() {
        let error = paths(b"<html>").unwrap_err().to_string();
        assert_eq!(error, "the file is not a wheel, or is damaged: download it again");
    }
}
