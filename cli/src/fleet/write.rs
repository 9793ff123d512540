//! The reaction to errors of a service.

use std::error::Error;
use std::fmt::Debug;

use aws_sdk_lambda::config::http::HttpResponse;
use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use kinesis_telemetry_stream::{Aws, is_denied, is_of_credentials};

use super::paced::is_transient;
use super::reason::{Reason, Why};

/// The reaction to a failed call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Read the function and plan again, because others have changed it and the call was rejected.
    Changed,
    /// Wait, read the function and plan again, because the call may have changed it.
    Unknown,
    /// Wait and read the function again, because another update is in progress.
    Wait,
    /// Skip this function.
    Leave(Why),
    /// Stop, because every further call would fail in the same way.
    Stop(Why),
}

impl Verdict {
    /// Returns the reason why a function is skipped, if another attempt is useless.
    pub(super) fn why(self) -> Why {
        match self {
            Self::Changed => Reason::Contended.into(),
            Self::Unknown => Reason::NoAnswer.into(),
            Self::Wait => Reason::Busy.into(),
            Self::Leave(why) | Self::Stop(why) => why,
        }
    }
}

/// Judges the error of a call. `permission` is the permission that it needs, such as `lambda:GetFunction`.
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

/// Returns the reason why Lambda rejects a configuration, from its message, because all cases have one code.
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
