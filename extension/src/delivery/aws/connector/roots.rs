//! The certificate authorities that are trusted.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// The certificate authorities that are trusted.
#[derive(Debug)]
pub struct Roots(pub(super) RootCertStore);

impl Roots {
    /// Mozilla's list, compiled in: parsing the system's would cost more than everything else before the first record.
    pub fn compiled_in() -> Self {
        Self(webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect())
    }

    /// Those of a PEM file, as `AWS_CA_BUNDLE` names it, instead.
    pub fn from_pem_file(path: &str) -> Result<Self, String> {
        let failed = |error: &dyn std::fmt::Display| {
            format!("cannot read certificates from {path:?}: {error}")
        };
        let certificates = CertificateDer::pem_file_iter(path).map_err(|error| failed(&error))?;
        let mut roots = RootCertStore::empty();
        // A bundle may well hold one that rustls does not know what to make of; the others count.
        roots.add_parsable_certificates(certificates.filter_map(Result::ok));
        if roots.is_empty() {
            return Err(failed(&"it holds none"));
        }
        Ok(Self(roots))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_that_cannot_be_used_is_named() {
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
        assert!(error.contains("it holds none"), "{error}");
    }
}
