//! Compares a signed zip with the unsigned one. Pure.

use std::collections::BTreeMap;
use std::io::Read as _;

use anyhow::{Context as _, Result, bail};
use flate2::bufread::DeflateDecoder;
use rawzip::{CompressionMethod, ZipArchive};

/// The folder in which a signature lies.
const SIGNATURES: &str = "META-INF/";

/// Fails unless `signed` holds every file of `zip`, each with the same content, and apart from them signatures alone.
pub(super) fn check(zip: &[u8], signed: &[u8]) -> Result<()> {
    let mut signed = files(signed)?;
    for (path, file) in files(zip)? {
        match signed.remove(&path) {
            None => bail!("{path} is missing"),
            Some(other) if other != file => bail!("{path} was changed"),
            Some(_) => {}
        }
    }
    if let Some(path) = signed.keys().find(|it| !it.starts_with(SIGNATURES)) {
        bail!("{path} was added");
    }
    if signed.is_empty() {
        bail!("it has no signature");
    }
    Ok(())
}

/// Returns the content of each file, by path.
fn files(zip: &[u8]) -> Result<BTreeMap<String, Vec<u8>>> {
    let archive = ZipArchive::from_slice(zip).context("it is not a zip")?;
    let mut entries = archive.entries();
    let mut files = BTreeMap::new();
    while let Some(entry) = entries.next_entry()? {
        let path = String::from_utf8_lossy(entry.file_path().as_bytes()).into_owned();
        let packed = archive.get_entry(entry.wayfinder())?;
        let mut bytes = Vec::new();
        match entry.compression_method() {
            CompressionMethod::DEFLATE => {
                packed.verifying_reader(DeflateDecoder::new(packed.data())).read_to_end(&mut bytes)
            }
            CompressionMethod::STORE => {
                packed.verifying_reader(packed.data()).read_to_end(&mut bytes)
            }
            _ => bail!("{path} is packed in a way that is not expected"),
        }
        .with_context(|| format!("{path} is damaged"))?;
        if files.insert(path.clone(), bytes).is_some() {
            bail!("{path} is in it twice");
        }
    }
    Ok(files)
}
