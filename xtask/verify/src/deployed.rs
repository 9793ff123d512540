//! Runs the scenarios on the deployed functions, and reads their telemetry.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use extension_spec::deployment::Architecture;
use kinesis_telemetry_consumer::{self as consumer, Gathering};
use kinesis_telemetry_stream::{Aws, Reader, Start, Target, Wanted};
use kinesis_telemetry_terminal::{StatusLine, note};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::cost::Reported;
use crate::lambda::Lambda;
use crate::life::{Delivered, REPORT, delivered};
use crate::scenario::{SCENARIOS, Scenario};

/// Time until AWS's first answer.
const SIGN_IN: Duration = Duration::from_secs(8);
const PAUSE: Duration = Duration::from_millis(500);
/// The pause between further invocations, which make frozen environments deliver their events.
const NUDGE: Duration = Duration::from_secs(3);
/// The scenario whose reports are compared with those of the function without the layer.
pub(crate) const MEASURED: &str = "burst";
/// The function without the layer.
const CONTROL: &str = "control";

/// The outputs of the stacks, as `cdk deploy --outputs-file` writes them.
pub(crate) struct Outputs {
    /// Names of functions, by scenario and architecture: `crash-arm64`.
    functions: BTreeMap<String, String>,
    stream: String,
}

impl Outputs {
    pub(crate) fn read(text: &str) -> Result<Self> {
        let stacks: BTreeMap<String, BTreeMap<String, String>> = serde_json::from_str(text)?;
        let output = |name: &str| {
            stacks
                .values()
                .find_map(|it| it.get(name))
                .with_context(|| format!("no stack has an output {name}"))
        };
        let functions: Value = serde_json::from_str(output("Functions")?)?;
        let functions = functions.as_object().context("Functions is no JSON object")?;
        let name = |(key, name): (&String, &Value)| Some((key.clone(), name.as_str()?.to_owned()));
        Ok(Self {
            functions: functions.iter().filter_map(name).collect(),
            stream: output("StreamArn")?.clone(),
        })
    }

    fn function(&self, name: &str, architecture: Architecture) -> Result<&str> {
        let key = format!("{name}-{}", architecture.name());
        let name = self.functions.get(&key);
        name.map(String::as_str).with_context(|| format!("the stack has no function {key}"))
    }
}

/// A scenario on an architecture, and its result.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) scenario: &'static Scenario,
    pub(crate) architecture: Architecture,
    /// The reason if it was not done.
    pub(crate) done: Result<Done, String>,
}

/// A scenario that was run.
#[derive(Debug, Default)]
pub(crate) struct Done {
    function: String,
    version: Option<String>,
    /// True for each invocation that failed.
    pub(crate) failed: Vec<bool>,
    pub(crate) delivered: Delivered,
    /// The reports in the logs of its invocations.
    pub(crate) reported: Vec<Reported>,
}

/// The reports of the function without the layer, or why there are none.
pub(crate) type Control = BTreeMap<&'static str, Result<Vec<Reported>, String>>;

/// All results from the account where the functions run.
pub(crate) struct Deployed {
    pub(crate) region: String,
    pub(crate) is_emulator: bool,
    pub(crate) ran: Vec<Ran>,
    pub(crate) control: Control,
    /// Lines of the stream that are no events.
    pub(crate) broken: usize,
}

/// Runs every scenario, and reads until everything has arrived or the time for that is over.
pub(crate) async fn run(outputs: &Outputs, patience: Duration) -> Result<Deployed> {
    let aws = Aws::find(&Wanted::default()).await?.sign_in(SIGN_IN).await?;
    let is_emulator = !aws.place("LAMBDA").starts_with("AWS in region");
    let lambda = Lambda::new(&aws);
    let (mut ran, mut control) = (Vec::new(), Control::new());
    for architecture in Architecture::ALL {
        for scenario in &SCENARIOS {
            let done = match scenario.not_on_emulators.filter(|_| is_emulator) {
                Some(reason) => Err(reason.to_owned()),
                None => scenario_on(&lambda, outputs, scenario, architecture)
                    .await
                    .map_err(|error| format!("{error:#}")),
            };
            let said = done
                .as_ref()
                .map_or_else(|why| format!("not done: {why}"), |_| "invoked".to_owned());
            note(&format!("{} on {}: {said}", scenario.name, architecture.name()));
            ran.push(Ran { scenario, architecture, done });
        }
        let reported = if is_emulator {
            Err("an emulator's reports are not Lambda's".to_owned())
        } else {
            control_on(&lambda, outputs, architecture).await.map_err(|error| format!("{error:#}"))
        };
        control.insert(architecture.name(), reported);
    }
    // The stream is as new as the functions.
    let reader = Reader::new(Target::at(&outputs.stream, &aws), Start::Oldest);
    let broken = collect(reader, &lambda, &mut ran, patience).await?;
    Ok(Deployed { region: aws.region.clone(), is_emulator, ran, control, broken })
}

