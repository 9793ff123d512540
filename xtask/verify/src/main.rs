//! Runs scenarios on Lambda and in the sandbox, and compares: for `cargo xtask verify`, which deploys before and destroys after.
//!
//! [`deployed`] invokes functions and reads their telemetry, [`sandboxed`] does the same in the sandbox. Everything in between
//! is pure: [`compare`] finds differences, [`judge`] what is missing, [`cost`] reads Lambda's reports, [`report`] writes.

mod anonymous;
mod cli;
mod compare;
mod cost;
mod deployed;
mod difference;
mod judge;
mod known;
mod lambda;
mod life;
mod relations;
mod report;
mod sandboxed;
mod scenario;
mod shape;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::{Context as _, Result};
use clap::Parser as _;
use extension_spec::deployment::Architecture;
use kinesis_telemetry_terminal::note;

use cli::Cli;
use cost::{costs, held};
use deployed::{Deployed, MEASURED, Outputs, Ran};
use judge::{Judged, Row};
use life::{Life, START};
use report::Report;
use sandboxed::Expected;
use scenario::{SCENARIOS, Scenario};

/// The report's name in the output folder.
const REPORT: &str = "report.md";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(&Cli::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            note(&format!("error: {error:#}"));
            ExitCode::from(2)
        }
    }
}

/// Returns true if everything is complete and agrees with the sandbox.
async fn run(cli: &Cli) -> Result<bool> {
    let outputs = fs::read_to_string(&cli.outputs)
        .with_context(|| format!("{} cannot be read", cli.outputs.display()))?;
    let outputs = Outputs::read(&outputs).with_context(|| {
        format!("{} has no outputs of a deployment for verification", cli.outputs.display())
    })?;
    let samples = Samples::new(cli)?;
    let deployed = deployed::run(&outputs, cli.patience).await?;
    let mut expected: BTreeMap<&str, Expected> = BTreeMap::new();
    for scenario in &SCENARIOS {
        let lives = || lives_of(&deployed, scenario.name);
        if lives().next().is_none() {
            continue;
        }
        let invocations = match scenario.at_once {
            1 => scenario.invocations(),
            _ => lives().map(|it| it.count(START)).max().unwrap_or_default(),
        };
        let run = sandboxed::run(scenario, invocations, &cli.extension, &cli.function);
        expected.insert(scenario.name, run.await?);
    }
    let report = judge(cli, &deployed, &expected, samples)?;
    let path = cli.output.join(REPORT);
    let text = anonymous::prose(&report.text(), &cli.account);
    fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))?;
    note(&format!("the report is {}", path.display()));
    Ok(report.is_good())
}

fn lives_of<'a>(deployed: &'a Deployed, scenario: &str) -> impl Iterator<Item = &'a Life> {
    let ran = deployed.ran.iter().filter(move |it| it.scenario.name == scenario);
    ran.filter_map(|it| it.done.as_ref().ok()).flat_map(|it| &it.delivered.lives)
}

/// Compares the results with those of the sandbox, and writes the samples of both.
fn judge(
    cli: &Cli,
    deployed: &Deployed,
    expected: &BTreeMap<&str, Expected>,
    mut samples: Samples<'_>,
) -> Result<Report> {
    for (scenario, expected) in expected {
        samples.write(&format!("{scenario}-sandbox"), &expected.delivered.lives)?;
    }
    let mut rows = Vec::new();
    for Ran { scenario, architecture, done } in &deployed.ran {
        let judged = match done {
            Ok(done) => {
                samples.write(
                    &format!("{}-{}", scenario.name, architecture.name()),
                    &done.delivered.lives,
                )?;
                judged(scenario, done, expected.get(scenario.name))
            }
            Err(why) => Err(why.clone()),
        };
        rows.push(Row { scenario, architecture: *architecture, judged });
    }
    let measured = |architecture: Architecture| {
        let is = |it: &&Ran| it.scenario.name == MEASURED && it.architecture == architecture;
        deployed.ran.iter().find(is).and_then(|it| it.done.as_ref().ok())
    };
    let cost = |architecture: Architecture| {
        let with = measured(architecture).map(|it| it.reported.as_slice()).unwrap_or_default();
        let control = &deployed.control[architecture.name()];
        (architecture.name(), control.as_ref().map(|it| costs(with, it)).map_err(Clone::clone))
    };
    let held = |it: Architecture| {
        (it.name(), measured(it).map(|it| held(&it.delivered.lives)).unwrap_or_default())
    };
    Ok(Report {
        stage: cli.stage.clone(),
        region: deployed.region.clone(),
        time: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        is_emulator: deployed.is_emulator,
        rows,
        costs: Architecture::ALL.into_iter().map(cost).collect(),
        held: Architecture::ALL.into_iter().map(held).collect(),
        broken: deployed.broken,
        samples: samples.names,
    })
}

fn judged(
    scenario: &Scenario,
    done: &deployed::Done,
    expected: Option<&Expected>,
) -> Result<Judged, String> {
    let expected = expected.ok_or("no event of it arrived in the stream")?;
    Ok(Judged::of(scenario, done, expected))
}

/// The folder with samples.
struct Samples<'a> {
    cli: &'a Cli,
    names: Vec<String>,
}

impl<'a> Samples<'a> {
    /// Makes the folder, before anything is invoked.
    fn new(cli: &'a Cli) -> Result<Self> {
        let folder = cli.output.join("samples");
        fs::create_dir_all(&folder)
            .with_context(|| format!("{} cannot be made", folder.display()))?;
        Ok(Self { cli, names: Vec::new() })
    }

    /// Writes a file for each environment.
    fn write(&mut self, name: &str, lives: &[Life]) -> Result<()> {
        for (n, life) in lives.iter().enumerate() {
            let name = format!("{name}-{}.ndjson", n + 1);
            let path = self.cli.output.join("samples").join(&name);
            write(&path, &anonymous::sample(&life.lines(), &self.cli.account))?;
            self.names.push(name);
        }
        Ok(())
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}
