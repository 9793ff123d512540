//! The CPU that an extension takes for each event, and for each invocation, under a Lambda and a Kinesis that answer at once.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use extension_spec::ENV_PREFIX;

use crate::events::{self, Invocation};
use crate::fake_lambda::{FakeLambda, Kinesis};
use crate::startup::killed;
use crate::statistics::ms;
use crate::subject::Subject;

/// Invocations, one after the other without a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Load {
    invocations: usize,
    /// Batches of telemetry for each invocation, and lines in each batch.
    batches: usize,
    lines: usize,
    /// True if this project's extension delivers each invocation at its end (`FLUSH=end`), and not several together.
    delivers_each: bool,
}

/// 200,000 lines at once.
pub(crate) const FLOOD: Load =
    Load { invocations: 1, batches: 400, lines: 500, delivers_each: true };
/// A function that logs a lot.
pub(crate) const HUNDRED_LINES: Load =
    Load { invocations: 500, batches: 1, lines: 100, delivers_each: false };
/// A function that logs nothing: its events are the platform's.
pub(crate) const NO_LINE: Load =
    Load { invocations: 2_000, batches: 1, lines: 0, delivers_each: false };
/// All loads.
pub(crate) const ALL: [Load; 5] =
    [FLOOD, HUNDRED_LINES, HUNDRED_LINES.delivered_each(), NO_LINE, NO_LINE.delivered_each()];

/// The time in which a flood must arrive.
const FLOOD_TIMEOUT: Duration = Duration::from_mins(1);
/// The cost of a load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// Microseconds of CPU, from the first invocation to the end of the process.
    cpu_us: f64,
    invocations: usize,
    events: usize,
    /// The rate at which events arrived, if they did.
    pub(crate) events_per_second: Option<f64>,
    /// Units of 25 KB that a provisioned stream bills for 1,000 events, if they arrived.
    pub(crate) units_per_thousand: Option<f64>,
    /// Most resident memory, in KiB.
    pub(crate) peak_kib: u64,
}

impl Cost {
    pub(crate) fn cpu_us_per_event(&self) -> f64 {
        self.cpu_us / self.events as f64
    }

    pub(crate) fn cpu_us_per_invocation(&self) -> f64 {
        self.cpu_us / self.invocations as f64
    }
}

/// Puts a load on an extension. Adds to `notes` the steps that did not go as Lambda requires. `delivers` is true if the extension
/// is known to deliver to Kinesis.
pub(crate) fn measure(
    subject: &Subject,
    kinesis: &Kinesis,
    load: Load,
    delivers: bool,
    notes: &mut Vec<String>,
) -> Result<Cost> {
    kinesis.reset();
    let mut lambda = FakeLambda::start()?;
    let mut subject = subject.clone();
    if subject.is_ours() {
        let flush = if load.delivers_each { "end" } else { "adaptive" };
        // A flush may take as long as a flood.
        let settings = [("FLUSH", flush), ("FLUSH_TIMEOUT_MS", "60000")];
        let settings = settings.map(|(name, value)| (format!("{ENV_PREFIX}{name}"), value.into()));
        subject.settings.extend(settings);
    }
    subject.step_timeout = subject.step_timeout.max(FLOOD_TIMEOUT);
    // Memory for all of the flood.
    let mut process = subject.start(&lambda, kinesis, 2_048)?;
    subject.next(&mut process, &lambda, 1)?;
    let (mut began, cpu_before) = (None, process.cpu()?);
    for n in 1..=load.invocations {
        let invocation = Invocation(n);
        let batches = load.batches(invocation);
        began.get_or_insert_with(Instant::now);
        lambda.invoke(&invocation.request_id());
        for batch in batches {
            lambda.publish(&batch)?;
        }
        subject.next(&mut process, &lambda, n + 1)?;
    }
    let peak_kib = process.memory()?.peak;
    lambda.shut_down();
    let end = process.end()?;
    if end.exit.is_none() {
        notes.push(killed());
    }
    let (events, taken) = (load.events(), kinesis.taken());
    if delivers && taken.lines < events as u64 {
        bail!("of {events} events {} arrived", taken.lines);
    }
    let duration = taken.last.zip(began).map(|(last, began)| last.duration_since(began));
    let duration = duration.filter(|_| delivers);
    Ok(Cost {
        cpu_us: ms(end.cpu.saturating_sub(cpu_before)) * 1_000.0,
        invocations: load.invocations,
        events,
        events_per_second: duration.map(|it| taken.lines as f64 / it.as_secs_f64()),
        units_per_thousand: duration.map(|_| taken.units as f64 * 1_000.0 / taken.lines as f64),
        peak_kib,
    })
}

impl Load {
    /// Returns this load, for an extension that delivers each invocation at its end.
    pub(crate) const fn delivered_each(self) -> Self {
        Self { delivers_each: true, ..self }
    }

    /// Returns the bodies that Lambda posts in an invocation: its lines, between its start and its end.
    fn batches(self, invocation: Invocation) -> Vec<String> {
        let lines: Vec<String> = invocation.lines(self.lines).collect();
        let batch = |n| {
            let start = (n == 1).then(|| invocation.start());
            let done = (n == self.batches).then(|| invocation.runtime_done());
            let events: Vec<_> =
                start.into_iter().chain(lines.iter().cloned()).chain(done).collect();
            events::batch(&events)
        };
        (1..=self.batches).map(batch).collect()
    }

    /// Returns the number of events in all batches.
    fn events(self) -> usize {
        self.invocations * (self.batches * self.lines + 2)
    }
}

#[cfg(test)]
mod tests {
    use super::Load;
    use crate::events::Invocation;

    #[test]
    fn an_invocation_starts_in_its_first_batch_and_ends_in_its_last() {
        let load = Load { batches: 3, lines: 2, ..super::FLOOD };
        let types = load.batches(Invocation(1)).into_iter().map(|batch| {
            let events: Vec<serde_json::Value> = serde_json::from_str(&batch).unwrap();
            events.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
        });
        let types: Vec<Vec<String>> = types.collect();
        assert_eq!(types[0], ["platform.start", "function", "function"]);
        assert_eq!(types[1], ["function", "function"]);
        assert_eq!(types[2], ["function", "function", "platform.runtimeDone"]);
        assert_eq!(load.events(), types.concat().len());
    }
}