async fn scenario_on(
    lambda: &Lambda,
    outputs: &Outputs,
    scenario: &Scenario,
    architecture: Architecture,
) -> Result<Done> {
    let function = outputs.function(scenario.name, architecture)?.to_owned();
    let version = lambda.prepare(&function, scenario.mode).await?;
    let mut done = Done { function, version, ..Done::default() };
    for payload in scenario.payloads {
        let version = done.version.as_deref();
        let answers =
            lambda.invoke_at_once(&done.function, version, payload, scenario.at_once).await?;
        done.failed.extend(answers.iter().map(|it| it.failed));
        done.reported.extend(answers.iter().filter_map(|it| Reported::of_log(&it.log)));
    }
    Ok(done)
}

/// Invokes the function without the layer in the same way as the one with it.
async fn control_on(
    lambda: &Lambda,
    outputs: &Outputs,
    architecture: Architecture,
) -> Result<Vec<Reported>> {
    let measured =
        SCENARIOS.iter().find(|it| it.name == MEASURED).context("no scenario is measured")?;
    let function = outputs.function(CONTROL, architecture)?;
    let mut reported = Vec::new();
    for payload in measured.payloads {
        let answers = lambda.invoke_at_once(function, None, payload, measured.at_once).await?;
        reported.extend(answers.iter().filter_map(|it| Reported::of_log(&it.log)));
    }
    if reported.is_empty() {
        return Err(anyhow!("no log of an invocation had Lambda's report"));
    }
    Ok(reported)
}

/// Reads what arrives, and invokes each function again whose last report is not there yet.
async fn collect(
    mut reader: Reader,
    lambda: &Lambda,
    ran: &mut [Ran],
    patience: Duration,
) -> Result<usize> {
    let (mut gathering, mut left_out) = (Gathering::default(), BTreeSet::new());
    let (give_up, mut nudged) = (Instant::now() + patience, None::<Instant>);
    let (mut broken, status) = (0, StatusLine::default());
    loop {
        for record in reader.read_to_tip().await? {
            for event in consumer::record(&record.data) {
                match event {
                    Ok(event) => gathering.add(event, record.arrived_ms),
                    Err(_) => broken += 1,
                }
            }
        }
        let mut incomplete = Vec::new();
        for Ran { scenario, done, .. } in ran.iter_mut() {
            let Ok(done) = done else { continue };
            done.delivered = delivered(&gathering, &done.function, &left_out);
            let reports: usize = done.delivered.lives.iter().map(|it| it.count(REPORT)).sum();
            if reports < scenario.invocations() {
                incomplete.push((*scenario, done.function.clone(), done.version.clone()));
            }
        }
        if incomplete.is_empty() || Instant::now() >= give_up {
            return Ok(broken);
        }
        status.set(&format!("{} functions have not delivered everything yet", incomplete.len()));
        if nudged.is_none_or(|it| it.elapsed() >= NUDGE) {
            for (scenario, function, version) in incomplete {
                let flush = scenario.flush();
                let answers =
                    lambda.invoke_at_once(&function, version.as_deref(), flush, scenario.at_once);
                // A failure here is ignored, because the report lists what is still missing at the end.
                let answers = answers.await.unwrap_or_default();
                left_out.extend(answers.into_iter().flat_map(|it| it.request_ids));
            }
            nudged = Some(Instant::now());
        }
        sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outputs_of_the_stacks_are_read() {
        let text = r#"{
            "KinesisTelemetry-dev-verification": {"StreamArn": "arn:aws:kinesis:eu-west-1:111122223333:stream/s"},
            "KinesisTelemetry-dev-verification-Verification": {"Functions": "{\"crash-arm64\":\"f\"}"}
        }"#;
        let outputs = Outputs::read(text).unwrap();
        assert_eq!(outputs.function("crash", Architecture::Arm64).unwrap(), "f");
        let error = outputs.function("crash", Architecture::X86_64).unwrap_err().to_string();
        assert_eq!(error, "the stack has no function crash-x86_64");
        assert!(outputs.stream.ends_with("stream/s"));
        let error = Outputs::read("{}").err().unwrap().to_string();
        assert_eq!(error, "no stack has an output Functions");
    }
}
