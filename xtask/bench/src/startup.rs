//! One run of an extension: its start, one invocation with its first record, and its end.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::events::{self, Invocation};
use crate::fake_lambda::{FakeLambda, Kinesis, STREAM};
use crate::process::{MemoryKib, SHUTDOWN_LIMIT};
use crate::statistics::ms;
use crate::subject::Subject;

/// The time that the first record may take.
const RECORD: Duration = Duration::from_secs(2);

/// The observations of one run. Times are milliseconds since the process was spawned, unless stated otherwise.
#[derive(Clone, Debug, Default)]
pub(crate) struct Start {
    pub(crate) registered: Option<f64>,
    pub(crate) subscribed: Option<f64>,
    /// The time of the first call of `next`.
    pub(crate) next: Option<f64>,
    /// Pages that were read from the disk until then.
    pub(crate) major_faults: Option<u64>,
    /// The time at which Kinesis had acknowledged the first record.
    pub(crate) record: Option<f64>,
    /// Memory after the first invocation.
    pub(crate) memory: Option<MemoryKib>,
    /// Milliseconds from SHUTDOWN to the end; `None` if the extension had to be killed.
    pub(crate) shutdown: Option<f64>,
    /// CPU of the whole life, in milliseconds.
    pub(crate) cpu: Option<f64>,
    /// Steps that did not go as Lambda requires.
    pub(crate) notes: Vec<String>,
    /// True if every step happened, so that further measurements make sense.
    pub(crate) is_complete: bool,
}

/// Starts the extension and invokes it once. Waits for its first record only if `awaits_record`.
pub(crate) fn measure(subject: &Subject, kinesis: &Kinesis, awaits_record: bool) -> Start {
    let mut start = Start::default();
    match start.fill(subject, kinesis, awaits_record) {
        Ok(()) => start.is_complete = true,
        Err(error) => start.notes.push(format!("{error:#}")),
    }
    start
}

impl Start {
    /// Returns true if the extension did not end by itself after SHUTDOWN.
    pub(crate) fn was_killed(&self) -> bool {
        self.cpu.is_some() && self.shutdown.is_none()
    }

    fn fill(&mut self, subject: &Subject, kinesis: &Kinesis, awaits_record: bool) -> Result<()> {
        kinesis.reset();
        let mut lambda = FakeLambda::start()?;
        let mut process = subject.start(&lambda, kinesis, 128)?;
        let spawned = process.spawned;
        let since = |instant: Instant| ms(instant.saturating_duration_since(spawned));
        let next = subject.next(&mut process, &lambda, 1);
        let seen = lambda.seen();
        self.registered = seen.registered.map(since);
        self.subscribed = seen.subscribed.map(since);
        self.next = Some(since(next?));
        self.major_faults = Some(process.major_faults()?);
        lambda.publish(&events::batch(&[events::init()]))?;
        let invocation = Invocation(1);
        lambda.invoke(&invocation.request_id());
        lambda.publish(&invocation.whole(1))?;
        if awaits_record && seen.subscribed.is_some() {
            self.record = kinesis.until(1, RECORD).first.map(since);
            if self.record.is_none() {
                self.notes.push(format!("no record reached the stream `{STREAM}`"));
            }
        }
        subject.next(&mut process, &lambda, 2)?;
        self.memory = Some(process.memory()?);
        lambda.shut_down();
        let end = process.end()?;
        self.cpu = Some(ms(end.cpu));
        match end.exit {
            None => self.notes.push(killed()),
            Some((exit, after)) => {
                self.shutdown = Some(ms(after));
                if !exit.success() {
                    self.notes.push(format!("it ended with {exit} after SHUTDOWN"));
                }
            }
        }
        Ok(())
    }
}

/// The note on an extension that did not end.
pub(crate) fn killed() -> String {
    format!("it did not end after SHUTDOWN: killed after {} s", SHUTDOWN_LIMIT.as_secs())
}
