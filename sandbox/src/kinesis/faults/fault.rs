//! The errors of the service, in its own words.
//!
//! Source: Kinesis API reference, `PutRecords`, "Errors" and `PutRecordsResultEntry`; AWS "Common Error Types".

use super::Fault;

/// The reason why one record is rejected while others of the same request are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The throughput of its shard is exceeded.
    Throughput,
    /// The service has an internal failure.
    Internal,
    /// Its shard's key cannot be used; the code, which is one of [`KMS_ERRORS`].
    Kms(&'static str),
}

impl Refusal {
    pub(in crate::kinesis) fn code(self) -> &'static str {
        match self {
            Self::Throughput => "ProvisionedThroughputExceededException",
            Self::Internal => "InternalFailure",
            Self::Kms(code) => code,
        }
    }

    /// Returns the error message of a record for this shard.
    pub(in crate::kinesis) fn message(self, shard: &str, stream: &str) -> String {
        match self {
            Self::Throughput => format!(
                "Rate exceeded for shard {shard} in stream {stream} under account 111122223333."
            ),
            Self::Internal => "Internal Service Failure".to_owned(),
            Self::Kms(code) => kms_message(code).to_owned(),
        }
    }
}

/// The errors of a stream that is encrypted with a customer managed key. The first is transient; the others end when
/// the owner repairs the key or its policy.
pub const KMS_ERRORS: [&str; 6] = [
    "KMSThrottlingException",
    "KMSDisabledException",
    "KMSInvalidStateException",
    "KMSAccessDeniedException",
    "KMSNotFoundException",
    "KMSOptInRequired",
];

fn kms_message(code: &str) -> &'static str {
    match code {
        "KMSThrottlingException" => "The request was denied due to request throttling.",
        "KMSDisabledException" => {
            "The request was rejected because the specified customer master key (CMK) isn't enabled."
        }
        "KMSInvalidStateException" => {
            "The request was rejected because the state of the specified resource isn't valid for this request."
        }
        "KMSAccessDeniedException" => {
            "The ciphertext references a key that doesn't exist or that you don't have access to."
        }
        "KMSNotFoundException" => {
            "The request was rejected because the specified entity or resource can't be found."
        }
        _ => "The AWS access key ID needs a subscription for the service.",
    }
}

/// Requests that fail as a whole.
impl Fault {
    /// The stream is throttled. This is transient.
    pub const fn throttled() -> Self {
        Self::Fail(
            400,
            "ProvisionedThroughputExceededException",
            "Rate exceeded for stream under account 111122223333.",
        )
    }

    /// The service has an internal failure. This is transient.
    pub const fn internal_failure() -> Self {
        Self::Fail(500, "InternalFailureException", "Internal Service Failure")
    }

    /// The service is unavailable. This is transient.
    pub const fn unavailable() -> Self {
        Self::Fail(503, "ServiceUnavailable", "the service is down")
    }

    /// The stream's key cannot be used; the code is one of [`KMS_ERRORS`].
    pub fn kms(code: &'static str) -> Self {
        Self::Fail(400, code, kms_message(code))
    }

    /// The body is too large for a proxy on the way. A request with fewer records would succeed.
    pub const fn too_large() -> Self {
        Self::Fail(413, "RequestEntityTooLarge", "the body is too large")
    }

    /// Fails the request because the stream does not exist.
    pub const fn missing() -> Self {
        Self::Fail(400, "ResourceNotFoundException", "Stream under account 111122223333 not found.")
    }

    /// The role lacks the permission.
    pub const fn denied() -> Self {
        Self::Fail(
            400,
            "AccessDeniedException",
            "User is not authorized to perform: kinesis:PutRecords because no identity-based policy allows it",
        )
    }

    /// The credentials have expired.
    pub const fn expired() -> Self {
        Self::Fail(
            400,
            "ExpiredTokenException",
            "The security token included in the request is expired",
        )
    }
}
