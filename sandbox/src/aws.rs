//! The wire formats that AWS services share.

use hyper::Request;
use md5::{Digest as _, Md5};

use crate::http::header;

/// Returns the access key id that signed a request. The signature itself is not checked here.
pub(crate) fn access_key_id<B>(request: &Request<B>) -> Option<&str> {
    let signature = header(request, "authorization")?;
    let credential = signature.split("Credential=").nth(1)?;
    credential.split('/').next().filter(|id| !id.is_empty())
}

/// Returns the MD5 digest by which AWS states what it received, in hexadecimal.
pub(crate) fn md5(bytes: &[u8]) -> String {
    format!("{:032x}", md5_number(bytes))
}

/// Returns the MD5 digest as a big-endian number.
pub(crate) fn md5_number(bytes: &[u8]) -> u128 {
    u128::from_be_bytes(Md5::digest(bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_access_key_id_stands_before_the_scope_of_the_signature() {
        let id = |authorization: &str| {
            let request =
                Request::get("/").header("authorization", authorization).body(()).unwrap();
            access_key_id(&request).map(str::to_owned)
        };
        let signed = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/kinesis/aws4_request, \
                      SignedHeaders=host;x-amz-date, Signature=5d672d79";
        assert_eq!(id(signed).as_deref(), Some("AKIDEXAMPLE"));
        assert_eq!(id("Bearer Credential"), None);
        assert_eq!(id("AWS4-HMAC-SHA256 Credential=/2015"), None);
    }

    #[test]
    fn digests_are_those_of_rfc_1321() {
        assert_eq!(md5(b""), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(md5(b"abc"), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(md5(b"a"), "0cc175b9c0f1b6a831c399e269772661", "leading zeros stay");
    }
}
