//! The start of an extension, its first record, and its end.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::events;
use crate::fake_lambda::{FakeLambda, Kinesis};
use crate::statistics::ms;
use crate::subject::Subject;

/// Far more than any of it takes.
const PATIENCE: Duration = Duration::from_secs(10);
/// What one has that delivers, and elsewhere.
const NO_RECORD: Duration = Duration::from_secs(2);

/// One life. Times are milliseconds since the process was started, where nothing else is said.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    pub(crate) registered: f64,
    pub(crate) subscribed: Option<f64>,
    pub(crate) next: f64,
    /// When Kinesis had acknowledged the first record.
    pub(crate) record: Option<f64>,
    /// From SHUTDOWN to its end.
    pub(crate) shutdown: f64,
    /// CPU of the whole life.
    pub(crate) cpu: f64,
    /// Resident after the first invocation, in KiB.
    pub(crate) steady_kib: u64,
    pub(crate) peak_kib: u64,
}

/// Lets it live once: a function that is invoked once.
pub(crate) fn measure(subject: &Subject, kinesis: &Kinesis) -> Result<Start> {
    kinesis.reset();
    let mut lambda = FakeLambda::start()?;
    let life = subject.start(&lambda, kinesis, 128)?;
    let since = |instant: Instant| ms(instant.saturating_duration_since(life.spawned));
    let next = lambda.next(1, PATIENCE).context("it never calls next")?;
    lambda.publish(&events::batch(&events::init()))?;
    lambda.invoke(events::REQUEST);
    lambda.publish(&events::batch(&events::invocation()))?;
    let delivers = lambda.seen().subscribed.is_some();
    let taken = if delivers { kinesis.until(1, NO_RECORD) } else { kinesis.taken() };
    lambda.next(2, PATIENCE).context("it calls next no second time")?;
    let (steady_kib, peak_kib) = (life.memory_kib("VmRSS")?, life.memory_kib("VmHWM")?);
    let seen = lambda.seen();
    let start = Start {
        registered: since(seen.registered.context("it never registers")?),
        subscribed: seen.subscribed.map(since),
        next: since(next),
        record: taken.first.map(since),
        shutdown: 0.0,
        cpu: 0.0,
        steady_kib,
        peak_kib,
    };
    let told = Instant::now();
    lambda.shut_down();
    let (exit, cpu) = life.end(PATIENCE)?;
    if !exit.success() {
        bail!("it ends with {exit}");
    }
    Ok(Start { shutdown: ms(told.elapsed()), cpu: ms(cpu), ..start })
}
