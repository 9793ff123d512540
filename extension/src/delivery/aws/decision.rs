//! Decides what an error of a service calls for.
//!
//! The table follows the Kinesis API reference, `PutRecords`, "Errors", and the AWS "Common Error Types".

mod denial;

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{DispatchFailure, SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::delivery::aws::{causes, text};
use crate::pack::sink::{Decision, Failure, Trouble};

/// The maximum length of an error code in messages, in characters. AWS's own codes have at most 60.
const CODE: usize = 100;
/// The maximum length of the causes of a connection error in messages, in characters.
const CAUSES: usize = 500;
/// The maximum length of a quoted response that is not from AWS, in characters.
const BODY: usize = 200;

/// The service that was called, for messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Service<'a> {
    /// The name of the service.
    pub name: &'static str,
    /// The kind of resource: a stream, a queue.
    pub kind: &'static str,
    /// The name of the resource.
    pub resource: &'a str,
    /// The action that the function's role must allow.
    pub permission: &'static str,
    /// The variable that names the resource.
    pub setting: &'static str,
    /// The name of the service's VPC endpoints.
    pub endpoint: &'static str,
    /// True if expired credentials can be replaced.
    pub is_renewable: bool,
}

/// Returns the decision on a call that failed as a whole.
pub(crate) fn of_call<E>(error: &SdkError<E, HttpResponse>, service: &Service<'_>) -> Failure
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let name = service.name;
    let status = error.raw_response().map(|response| response.status().as_u16());
    match error {
        SdkError::ServiceError(_) | SdkError::ResponseError(_) => {
            let code = error.code().filter(|code| !code.trim().is_empty());
            let message = error.message().filter(|text| !text.trim().is_empty());
            let decision = of_code(code, message, status);
            let kind = code.map_or_else(
                || format!("HTTP status {}", status.unwrap_or(0)),
                |code| text::clean(code, CODE),
            );
            let details = message.map_or_else(
                || body(error).unwrap_or_else(|| "no message".to_owned()),
                |message| shorten(code, message),
            );
            let remedy = match code {
                None if (300..500).contains(&status.unwrap_or_default()) && message.is_none() => {
                    "; this answer is not from AWS: check the proxy, the VPC endpoint and AWS_ENDPOINT_URL".to_owned()
                }
                code => remedy(code, message, decision, service),
            };
            Failure { decision, trouble: Trouble::new(kind).with(format!("{details}{remedy}")) }
        }
        SdkError::DispatchFailure(failure) if failure.is_io() || failure.is_timeout() => {
            Failure { decision: Decision::Reconnect, trouble: unreachable(name, failure) }
        }
        SdkError::TimeoutError(_) => Failure {
            decision: Decision::Reconnect,
            trouble: Trouble::new(format!("cannot reach {name}")).with("timeout"),
        },
        // An endpoint without credentials now may have some a moment later.
        _ => Failure {
            decision: if has_no_credentials_yet(error) {
                Decision::BackOff
            } else {
                Decision::Configuration
            },
            trouble: Trouble::new(format!("cannot call {name}")).with(chain(&causes::of(error))),
        },
    }
}

/// Returns why a service rejected one item of a request, and what to do about it.
pub(crate) fn of_item(
    kind: &'static str,
    code: &str,
    message: Option<&str>,
    service: &Service<'_>,
) -> Trouble {
    let text = message.map_or_else(|| "no message".to_owned(), |it| shorten(Some(code), it));
    let remedy = remedy(Some(code), message, Decision::BackOff, service);
    Trouble::new(kind).with(format!("{} ({text}){remedy}", text::clean(code, CODE)))
}

/// Returns the start of a response that names no error, or why the response could not be read.
fn body<E>(error: &SdkError<E, HttpResponse>) -> Option<String>
where
    E: Error + 'static,
{
    let Some(bytes) = error.raw_response()?.body().bytes() else {
        return Some(chain(&causes::of(error)));
    };
    let begin = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * BODY)]);
    let begin: String = text::clean(&begin, 4 * BODY).chars().take(BODY).collect();
    (!begin.is_empty()).then_some(begin)
}

