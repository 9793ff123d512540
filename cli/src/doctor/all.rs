//! `doctor --all`: the findings of every function that has the layer.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::Result;
use kinesis_telemetry_args::Doctor;
use kinesis_telemetry_stream::{counted, say};
use kinesis_telemetry_terminal::{StatusLine, plain};
use serde::Serialize;

use super::finding::{self, Finding, lines, outcome};
use super::patient::Patient;
use super::{exit_code, ledger};
use crate::deployment::named;
use crate::fleet::{self, Published};

/// How often the reason is shown why a check could not be made.
const EXPLAINED: usize = 3;

/// Everything that was found.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    /// Findings that concern all functions.
    deployment: Vec<Finding>,
    functions: Vec<Checked>,
}

/// What was found of a function.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Checked {
    name: String,
    findings: Vec<Finding>,
}

/// Checks the deployment and every function that has its layer. `findings` are those of credentials and parameters.
pub(super) async fn run(
    options: &Doctor,
    patient: &Patient<'_>,
    mut findings: Vec<Finding>,
) -> Result<ExitCode> {
    let progress = StatusLine::default();
    let (layers, stream, queue) = tokio::join!(patient.layers(), patient.stream(), patient.queue());
    let published = Published::of(patient.values)?;
    let functions = fleet::functions(&patient.lambda, &published, &progress).await?;
    let names: Vec<_> = functions.iter().filter_map(|it| it.function_name()).collect();
    let key = stream.key.as_deref();
    let checked = fleet::each(
        &names,
        async |name| {
            let mut findings = Box::pin(patient.function(name, key, true)).await;
            let recent = stream.recent.as_ref();
            findings.extend(recent.into_iter().flat_map(|it| ledger::findings(name, it)));
            Checked { name: (*name).to_owned(), findings }
        },
        |count| progress.set(&format!("{count} of {} checked", counted(names.len(), "function"))),
    );
    let functions = Box::pin(checked).await;
    progress.clear();
    findings.extend(layers);
    findings.extend(stream.findings);
    findings.extend(queue);
    let report = Report { deployment: findings, functions };
    let next = format!("kinesis-telemetry tail{} shows what arrives", named(&options.deployment));
    say::out(&if options.json { say::json(&report)? } else { text(&report, &next) })?;
    Ok(exit_code(report.findings()))
}

impl Report {
    fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.deployment.iter().chain(self.functions.iter().flat_map(|it| &it.findings))
    }
}

/// Returns the findings of the deployment, a line for each healthy function, and the problems of the others.
///
/// A missing permission concerns every function alike, so its explanation is repeated only a few times.
fn text(report: &Report, next: &str) -> String {
    let mut text = lines(&report.deployment, "");
    text.push('\n');
    let mut explained = BTreeMap::new();
    for Checked { name, findings } in &report.functions {
        let problems: Vec<&Finding> = findings.iter().filter(|it| !it.is_well()).collect();
        let (word, name) = (finding::word(&problems), plain(name));
        if problems.is_empty() {
            _ = writeln!(text, "{word:<8}{name}");
            continue;
        }
        _ = writeln!(text, "{word:<8}{name}: {}", outcome(&problems));
        let is_shown = |it: &&&Finding| {
            let times = explained.entry(it.what).or_insert(0);
            *times += usize::from(!it.is_broken());
            it.is_broken() || *times <= EXPLAINED
        };
        let shown: Vec<&Finding> = problems.iter().filter(is_shown).copied().collect();
        text += &lines(shown, "  ");
    }
    if report.functions.is_empty() {
        text += "No function has the layer: kinesis-telemetry outputs shows how to add it.\n";
    }
    let all: Vec<&Finding> = report.findings().collect();
    let checked = counted(report.functions.len(), "function");
    _ = writeln!(text, "\n{checked} checked: {}", finding::verdict(&all, next));
    text
}
