//! Finds out, through the CDK's tool, whose credentials these are and where they lead, before anything is done with them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::{Deployment, remedies};
use crate::support::capture::capture;
use crate::support::lock::locked;
use crate::tools::cdk;
use crate::tools::npm;

/// What the app `preflight` finds where there is no bootstrap stack.
const NONE: &str = "none";

/// An account and a region of AWS.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::commands) struct Place {
    pub(in crate::commands) account: String,
    pub(in crate::commands) region: String,
    is_bootstrapped: bool,
    /// The stack of the deployment, and the one that has its names now.
    stack: String,
    owner: Option<String>,
}

impl Place {
    pub(in crate::commands) fn require_bootstrap(&self, stage: &str) -> Result<()> {
        if !self.is_bootstrapped {
            bail!(
                "account {} is not prepared for the CDK in {}: run cargo xtask bootstrap {stage}, once",
                self.account,
                self.region
            );
        }
        Ok(())
    }

    /// Fails if the names that this deployment would publish are another one's.
    pub(in crate::commands) fn require_free(&self) -> Result<()> {
        let Self { account, region, stack, .. } = self;
        if let Some(owner) = self.owner.as_ref().filter(|owner| *owner != stack) {
            bail!(
                "the stack {owner} has the names in account {account}, {region}, that {stack} would \
                 publish: deploy with --name NAME, or destroy the other"
            );
        }
        Ok(())
    }
}

/// What `infra-cdk/bin/preflight.ts` writes.
#[derive(Deserialize)]
struct Report {
    account: Option<String>,
    region: Option<String>,
    bootstrap: Option<String>,
    owner: Option<String>,
    stack: Option<String>,
}

/// Where the credentials of this process lead.
pub(super) fn find(deployment: &Deployment, target: &Path) -> Result<Place> {
    let folder = target.join("cdk/preflight");
    let _one_at_a_time = locked(&folder.with_extension("lock"))?;
    // The tool remembers in this folder what it has looked up, and the world may have changed.
    _ = fs::remove_dir_all(&folder);
    npm::make(&folder)?;
    let report = folder.join("report.json");
    let app = format!("node '{}'", cdk::folder().join("build/bin/preflight.js").display());
    let mut tool = cdk::command(&["list", "--verbose", "--no-notices", "--app", &app, "--context"]);
    tool.arg(format!("report={}", report.display())).current_dir(&folder);
    tool.args(["--context", &format!("stage={}", deployment.stage.name)]);
    tool.args(deployment.name.iter().flat_map(|it| ["--context".to_owned(), format!("name={it}")]));
    let (_, said) = capture("the CDK", &mut tool, false)?;
    let report = fs::read(&report).ok().and_then(|json| serde_json::from_slice(&json).ok());
    judge(report, &said)
}

fn judge(report: Option<Report>, said: &str) -> Result<Place> {
    let Report { account, region, bootstrap, owner, stack } = report.with_context(|| {
        format!(
            "the CDK does not say whose credentials these are; its last words: {}",
            last_words(said)
        )
    })?;
    let region = region.filter(|_| !said.contains("Unable to determine AWS region"));
    let region = region.context(
        "no region is set: set AWS_REGION, or a region in the profile that AWS_PROFILE names",
    )?;
    let Some(account) = account else {
        let why = said
            .lines()
            .find_map(|line| line.split_once("Unable to determine the default AWS account"));
        let why = why.map_or_else(|| last_words(said), |(_, why)| why.trim().to_owned());
        if let Some(remedy) = remedies::of(said) {
            bail!("{remedy} (region {region}; {why})");
        }
        bail!(
            "no credentials that AWS takes in {region}: set AWS_PROFILE, or run aws sso login, or aws configure {why}"
        );
    };
    let Some(bootstrap) = bootstrap.filter(|it| it == NONE || it.parse::<u32>().is_ok()) else {
        let remedy = remedies::of(said).unwrap_or("the CDK's version parameter cannot be read");
        bail!("{remedy} (account {account}, region {region}; {})", last_words(said));
    };
    Ok(Place {
        account,
        region,
        is_bootstrapped: bootstrap != NONE,
        owner: owner.filter(|owner| owner != NONE),
        stack: stack.context("the CDK does not say what the stack is called")?,
    })
}

