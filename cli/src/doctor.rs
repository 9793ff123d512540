//! `doctor`: checks everything from the credentials to stream and queue, and reports problems with their remedies.

mod all;
mod checks;
mod finding;
mod function;
mod ledger;
mod log;
mod page;
mod progress;
mod queue;
mod recent;
mod role;
mod silence;
mod stream;

use std::process::ExitCode;

use anyhow::Result;
use kinesis_telemetry_args::{Deployment, Doctor};
use kinesis_telemetry_stream::{Aws, stdout};

use crate::deployment::{Values, named};
use crate::session::{Session, output_columns};
use checks::DeploymentChecks;
use finding::{Finding, Verdict};
use page::Page;
use progress::Progress;

pub(crate) async fn run(options: &Doctor, session: &Session) -> Result<ExitCode> {
    let progress = Progress::default();
    let connect = session.connect(async |aws| Ok(credentials(aws).await));
    let (aws, credentials) = progress.during("credentials", connect).await?;
    let begin = begin(&options.deployment, credentials, &aws);
    let (mut findings, values) = progress.during("parameters", begin).await;
    let deployment = &options.deployment;
    let checks = values.as_ref().map(|it| DeploymentChecks::new(&aws, it, deployment, &progress));
    if options.all {
        return Box::pin(all::run(options, checks, &progress, findings, session.styles)).await;
    }
    if let Some(checks) = checks {
        findings.extend(Box::pin(checks.run(options.function.as_deref())).await);
    }
    if options.json {
        stdout::print(&stdout::json(&findings)?)?;
    } else {
        let mut page = Page::new(session.styles, output_columns());
        page.findings(&findings, "");
        let all: Vec<&Finding> = findings.iter().collect();
        page.verdict(&finding::verdict(&all, &next(options, values.as_ref())));
        stdout::print_styled(&page.into_text())?;
    }
    Ok(exit_code(&findings))
}

fn exit_code<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> ExitCode {
    let is_well = findings.into_iter().all(Finding::is_well);
    if is_well { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

/// Returns the first findings, and the values of the deployment; `None` if further checks cannot succeed.
async fn begin(
    deployment: &Deployment,
    credentials: Verdict,
    aws: &Aws,
) -> (Vec<Finding>, Option<Values>) {
    let is_known = !matches!(credentials, Verdict::Broken { .. });
    let mut findings = vec![Finding::new("credentials", credentials)];
    if !is_known {
        return (findings, None);
    }
    match Values::read(deployment, aws).await {
        Ok(values) => {
            findings.push(Finding::new("parameters", parameters(deployment, &values, aws)));
            (findings, Some(values).filter(|it| !it.0.is_empty()))
        }
        Err(error) => {
            findings.push(Finding::new("parameters", Verdict::of_error(&error)));
            (findings, None)
        }
    }
}

async fn credentials(aws: &Aws) -> Verdict {
    let who = aws_sdk_sts::Client::new(&aws.config).get_caller_identity().send().await;
    match who {
        Ok(who) => {
            Verdict::well(format!("{}, {}", who.arn().unwrap_or("unknown"), aws.place("STS")))
        }
        Err(error) => {
            let error = aws.explain("identifying the credentials", "sts:GetCallerIdentity", &error);
            Verdict::Broken { why: format!("{error:#}"), remedy: String::new() }
        }
    }
}

fn parameters(deployment: &Deployment, values: &Values, aws: &Aws) -> Verdict {
    if let Err(error) = values.require(deployment, &aws.place("SSM")) {
        return Verdict::Broken { why: format!("{error:#}"), remedy: String::new() };
    }
    let missing: Vec<String> =
        values.missing().into_iter().map(|it| it.of(deployment.name.as_deref())).collect();
    if missing.is_empty() {
        return Verdict::well(format!(
            "{} published by the stack {}",
            values.0.len(),
            values.0["stackName"]
        ));
    }
    Verdict::broken(format!("missing: {}", missing.join(", ")), values.redeploy(deployment))
}

/// Returns the command to try if no problem was found.
fn next(options: &Doctor, values: Option<&Values>) -> String {
    let named = named(&options.deployment);
    let test_function = values.and_then(|it| it.0.get("testFunctionName"));
    match (&options.function, test_function) {
        (Some(function), test) if Some(function) != test => {
            format!("kinesis-telemetry tail{named} --function {function} shows what arrives")
        }
        (_, Some(_)) => {
            format!("kinesis-telemetry invoke{named} checks that every event arrives")
        }
        (_, None) => format!("kinesis-telemetry tail{named} shows what arrives"),
    }
}
