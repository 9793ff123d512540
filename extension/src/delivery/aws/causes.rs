//! Describes the causes of an error.

use std::error::Error;
use std::io;

use rustls::CertificateError;

/// Returns the causes of an error, from the outside in. The outermost error itself adds nothing unless it is the only
/// one.
pub(super) fn of(error: &dyn Error) -> Vec<String> {
    let causes = std::iter::successors(error.source(), |error| (*error).source());
    let causes: Vec<String> = causes.map(ToString::to_string).collect();
    if causes.is_empty() { vec![error.to_string()] } else { causes }
}

/// Returns what to do about a rejected certificate; empty if the error has another cause.
pub(super) fn certificate_remedy(error: &(dyn Error + 'static)) -> &'static str {
    let Some(rustls::Error::InvalidCertificate(wrong)) = tls_error(error) else { return "" };
    match wrong {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "; the server's certificate has expired: renew it, or correct the clock"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "; the server's certificate is not valid yet: correct the clock"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "; the server's certificate is for another name: correct the endpoint"
        }
        _ => {
            "; the server's certificate is not from an authority that the extension trusts: set AWS_CA_BUNDLE to a PEM \
             file with the certificate of that authority"
        }
    }
}

/// Returns the TLS error among the causes of an error. An `io::Error` does not return the error it contains as its
/// source.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut chain = std::iter::successors(Some(error), |error| (*error).source());
    chain.find_map(|error| {
        let held = || error.downcast_ref::<io::Error>()?.get_ref();
        error.downcast_ref().or_else(|| held().and_then(|held| tls_error(held)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejected_certificate_has_a_remedy() {
        let refused = |why| {
            let tls = rustls::Error::InvalidCertificate(why);
            certificate_remedy(&io::Error::other(io::Error::other(tls)))
        };
        for why in [
            CertificateError::UnknownIssuer,
            CertificateError::BadSignature,
            CertificateError::InvalidPurpose,
        ] {
            assert!(refused(why.clone()).contains("set AWS_CA_BUNDLE"), "{why:?}");
        }
        assert!(refused(CertificateError::Expired).contains("has expired"));
        assert!(refused(CertificateError::NotValidYet).contains("clock"));
        assert!(refused(CertificateError::NotValidForName).contains("another name"));
        assert_eq!(certificate_remedy(&io::Error::other("reset")), "");
    }
}
