//! Explains why there are no credentials.

use std::error::Error;
use std::time::Duration;

use aws_config::imds::client::error::ImdsError;
use aws_config::meta::ProviderChainError;
use aws_credential_types::provider::error::CredentialsError;

use super::causes::{causes, in_a_line};
use super::profile::{self, Profile};

/// Returns the failure to get credentials that is the cause of `error`, if one is.
pub(super) fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a CredentialsError> {
    causes(error).find_map(|it| it.downcast_ref())
}

/// Explains in one line why there are no credentials, and what to do.
pub(super) fn explain(error: &CredentialsError, profile: &Profile) -> String {
    let metadata = causes(error).find_map(|it| it.downcast_ref::<ImdsError>());
    if let Some(metadata) = metadata {
        return format!("{} (EC2's metadata service: {})", none(profile), in_a_line(metadata));
    }
    let CredentialsError::CredentialsNotLoaded(_) = error else {
        // Providers wrap each other's errors; the innermost has the reason.
        let inner = causes(error).filter_map(|it| it.downcast_ref::<CredentialsError>()).last();
        let why = in_a_line(inner.and_then(Error::source).unwrap_or(error));
        return format!(
            "{} provides no credentials: {why}; {}",
            profile.described(),
            profile.remedy()
        );
    };
    match of_profile(error) {
        Some(why) => format!(
            "no AWS credentials: {} refers to a section or key that is missing in {}: {why}",
            profile.described(),
            profile::files()
        ),
        None => none(profile),
    }
}

/// Explains in one line that no credentials arrived within `limit`, and what to do.
pub(super) fn late(limit: Duration, profile: &Profile) -> String {
    let seconds = limit.as_secs();
    format!(
        "{} provided no credentials within {seconds} s; {}",
        profile.described(),
        profile.remedy()
    )
}

/// Returns why the SDK skipped the profile although it exists.
fn of_profile(error: &CredentialsError) -> Option<String> {
    let chain = error.source()?.downcast_ref::<ProviderChainError<CredentialsError>>()?;
    let attempt = chain.attempts().iter().find(|it| it.name() == "Profile")?;
    attempt.error().source().map(in_a_line)
}

fn none(profile: &Profile) -> String {
    if profile.variable.is_none() {
        return "no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run aws sso login"
            .to_owned();
    }
    format!(
        "no AWS credentials: {} has none in {}, and AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set: add them with aws \
         configure --profile {}, or set AWS_PROFILE to another one",
        profile.described(),
        profile::files(),
        profile.name
    )
}
