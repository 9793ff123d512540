//! Makes a zip that Lambda accepts, with the same bytes each time. Pure.
//!
//! The rules: Lambda Developer Guide, "Packaging your layer content" and "Lambda quotas".

use std::io::{Cursor, Write};

use anyhow::{Context, Result, bail};
use flate2::Compression;
use flate2::write::DeflateEncoder;
use rawzip::time::UtcDateTime;
use rawzip::{CompressionMethod, ZipArchiveWriter};

/// The largest size of a function and its layers, unpacked, in bytes.
const UNPACKED_MAX: usize = 262_144_000;
/// The largest zip that can be uploaded directly, not through S3, in bytes.
const ZIP_MAX: usize = 50 * 1024 * 1024;

/// The type of a regular file in a Unix mode.
const REGULAR: u32 = 0o100_000;
/// 1980, the oldest time that a zip can store, in seconds since 1970. With the current time, every zip would differ.
const TIME: i64 = 315_532_800;

/// A file of the zip.
#[derive(Clone)]
pub(crate) struct Entry<'a> {
    path: String,
    bytes: &'a [u8],
    mode: u32,
}

impl<'a> Entry<'a> {
    /// Lambda takes the mode from the zip. A program without the execute bit would break every function.
    pub(crate) fn program(path: &str, bytes: &'a [u8]) -> Self {
        Self { path: path.to_owned(), bytes, mode: 0o755 }
    }

    /// Returns the mode and the path, such as `644:share/…`, for the program that checks the zip.
    pub(crate) fn expected(&self) -> String {
        format!("{:o}:{}", self.mode, self.path)
    }

    pub(crate) fn text(path: &str, bytes: &'a [u8]) -> Self {
        Self { path: path.to_owned(), bytes, mode: 0o644 }
    }
}

/// Packs the files in the order given.
pub(crate) fn zip(entries: &[Entry<'_>]) -> Result<Vec<u8>> {
    let unpacked: usize = entries.iter().map(|entry| entry.bytes.len()).sum();
    if unpacked > UNPACKED_MAX {
        bail!(
            "the layer unpacks to {unpacked} bytes, and Lambda takes {UNPACKED_MAX} with the function: make it smaller"
        );
    }
    let mut archive = ZipArchiveWriter::new(Cursor::new(Vec::new()));
    for entry in entries {
        add(&mut archive, entry).with_context(|| format!("{} cannot be packed", entry.path))?;
    }
    let zip = archive.finish().context("the zip cannot be finished")?.into_inner();
    if zip.len() > ZIP_MAX {
        bail!(
            "the layer's zip has {} bytes, and Lambda takes {ZIP_MAX}: make it smaller",
            zip.len()
        );
    }
    Ok(zip)
}

fn add(archive: &mut ZipArchiveWriter<impl Write>, entry: &Entry<'_>) -> Result<()> {
    let file = archive.new_file(entry.path.as_str());
    let file = file.compression_method(CompressionMethod::DEFLATE);
    let file = file.last_modified(UtcDateTime::from_unix(TIME));
    let (mut packed, checked) = file.unix_permissions(REGULAR | entry.mode).start()?;
    let mut writer = checked.wrap(DeflateEncoder::new(&mut packed, Compression::best()));
    writer.write_all(entry.bytes)?;
    let (deflate, sums) = writer.finish()?;
    deflate.finish()?;
    packed.finish(sums)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Entry, zip};

    #[test]
    fn the_same_files_give_the_same_bytes() {
        let text = "text ".repeat(1000);
        let pack = || {
            zip(&[
                Entry::program("extensions/x", b"program"),
                Entry::text("share/y", text.as_bytes()),
            ])
        };
        let packed = pack().unwrap();
        assert_eq!(packed, pack().unwrap());
        assert!(packed.len() < 600, "{}", packed.len());
    }

    #[test]
    fn what_lambda_would_not_take_is_refused_with_the_rule() {
        let large = vec![0; super::UNPACKED_MAX + 1];
        let error = zip(&[Entry::text("share/y", &large)]).unwrap_err().to_string();
        assert!(error.contains("Lambda takes 262144000 with the function"), "{error}");
    }
}