fn has_no_credentials_yet(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if matches!(error.downcast_ref(), Some(CredentialsError::ProviderError(_))) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Returns the decision on a request that could not be built.
pub(crate) fn of_request(error: &dyn Error) -> Failure {
    Failure { decision: Decision::Shrink, trouble: Trouble::new(error.to_string()) }
}

/// Returns what a response calls for. The code decides; if one code has two causes, the message does; if the code is
/// unknown, the HTTP status does.
fn of_code(code: Option<&str>, message: Option<&str>, status: Option<u16>) -> Decision {
    if code.is_some_and(|code| is_outdated(code, message.unwrap_or_default())) {
        return Decision::Sign;
    }
    if code.is_some_and(is_expired) {
        return Decision::Renew;
    }
    // SQS has two names for its errors. The older ones include `KMS.ThrottlingException`.
    if code.is_some_and(|code| code.contains("Throttl")) {
        return Decision::BackOff;
    }
    match (code.unwrap_or_default(), status.unwrap_or_default()) {
        (
            "ProvisionedThroughputExceededException"
            | "LimitExceededException"
            | "RequestLimitExceeded"
            | "TooManyRequestsException"
            | "SlowDown"
            | "InternalFailure"
            | "InternalFailureException"
            | "ServiceUnavailable"
            | "ServiceUnavailableException"
            | "RequestTimeout",
            _,
        )
        | ("", 0)
        | (_, 408 | 429 | 500..) => Decision::BackOff,
        (
            "InvalidArgumentException"
            | "ValidationException"
            | "SerializationException"
            | "RequestEntityTooLarge"
            | "BatchRequestTooLong"
            | "AWS.SimpleQueueService.BatchRequestTooLong"
            | "InvalidMessageContents"
            | "InvalidParameterValue",
            _,
        )
        | (_, 413) => Decision::Shrink,
        // A response 200 with an invalid body did not come from Kinesis, or was cut off.
        (_, 200) => Decision::Reconnect,
        _ => Decision::Configuration,
    }
}

/// Returns what a person can do about an error.
fn remedy(
    code: Option<&str>,
    message: Option<&str>,
    decision: Decision,
    service: &Service<'_>,
) -> String {
    let Service { kind, resource, setting, is_renewable, .. } = service;
    let (code, message) = (code.unwrap_or_default(), message.unwrap_or_default());
    if decision == Decision::Sign {
        return "; the clock of this environment differs from AWS's, or the request was delayed: \
                the extension signs and sends it again"
            .to_owned();
    }
    let key = code.strip_prefix("KMS").or_else(|| code.strip_prefix("Kms"));
    let key = key.map(|code| code.trim_start_matches('.').trim_end_matches("Exception"));
    if is_denial(code) || denial::Denial::read(message).is_some() {
        return denial::remedy(message, key.is_some(), service);
    }
    match key {
        Some("NotFound") => {
            return format!(
                "; the KMS key of {resource:?} does not exist: choose another one for the {kind}"
            );
        }
        Some("Disabled" | "InvalidState") => {
            return format!("; enable the KMS key of {resource:?}");
        }
        Some(code) if !code.contains("Throttl") => {
            return format!("; check the KMS key of {resource:?}");
        }
        _ => {}
    }
    match code {
        "ResourceNotFoundException" | "QueueDoesNotExist" | "AWS.SimpleQueueService.NonExistentQueue" => {
            format!("; create the {kind} {resource:?}, or correct {setting}")
        }
        code if is_expired(code) && !is_renewable => {
            "; credentials in variables cannot be renewed: Lambda gives new ones only to a new environment"
                .to_owned()
        }
        code if is_expired(code) => "; new credentials were rejected as well".to_owned(),
        code if is_about_signatures(code) => "; check AWS_SECRET_ACCESS_KEY".to_owned(),
        _ => String::new(),
    }
}

/// True if a code means a missing permission, whatever the service or its protocol calls it.
fn is_denial(code: &str) -> bool {
    ["AccessDenied", "NotAuthorized", "Unauthorized", "AuthorizationError"]
        .iter()
        .any(|name| code.contains(name))
}

fn is_expired(code: &str) -> bool {
    matches!(
        code,
        "ExpiredTokenException"
            | "ExpiredToken"
            | "UnrecognizedClientException"
            | "InvalidClientTokenId"
    )
}

/// Returns a service's message, short enough for a log. Rejections of a signature quote the signed request with its
/// token after their first line, so only that line is kept.
fn shorten(code: Option<&str>, message: &str) -> String {
    let is_quoted = code.is_some_and(is_about_signatures);
    let first_line = || message.lines().next().unwrap_or_default();
    denial::shorten(if is_quoted { first_line() } else { message })
}

/// Joins causes in one line.
fn chain(causes: &[String]) -> String {
    text::clean(&causes.join(": "), CAUSES)
}

/// Describes where the connection was to go, and why it failed.
fn unreachable(name: &str, failure: &DispatchFailure) -> Trouble {
    let error = failure.as_connector_error();
    let causes = error.map_or_else(Vec::new, |error| causes::of(error));
    let remedy = error.map_or("", |error| causes::certificate_remedy(error));
    let at = |place| format!("cannot reach {name} at {}", text::clean(place, BODY));
    match causes.split_first() {
        None => Trouble::new(format!("cannot reach {name}")),
        Some((place, [])) => Trouble::new(at(place)),
        Some((place, rest)) => Trouble::new(at(place)).with(chain(rest) + remedy),
    }
}

fn is_about_signatures(code: &str) -> bool {
    let code = code.strip_suffix("Exception").unwrap_or(code);
    matches!(
        code,
        "InvalidSignature" | "SignatureDoesNotMatch" | "IncompleteSignature" | "AuthFailure"
    )
}

/// True if AWS rejects a signature only because of its time.
///
/// The codes are those that AWS's SDKs treat as clock skew. General codes for signatures also mean a wrong key; for
/// them the message decides: "Signature expired: … is now earlier than …", "Signature not yet current: …".
fn is_outdated(code: &str, message: &str) -> bool {
    let short = code.strip_suffix("Exception").unwrap_or(code);
    if matches!(
        short,
        "RequestExpired" | "RequestTimeTooSkewed" | "RequestInTheFuture" | "SignatureExpired"
    ) {
        return true;
    }
    let message = message.lines().next().unwrap_or_default().to_ascii_lowercase();
    let mentions = |text: &str| message.contains(text);
    is_about_signatures(code)
        && (mentions("expired")
            || mentions("not yet current")
            || mentions("is now ")
            || mentions("skewed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_error_has_its_decision() {
        for (code, status, expected) in [
            ("ProvisionedThroughputExceededException", 400, Decision::BackOff),
            ("KMSThrottlingException", 400, Decision::BackOff),
            ("InternalFailureException", 500, Decision::BackOff),
            ("ServiceUnavailable", 503, Decision::BackOff),
            ("DryRunOperationException", 400, Decision::Configuration),
            ("RequestThrottled", 403, Decision::BackOff),
            ("KmsThrottled", 400, Decision::BackOff),
            ("BatchRequestTooLong", 400, Decision::Shrink),
            ("QueueDoesNotExist", 400, Decision::Configuration),
            ("EmptyBatchRequest", 400, Decision::Configuration),
            ("TooManyEntriesInBatchRequest", 400, Decision::Configuration),
            ("BatchEntryIdsNotDistinct", 400, Decision::Configuration),
            ("InvalidBatchEntryId", 400, Decision::Configuration),
            ("InvalidAddress", 400, Decision::Configuration),
            ("InvalidSecurity", 400, Decision::Configuration),
            ("UnsupportedOperation", 400, Decision::Configuration),
            ("KmsAccessDenied", 400, Decision::Configuration),
            ("KmsDisabled", 400, Decision::Configuration),
            ("KmsInvalidKeyUsage", 400, Decision::Configuration),
            ("KmsInvalidState", 400, Decision::Configuration),
            ("KmsNotFound", 400, Decision::Configuration),
            ("KmsOptInRequired", 400, Decision::Configuration),
            ("KMS.ThrottlingException", 400, Decision::BackOff),
            ("AWS.SimpleQueueService.NonExistentQueue", 400, Decision::Configuration),
            ("AWS.SimpleQueueService.BatchRequestTooLong", 400, Decision::Shrink),
            ("Throttling", 400, Decision::BackOff),
            ("ResourceNotFoundException", 400, Decision::Configuration),
            ("AccessDeniedException", 400, Decision::Configuration),
            ("KMSDisabledException", 400, Decision::Configuration),
            ("KMSInvalidStateException", 400, Decision::Configuration),
            ("KMSAccessDeniedException", 400, Decision::Configuration),
            ("KMSNotFoundException", 400, Decision::Configuration),
            ("KMSOptInRequired", 400, Decision::Configuration),
            ("ExpiredTokenException", 400, Decision::Renew),
            ("UnrecognizedClientException", 400, Decision::Renew),
            ("InvalidArgumentException", 400, Decision::Shrink),
            ("RequestEntityTooLarge", 413, Decision::Shrink),
        ] {
            assert_eq!(of_code(Some(code), None, Some(status)), expected, "{code}");
        }
    }

    #[test]
    fn an_outdated_signature_differs_from_a_wrong_key() {
        let expired = "Signature expired: 20261128T120000Z is now earlier than 20261128T120730Z (20261128T121230Z - 5 min.)";
        let early =
            "Signature not yet current: 20261128T121730Z is still later than 20261128T121230Z";
        let mismatch = "The request signature we calculated does not match the signature you \
                        provided. Check your AWS Secret Access Key and signing method.\n\n\
                        x-amz-date:expired";
        let code = |code, text| of_code(Some(code), Some(text), Some(403));
        for signature in [
            "InvalidSignatureException",
            "SignatureDoesNotMatch",
            "InvalidSignature",
            "AuthFailure",
        ] {
            assert_eq!(code(signature, expired), Decision::Sign, "{signature}");
            assert_eq!(code(signature, early), Decision::Sign, "{signature}");
            assert_eq!(code(signature, mismatch), Decision::Configuration, "{signature}");
        }
        for outdated in [
            "RequestExpired",
            "RequestExpiredException",
            "RequestTimeTooSkewed",
            "RequestTimeTooSkewedException",
            "RequestInTheFuture",
        ] {
            assert_eq!(code(outdated, ""), Decision::Sign, "{outdated}");
        }
        assert_eq!(code("ExpiredTokenException", expired), Decision::Renew);
    }

    #[test]
    fn a_service_message_is_cut_before_it_quotes_our_request() {
        let signature = Some("InvalidSignatureException");
        let text = "The signature does not match.\n\nThe Canonical String should have been\n'x-amz-security-token:secret'";
        assert_eq!(shorten(signature, text), "The signature does not match.");
        let expired = "Signature expired: 20261128T000000Z is now earlier than 20261128T000500Z";
        assert_eq!(shorten(signature, expired), expired);
        assert_eq!(shorten(None, &"é".repeat(1_000)).chars().count(), 300);
    }

    #[test]
    fn an_unknown_error_is_judged_by_its_status() {
        assert_eq!(of_code(None, None, Some(413)), Decision::Shrink);
        assert_eq!(of_code(None, None, Some(429)), Decision::BackOff);
        assert_eq!(of_code(Some("Tomorrow"), None, Some(502)), Decision::BackOff);
        assert_eq!(of_code(Some("Tomorrow"), None, Some(400)), Decision::Configuration);
        assert_eq!(of_code(None, None, Some(200)), Decision::Reconnect);
    }
}
