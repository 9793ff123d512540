//! Many events in one invocation: what each costs, and how many there can be.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use extension_spec::ENV_PREFIX;

use crate::events;
use crate::fake_lambda::{FakeLambda, Kinesis};
use crate::statistics::ms;
use crate::subject::Subject;

/// Bodies of so many events, of which each makes one line.
const BODIES: usize = 200;
const EVENTS: usize = 500;
const PATIENCE: Duration = Duration::from_mins(1);

/// What was found out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Throughput {
    /// Microseconds of CPU for each event.
    pub(crate) cpu_us: f64,
    pub(crate) events_per_second: f64,
    /// Units of 25 KB that a provisioned stream bills for 1,000 of these events.
    pub(crate) units_per_thousand: f64,
    pub(crate) peak_kib: u64,
}

/// Nothing, if it delivers nothing.
pub(crate) fn measure(subject: &Subject, kinesis: &Kinesis) -> Result<Option<Throughput>> {
    kinesis.reset();
    let mut lambda = FakeLambda::start()?;
    let mut subject = subject.clone();
    if subject.is_ours() {
        // Everything within the one flush.
        subject.settings.push((format!("{ENV_PREFIX}FLUSH_TIMEOUT_MS"), "60000".to_owned()));
    }
    // Memory for all of it.
    let life = subject.start(&lambda, kinesis, 2_048)?;
    lambda.next(1, PATIENCE).context("it never calls next")?;
    if lambda.seen().subscribed.is_none() {
        return Ok(None);
    }
    let lines: Vec<String> = (0..EVENTS).map(events::line).collect();
    let body = events::batch(&lines);
    lambda.invoke(events::REQUEST);
    let (began, cpu) = (Instant::now(), life.cpu()?);
    for _ in 0..BODIES {
        lambda.publish(&body)?;
    }
    lambda.publish(&events::batch(&[events::runtime_done()]))?;
    let expected = (BODIES * EVENTS) as u64;
    let taken = kinesis.until(expected, PATIENCE);
    let cpu = life.cpu()?.saturating_sub(cpu);
    if taken.lines == 0 {
        return Ok(None);
    }
    ensure!(taken.lines >= expected, "of {expected} events {} arrived", taken.lines);
    let last = taken.last.context("what was taken was taken at some time")?;
    let events = taken.lines as f64;
    Ok(Some(Throughput {
        cpu_us: ms(cpu) * 1_000.0 / events,
        events_per_second: events / last.duration_since(began).as_secs_f64(),
        units_per_thousand: taken.units as f64 * 1_000.0 / events,
        peak_kib: life.memory_kib("VmHWM")?,
    }))
}