fn last_words(said: &str) -> String {
    said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("nothing").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Report, judge};

    fn report(account: Option<&str>, region: &str, bootstrap: Option<&str>) -> Report {
        Report {
            account: account.map(str::to_owned),
            region: Some(region.to_owned()),
            bootstrap: bootstrap.map(str::to_owned),
            owner: Some("KinesisTelemetry-dev".to_owned()),
            stack: Some("KinesisTelemetry-dev".to_owned()),
        }
    }

    fn said(report: impl Into<Option<Report>>, said: &str) -> String {
        judge(report.into(), said).unwrap_err().to_string()
    }

    #[test]
    fn a_place_is_prepared_or_the_command_that_prepares_it_is_named() {
        let place =
            judge(Some(report(Some("111122223333"), "eu-central-1", Some("33"))), "").unwrap();
        place.require_bootstrap("dev").unwrap();
        let place =
            judge(Some(report(Some("111122223333"), "eu-central-1", Some("none"))), "").unwrap();
        let error = place.require_bootstrap("dev").unwrap_err().to_string();
        assert!(
            error.contains("111122223333") && error.contains("cargo xtask bootstrap dev"),
            "{error}"
        );
    }

    #[test]
    fn names_that_are_another_deployments_are_not_taken() {
        let mine = report(Some("111122223333"), "eu-central-1", Some("33"));
        judge(Some(mine), "").unwrap().require_free().unwrap();
        let stack = Some("KinesisTelemetry-prod".to_owned());
        let other = report(Some("111122223333"), "eu-central-1", Some("33"));
        let place = judge(Some(Report { stack, ..other }), "").unwrap();
        let error = place.require_free().unwrap_err().to_string();
        assert!(error.contains("the stack KinesisTelemetry-dev has the names"), "{error}");
        let nobody = report(Some("111122223333"), "eu-central-1", Some("33"));
        let nobody = Report { owner: Some("none".to_owned()), ..nobody };
        judge(Some(nobody), "").unwrap().require_free().unwrap();
    }

    #[test]
    fn a_region_that_the_tool_has_made_up_is_none() {
        let words = "Unable to determine AWS region from environment or AWS configuration, defaulting to 'us-east-1'";
        assert!(
            said(report(Some("111122223333"), "us-east-1", None), words).contains("set AWS_REGION")
        );
    }

    #[test]
    fn credentials_that_are_missing_expired_or_lead_nowhere_are_told_apart() {
        let none = report(None, "eu-central-1", None);
        let words = "Unable to determine the default AWS account (CredentialsProviderError): Could not load credentials";
        let error = said(none, words);
        assert!(error.contains("set AWS_PROFILE") && error.contains("Could not load"), "{error}");
        let words = "There are expired AWS credentials in your environment.";
        assert!(said(report(None, "eu-central-1", None), words).contains("have expired"));
        let words = "Unable to determine the default AWS account (Error): getaddrinfo ENOTFOUND sts.eu-nowhere-1.amazonaws.com";
        let error = said(report(None, "eu-nowhere-1", None), words);
        assert!(error.contains("eu-nowhere-1") && error.contains("AWS_REGION"), "{error}");
    }

    #[test]
    fn a_parameter_that_may_not_be_read_is_no_missing_bootstrap() {
        let dummy = report(Some("111122223333"), "eu-central-1", Some("dummy-value-for-it"));
        let error =
            said(dummy, "AccessDeniedException: it is not authorized to perform: ssm:GetParameter");
        assert!(error.contains("may not do this") && error.contains("ssm:GetParameter"), "{error}");
        assert!(said(None, "\nTypeError: x\n\n").ends_with("TypeError: x"));
    }
}
