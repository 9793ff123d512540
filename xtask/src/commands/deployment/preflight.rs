//! Finds the account and the region of the credentials before they are used. `kinesis-telemetry` asks AWS, with a limit of ten
//! seconds. Nothing is cached between runs.

use std::process::{Command, ExitStatus};

use anyhow::{Context, Result, bail};
use extension_spec::deployment::stack_name;
use serde::Deserialize;

use super::Deployment;
use crate::commands::delegate;
use crate::support::capture::capture;
use crate::support::progress::step;

/// An account and a region of AWS.
#[derive(Debug, Deserialize, PartialEq, Eq)]
pub(in crate::commands) struct Place {
    pub(in crate::commands) account: String,
    pub(in crate::commands) region: String,
    /// Version of the CDK's bootstrap stack, if there is one.
    bootstrap: Option<u32>,
    /// The stack that publishes the deployment's parameters, if one does.
    owner: Option<String>,
}

impl Place {
    /// Makes the CDK's tool use this region. Otherwise it would look for one by its own rules.
    pub(in crate::commands) fn lead<'a>(&self, cdk: &'a mut Command) -> &'a mut Command {
        cdk.env("AWS_REGION", &self.region)
    }

    pub(in crate::commands) fn require_bootstrap(&self, stage: &str) -> Result<()> {
        let Self { account, region, bootstrap, .. } = self;
        if bootstrap.is_none() {
            bail!(
                "account {account} is not prepared for the CDK in {region}: run cargo xtask bootstrap {stage}, once"
            );
        }
        Ok(())
    }

    /// Fails if another deployment has the names that this one would publish.
    pub(in crate::commands) fn require_free(&self, deployment: &Deployment) -> Result<()> {
        let Self { account, region, owner, .. } = self;
        let stack = stack_name(&deployment.stage.name, deployment.name.as_deref());
        if let Some(owner) = owner.as_ref().filter(|owner| **owner != stack) {
            bail!(
                "the stack {} has the names in account {account}, {region}, that {stack} would publish: deploy with --name \
                 NAME, or destroy the other",
                owner.escape_debug()
            );
        }
        Ok(())
    }

    /// Fails if this deployment exists.
    pub(in crate::commands) fn require_absent(&self, deployment: &Deployment) -> Result<()> {
        let Self { account, region, owner, .. } = self;
        let (stage, name) = (&deployment.stage.name, deployment.name.as_deref());
        let stack = stack_name(stage, name);
        if owner.as_ref() == Some(&stack) {
            let name = name.map(|name| format!(" --name {name}")).unwrap_or_default();
            bail!(
                "the stack {stack} exists in account {account}, {region}: delete it with cargo xtask destroy {stage}{name}"
            );
        }
        Ok(())
    }
}

/// Returns the account and region of this process's credentials, or of those of `profile` if one is named.
pub(super) fn find(deployment: &Deployment, profile: Option<&str>) -> Result<Place> {
    let mut program = Command::new(delegate::program()?);
    program.arg("preflight");
    program.args(deployment.name.iter().flat_map(|name| ["--name", name]));
    if let Some(profile) = profile {
        // Keys in the environment would take precedence.
        program.env("AWS_PROFILE", profile);
        program.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    }
    let place = step("credentials and region", |_| {
        let (exit, said) = capture(delegate::PROGRAM, &mut program, false)?;
        judge(exit, &said)
    });
    match profile {
        Some(profile) => place.with_context(|| format!("--profile {}", profile.escape_debug())),
        None => place,
    }
}

/// Parses the program's output: a place, or an error.
fn judge(exit: ExitStatus, said: &str) -> Result<Place> {
    if exit.success() {
        let place: Place = serde_json::from_str(said)
            .with_context(|| format!("kinesis-telemetry says {said:?} instead of a place"))?;
        // They come from a service, and are printed and passed to commands.
        let is_word = |text: &str| text.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-');
        if !is_word(&place.account) || !is_word(&place.region) {
            bail!(
                "AWS names the account {:?} and the region {:?}, which cannot be",
                place.account,
                place.region
            );
        }
        return Ok(place);
    }
    match said.strip_prefix("error: ") {
        Some(reason) => bail!("{}", reason.trim()),
        None => bail!("kinesis-telemetry failed ({exit}) and says {said:?}"),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;

    use super::super::Stage;
    use super::{Deployment, Place, judge};

    fn exit(code: i32) -> ExitStatus {
        ExitStatus::from_raw(code << 8)
    }

    fn place(bootstrap: &str, owner: &str) -> Place {
        let json = format!(
            r#"{{"account":"111122223333","region":"eu-central-1","bootstrap":{bootstrap},"owner":{owner}}}"#
        );
        judge(exit(0), &json).unwrap()
    }

    fn deployment(stage: &str, name: Option<&str>) -> Deployment {
        Deployment { stage: Stage { name: stage.to_owned() }, name: name.map(str::to_owned) }
    }

    #[test]
    fn a_place_is_prepared_or_the_command_that_prepares_it_is_named() {
        place("33", "null").require_bootstrap("dev").unwrap();
        let error = place("null", "null").require_bootstrap("dev").unwrap_err().to_string();
        assert!(
            error.contains("111122223333") && error.contains("cargo xtask bootstrap dev"),
            "{error}"
        );
    }

    #[test]
    fn names_that_are_another_deployments_are_not_taken() {
        let (dev, blue) = (deployment("dev", None), deployment("dev", Some("blue")));
        let owned = |stack: &str| place("33", &format!("{stack:?}"));
        owned("KinesisTelemetry-dev").require_free(&dev).unwrap();
        owned("KinesisTelemetry-dev-blue").require_free(&blue).unwrap();
        place("33", "null").require_free(&dev).unwrap();
        for (stack, deployment) in
            [("KinesisTelemetry-prod", &dev), ("KinesisTelemetry-dev", &blue), ("Telemetry", &dev)]
        {
            let error = owned(stack).require_free(deployment).unwrap_err().to_string();
            assert!(error.contains(&format!("the stack {stack} has the names")), "{error}");
        }
    }

    #[test]
    fn a_deployment_that_is_to_be_new_and_exists_is_named_with_what_deletes_it() {
        let verification = deployment("dev", Some("verification"));
        place("33", "null").require_absent(&verification).unwrap();
        place("33", "\"KinesisTelemetry-dev\"").require_absent(&verification).unwrap();
        let place = place("33", "\"KinesisTelemetry-dev-verification\"");
        let error = place.require_absent(&verification).unwrap_err().to_string();
        assert!(error.ends_with("cargo xtask destroy dev --name verification"), "{error}");
    }

    #[test]
    fn the_reason_of_the_program_is_the_error() {
        let error = judge(exit(2), "error: no AWS region is set: set AWS_REGION").unwrap_err();
        assert_eq!(error.to_string(), "no AWS region is set: set AWS_REGION");
        for said in ["", "thread main panicked", "{}"] {
            let error = judge(exit(101), said).unwrap_err().to_string();
            assert_eq!(
                error,
                format!("kinesis-telemetry failed (exit status: 101) and says {said:?}")
            );
        }
        let hostile =
            r#"{"account":"1\u001b[2J\n","region":"eu-central-1","bootstrap":null,"owner":null}"#;
        let error = judge(exit(0), hostile).unwrap_err().to_string();
        assert!(error.contains("\\u{1b}[2J\\n\" and the region"), "{error}");
        for said in ["", "{}", r#"{"account":1}"#, "nonsense"] {
            let error = judge(exit(0), said).unwrap_err().to_string();
            assert!(error.starts_with("kinesis-telemetry says \""), "{error}");
        }
    }
}
