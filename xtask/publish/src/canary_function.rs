//! The code of the function that verifies a layer: one file that answers every event.

use anyhow::Result;
use rawzip::{CompressionMethod, ZipArchiveWriter};

/// The handler, as Lambda names it.
pub(crate) const HANDLER: &str = "index.handler";
const FILE: &str = "index.mjs";
const CODE: &[u8] = b"export const handler = async () => 'ok';\n";
/// A regular file that all may read.
const MODE: u32 = 0o100_644;

/// Returns the zip of the function.
pub(crate) fn zip() -> Result<Vec<u8>> {
    let mut archive = ZipArchiveWriter::new(Vec::new());
    let file = archive.new_file(FILE).compression_method(CompressionMethod::STORE);
    let (mut stored, sums) = file.unix_permissions(MODE).start()?;
    let mut writer = sums.wrap(&mut stored);
    std::io::Write::write_all(&mut writer, CODE)?;
    let (_, sums) = writer.finish()?;
    stored.finish(sums)?;
    Ok(archive.finish()?)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_zip_holds_the_file_of_the_handler() {
        let zip = super::zip().unwrap();
        let archive = rawzip::ZipArchive::from_slice(&zip).unwrap();
        let mut entries = archive.entries();
        let entry = entries.next_entry().unwrap().unwrap();
        assert_eq!(entry.file_path().as_bytes(), super::FILE.as_bytes());
        assert_eq!(archive.get_entry(entry.wayfinder()).unwrap().data(), super::CODE);
        assert!(super::FILE.starts_with(super::HANDLER.split('.').next().unwrap()));
    }
}
