//! What the services of AWS have in common on the wire.

use hyper::Request;

use crate::http::header;

/// Who has signed a request: the access key id. Signatures themselves are not checked here.
pub(crate) fn access_key_id<B>(request: &Request<B>) -> Option<&str> {
    let signature = header(request, "authorization")?;
    let credential = signature.split("Credential=").nth(1)?;
    credential.split('/').next().filter(|id| !id.is_empty())
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
}
