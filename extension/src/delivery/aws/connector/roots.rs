//! Loads the trusted certificate authorities.

use std::fs::OpenOptions;
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;

use extension_spec::printable;
use nix::fcntl::OFlag;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// The largest bundle that is read, in bytes. Those of Linux distributions have about 230 KB.
const MAX_BUNDLE: u64 = 4 * 1024 * 1024;

/// The certificate authorities that are trusted.
#[derive(Debug)]
pub struct Roots(pub(super) RootCertStore);

impl Roots {
    /// Returns Mozilla's list, which is compiled in. Parsing the system's list would take longer than everything else
    /// before the first record.
    pub fn compiled_in() -> Self {
        Self(webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect())
    }

    /// Returns the authorities of a PEM file, as `AWS_CA_BUNDLE` names it.
    pub fn from_pem_file(path: &str) -> Result<Self, String> {
        let failed = |error: &dyn std::fmt::Display| {
            format!("cannot read certificates from {:?}: {error}", printable(path))
        };
        let bundle = read(path).map_err(|error| failed(&error))?;
        let certificates = CertificateDer::pem_slice_iter(&bundle);
        let mut roots = RootCertStore::empty();
        // Certificates that rustls cannot parse are skipped; the others count.
        roots.add_parsable_certificates(certificates.filter_map(Result::ok));
        if roots.is_empty() {
            return Err(failed(&"it contains none"));
        }
        Ok(Self(roots))
    }
}

/// Reads a regular file. Opening or reading another kind of file, such as a FIFO, may block forever.
fn read(path: &str) -> Result<Vec<u8>, String> {
    let open = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path);
    let file = open.map_err(|error| error.to_string())?;
    let metadata = file.metadata().map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    let mut bundle = Vec::new();
    file.take(MAX_BUNDLE + 1).read_to_end(&mut bundle).map_err(|error| error.to_string())?;
    if bundle.len() as u64 > MAX_BUNDLE {
        return Err(format!("it has more than {MAX_BUNDLE} bytes"));
    }
    Ok(bundle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unusable_bundle_is_named() {
        let error = Roots::from_pem_file("/nowhere/ca.pem").unwrap_err();
        assert!(
            error.starts_with("cannot read certificates from \"/nowhere/ca.pem\": "),
            "{error}"
        );
        let empty =
            std::env::temp_dir().join(format!("empty-{}.pem", crate::base::random::new_instance()));
        std::fs::write(&empty, "no certificate").unwrap();
        let error = Roots::from_pem_file(empty.to_str().unwrap()).unwrap_err();
        std::fs::remove_file(&empty).unwrap();
        assert!(error.contains("it contains none"), "{error}");
    }

    #[test]
    fn a_bundle_that_is_not_a_regular_file_does_not_block() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("ca.pem");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        for path in [fifo.as_path(), folder.path(), "/dev/zero".as_ref()] {
            let error = Roots::from_pem_file(path.to_str().unwrap()).unwrap_err();
            assert!(error.ends_with("it is not a regular file"), "{error}");
        }
        let huge = folder.path().join("huge.pem");
        std::fs::File::create(&huge).unwrap().set_len(1 << 40).unwrap();
        let error = Roots::from_pem_file(huge.to_str().unwrap()).unwrap_err();
        assert!(error.contains("more than"), "{error}");
    }
}
