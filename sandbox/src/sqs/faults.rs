//! Faults of the queue, with the error codes of SQS.
//!
//! Source: SQS API reference, `SendMessageBatch`, "Errors" and `BatchResultErrorEntry`; the service's model for the names
//! of the older protocol.

/// The treatment of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Accepts the request.
    None,
    /// Rejects these entries, by index, and accepts the others.
    FailEntries {
        /// The indices of the entries.
        indices: Vec<usize>,
        /// The error code of each entry.
        code: &'static str,
        /// True if the sender is at fault, so that a retry cannot succeed.
        sender_fault: bool,
    },
    /// The whole request fails.
    Fail(u16, &'static str, &'static str),
    /// The messages are accepted, and the connection is closed without an answer.
    TakeAndVanish,
    /// The request is never answered.
    Silence,
}

impl Fault {
    /// These entries fail, and may be sent again.
    pub fn internal(indices: impl Into<Vec<usize>>) -> Self {
        Self::FailEntries { indices: indices.into(), code: "InternalError", sender_fault: false }
    }

    /// These entries fail, and will whenever they are sent.
    pub fn invalid(indices: impl Into<Vec<usize>>) -> Self {
        let code = "InvalidParameterValue";
        Self::FailEntries { indices: indices.into(), code, sender_fault: true }
    }

    /// Fails the request because the queue does not exist.
    pub const fn missing() -> Self {
        Self::Fail(400, "QueueDoesNotExist", "The specified queue does not exist.")
    }

    /// The role lacks the permission.
    pub const fn denied() -> Self {
        Self::Fail(
            403,
            "AccessDenied",
            "User is not authorized to perform: sqs:sendmessage because no identity-based policy allows it",
        )
    }

    /// The queue is throttled.
    pub const fn throttled() -> Self {
        Self::Fail(400, "RequestThrottled", "The request was denied due to request throttling.")
    }

    /// KMS throttles the use of the queue's key.
    pub const fn kms_throttled() -> Self {
        Self::Fail(400, "KmsThrottled", "The request was denied due to request throttling.")
    }

    /// The service is unavailable.
    pub const fn unavailable() -> Self {
        Self::Fail(503, "ServiceUnavailable", "the service is down")
    }
}

/// Returns the error of an entry.
pub(super) fn message(code: &str) -> &'static str {
    match code {
        "InvalidMessageContents" => "Invalid characters were found in the message body.",
        "MissingParameter" => "The request must contain the parameter MessageBody.",
        "InvalidParameterValue" => "Value for a parameter is invalid.",
        _ => "An internal error occurred.",
    }
}

/// Returns the error code of the protocol before JSON. The SDKs still read it.
pub(super) fn query_name(code: &str) -> String {
    match code {
        "QueueDoesNotExist" => "AWS.SimpleQueueService.NonExistentQueue".to_owned(),
        "TooManyEntriesInBatchRequest"
        | "EmptyBatchRequest"
        | "BatchEntryIdsNotDistinct"
        | "BatchRequestTooLong"
        | "InvalidBatchEntryId" => format!("AWS.SimpleQueueService.{code}"),
        "KmsThrottled" => "KMS.ThrottlingException".to_owned(),
        "KmsAccessDenied" => "KMS.AccessDeniedException".to_owned(),
        "KmsDisabled" => "KMS.DisabledException".to_owned(),
        code => code.to_owned(),
    }
}
