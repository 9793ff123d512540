//! Archives of a release, the same bytes each time.

use anyhow::{Context, Result};
use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};

/// A `.tar.gz` in the making.
pub(super) struct Archive {
    tar: tar::Builder<GzEncoder<Vec<u8>>>,
    /// The folder within, in which all files are.
    folder: String,
    /// The time of every file, in seconds.
    time: u64,
}

impl Archive {
    /// Begins an archive whose files are in one folder, and all of one time.
    pub(super) fn new(folder: impl Into<String>, time: u64) -> Self {
        let packed = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
        Self { tar: tar::Builder::new(packed), folder: folder.into(), time }
    }

    /// Adds a file.
    pub(super) fn add(&mut self, path: &str, mode: u32, bytes: &[u8]) -> Result<()> {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(mode);
        header.set_mtime(self.time);
        self.tar
            .append_data(&mut header, format!("{}/{path}", self.folder), bytes)
            .with_context(|| format!("{path} cannot be packed"))
    }

    /// Returns the bytes of the archive.
    pub(super) fn finish(self) -> Result<Vec<u8>> {
        self.tar.into_inner().and_then(GzEncoder::finish).context("the archive cannot be finished")
    }
}
