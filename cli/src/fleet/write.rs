//! What an error of a service calls for.

use std::error::Error;
use std::fmt::Debug;

use aws_sdk_lambda::config::http::HttpResponse;
use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use kinesis_telemetry_stream::{Aws, is_denied, is_of_credentials};

use super::paced::is_transient;
use super::reason::{Reason, Why};

/// What to do after a call has failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Read the function again, and plan again: others have changed it, so the call was refused.
    Changed,
    /// Wait, read the function again, and plan again: it is unknown if the call changed it.
    Unknown,
    /// Wait, then read it again: another update is in progress.
    Wait,
    /// Leave this function.
    Leave(Why),
    /// Stop: every further call would fail in the same way.
    Stop(Why),
}

impl Verdict {
    /// Returns the reason for which a function is left, if another attempt is of no use.
    pub(super) fn why(self) -> Why {
        match self {
            Self::Changed => Reason::Contended.into(),
            Self::Unknown => Reason::NoAnswer.into(),
            Self::Wait => Reason::Busy.into(),
            Self::Leave(why) | Self::Stop(why) => why,
        }
    }
}

/// Judges the error of a call that needs a permission: `lambda:GetFunction`.
pub(super) fn verdict<E>(
    aws: &Aws,
    doing: &str,
    permission: &str,
    error: &SdkError<E, HttpResponse>,
) -> Verdict
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let code = error.code().unwrap_or_default();
    let message = error.message().unwrap_or_default();
    let stated = || format!("{code}: {message}");
    match code {
        _ if is_of_credentials(Some(code)) => Verdict::Stop(
            Reason::Denied.with(format!("{:#}", aws.explain(doing, permission, error))),
        ),
        "" | "ServiceException" | "InternalFailure" | "ServiceFailure" | "ServiceUnavailable"
            if is_transient(error) =>
        {
            let explained = aws.explain(doing, permission, error);
            match error {
                SdkError::DispatchFailure(it) if it.is_user() => {
                    Verdict::Stop(Reason::NoAnswer.with(format!("{explained:#}")))
                }
                _ => Verdict::Unknown,
            }
        }
        _ if is_transient(error) => Verdict::Unknown,
        "PreconditionFailedException" => Verdict::Changed,
        "ResourceConflictException" => Verdict::Wait,
        "ResourceNotFoundException" => Verdict::Leave(Reason::NotFound.with(message)),
        "CodeVerificationFailedException" => Verdict::Leave(signature(
            &stated(),
            "a layer is not signed, or its signature is expired, revoked or of a profile version that is not allowed",
        )),
        "InvalidCodeSignatureException" => Verdict::Leave(signature(
            &stated(),
            "a layer was changed after it was signed, which no policy allows: publish it again",
        )),
        "CodeSigningConfigNotFoundException" => Verdict::Leave(signature(
            &stated(),
            "the configuration was deleted: assign another one to the function, or none",
        )),
        "LimitExceeded" => Verdict::Leave(Reason::RoleFull.with(message)),
        "NoSuchEntity" | "NoSuchEntityException" => Verdict::Leave(Reason::Refused.with(stated())),
        _ if is_denied(Some(code)) => {
            Verdict::Leave(Reason::Denied.with(format!("{permission} ({message})")))
        }
        "InvalidParameterValueException" => Verdict::Leave(invalid(message, stated())),
        "TooManyRequestsException" | "ThrottlingException" | "Throttling" => {
            Verdict::Leave(Reason::NoAnswer.with(stated()))
        }
        _ => Verdict::Leave(Reason::Refused.with(stated())),
    }
}

/// Returns the reason for which Lambda does not accept the signature of a layer.
fn signature(stated: &str, meaning: &str) -> Why {
    Reason::CodeSigning.with(format!("{meaning} ({stated})"))
}

/// Returns the reason for which Lambda does not accept a configuration: it has one code for all of them.
fn invalid(message: &str, stated: String) -> Why {
    let text = message.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|it| text.contains(it));
    let reason = if has(&["maximum allowed size", "262144000"]) {
        Reason::TooLarge
    } else if text.contains("runtime") && has(&["no longer supported", "deprecated"]) {
        Reason::Runtime
    } else if has(&["4kb", "4 kb"]) {
        Reason::VariablesTooLarge
    } else if has(&["more than 5 layers", "five layers"]) {
        Reason::FiveLayers
    } else {
        Reason::Refused
    };
    reason.with(stated)
}
