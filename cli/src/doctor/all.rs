//! `doctor --all`: the findings of every function that has the layer.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::{Error, Result};
use kinesis_telemetry_args::Doctor;
use kinesis_telemetry_stream::{counted, stdout};
use kinesis_telemetry_terminal::{Styles, Text};
use serde::Serialize;

use super::checks::DeploymentChecks;
use super::finding::{self, Finding, outcome};
use super::page::Page;
use super::progress::Progress;
use super::{exit_code, ledger};
use crate::deployment::named;
use crate::fleet::{self, Published};
use crate::session::output_columns;

/// Number of findings that come before the others: those of credentials and parameters.
const FIRST: usize = 2;
/// Number of functions for which the page explains why a check could not be made.
const EXPLAINED: usize = 3;

/// The advice for a function that was deleted after it was listed.
const GONE: &str = "it was deleted during the check: run the command again";

/// The findings about the deployment and its functions.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    /// Findings that concern all functions.
    deployment: Vec<Finding>,
    functions: Vec<Checked>,
}

/// The findings about a function.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Checked {
    name: String,
    findings: Vec<Finding>,
}

/// Checks the deployment and every function that has its layer, and prints the report. `findings` are those of credentials and
/// parameters; `checks` is `None` if further checks cannot succeed.
pub(super) async fn run(
    options: &Doctor,
    checks: Option<DeploymentChecks<'_>>,
    progress: &Progress,
    findings: Vec<Finding>,
    styles: Styles,
) -> Result<ExitCode> {
    let mut report = Report { deployment: findings, functions: Vec::new() };
    if let Some(checks) = checks {
        Box::pin(report.add(&checks, progress)).await?;
    }
    progress.line.clear();
    if options.json {
        stdout::print(&stdout::json(&report)?)?;
    } else {
        let tail = format!("kinesis-telemetry tail{}", named(&options.deployment));
        let next = format!("{tail} shows what arrives");
        stdout::print_styled(&page(&report, &next, Page::new(styles, output_columns())))?;
    }
    Ok(exit_code(report.findings()))
}

impl Report {
    /// Makes the checks, and adds their findings.
    async fn add(&mut self, checks: &DeploymentChecks<'_>, progress: &Progress) -> Result<()> {
        let published = Published::of(checks.values)?;
        let functions = async {
            let functions = fleet::attached(&checks.lambda, &published, &progress.line).await?;
            let names: Vec<_> = functions.iter().filter_map(|it| it.function_name()).collect();
            let checked = fleet::each(
                4,
                &names,
                async |name| {
                    let findings = Box::pin(checks.function(name, GONE)).await;
                    Checked { name: (*name).to_owned(), findings }
                },
                |count| {
                    let all = counted(names.len(), "function");
                    progress.line.set(&format!("{count} of {all} checked"));
                },
            );
            Ok::<_, Error>(Box::pin(checked).await)
        };
        let (layers, stream, queue, functions) =
            tokio::join!(checks.layers(), checks.stream(), checks.queue(), Box::pin(functions));
        self.functions = functions?;
        for Checked { name, findings } in &mut self.functions {
            let recent = stream.recent.as_ref();
            findings.extend(recent.into_iter().flat_map(|it| ledger::findings(name, it)));
        }
        self.deployment.extend(layers);
        self.deployment.extend(stream.findings);
        self.deployment.extend(queue);
        Ok(())
    }

    fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.deployment.iter().chain(self.functions.iter().flat_map(|it| &it.findings))
    }
}

/// Returns the findings of the deployment, one line for each healthy function, and the problems of the others.
///
/// A missing permission affects every function in the same way, so its explanation is repeated only a few times.
fn page(report: &Report, next: &str, mut page: Page) -> Text {
    page.findings(&report.deployment, "");
    if report.deployment.len() > FIRST {
        page.gap();
    }
    let mut explained = BTreeMap::new();
    for Checked { name, findings } in &report.functions {
        let problems: Vec<&Finding> = findings.iter().filter(|it| !it.is_well()).collect();
        if problems.is_empty() {
            page.line(finding::word(&problems), name);
            continue;
        }
        page.line(finding::word(&problems), &format!("{name}: {}", outcome(&problems)));
        let is_shown = |it: &&&Finding| {
            let times = explained.entry(it.what).or_insert(0);
            *times += usize::from(!it.is_broken());
            it.is_broken() || *times <= EXPLAINED
        };
        page.findings(problems.iter().filter(is_shown).copied(), "  ");
    }
    if report.functions.is_empty() && report.deployment.len() > FIRST {
        page.line(
            "note",
            "no function has the layer: kinesis-telemetry outputs shows how to add it",
        );
    }
    let all: Vec<&Finding> = report.findings().collect();
    let checked = counted(report.functions.len(), "function");
    page.verdict(&format!("{checked} checked: {}", finding::verdict(&all, next)));
    page.into_text()
}
