//! The objection of a code signing configuration to a layer. Pure.

use aws_sdk_lambda::types::{CodeSigningConfig, CodeSigningPolicy};

use crate::fleet::reason::{Reason, Why};

/// A code signing configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Config {
    pub(super) arn: String,
    /// True if Lambda rejects layers that no allowed profile has signed; otherwise it only warns.
    is_enforced: bool,
    /// ARNs of the signing profile versions that are allowed.
    allowed: Vec<String>,
}

/// The objection of a configuration to a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::fleet) enum Objection {
    /// Lambda rejects the layer.
    Refusal(Why),
    /// Lambda accepts the layer, and reports a warning in `CloudWatch` and `CloudTrail`.
    Warning(String),
}

impl Config {
    pub(super) fn of(config: &CodeSigningConfig) -> Self {
        let policies = config.code_signing_policies();
        let policy = policies.and_then(|it| it.untrusted_artifact_on_deployment());
        let publishers = config.allowed_publishers();
        Self {
            arn: config.code_signing_config_arn().to_owned(),
            is_enforced: policy == Some(&CodeSigningPolicy::Enforce),
            allowed: publishers
                .map(|it| it.signing_profile_version_arns().to_vec())
                .unwrap_or_default(),
        }
    }

    /// Returns the objection to a layer version that this profile version has signed.
    pub(super) fn objection(&self, layer: &str, signer: Option<&str>) -> Option<Objection> {
        if signer.is_some_and(|signer| self.allowed.iter().any(|it| it == signer)) {
            return None;
        }
        let Self { arn, .. } = self;
        let (fact, remedy) = match signer {
            Some(signer) => (
                format!("{layer} is signed by {signer}"),
                format!("allow this profile version in {arn}"),
            ),
            None => (
                format!("{layer} is not signed"),
                format!("publish a layer signed by a profile version that {arn} allows"),
            ),
        };
        Some(if self.is_enforced {
            let detail = format!("{fact}; {remedy}, or change its policy from Enforce to Warn");
            Objection::Refusal(Reason::CodeSigning.with(detail))
        } else {
            Objection::Warning(format!("Lambda will warn that {fact}: {remedy}"))
        })
    }
}
