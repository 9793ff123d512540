//! Measures what an extension adds to the invocations of a function. The sandbox freezes the environment between invocations, and
//! its Kinesis responds after a delay.
//!
//! One environment is alive at a time, so the figures of an extension do not depend on how many others are measured.

mod duplicates;
mod environment;
mod pauses;

use std::time::Duration;

use extension_sandbox::Program;

use crate::subject::Subject;
pub(crate) use duplicates::Duplicates;
use environment::TestEnvironment;

/// The time that a request to Kinesis takes within a region, roughly.
pub(crate) const ROUND_TRIP: Duration = Duration::from_millis(10);
/// Invocations of an environment that do not count, because a function counts as busy only after some.
const WARM_UP: usize = 10;

/// The work of a function, and the rate of its invocations.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Workload {
    pub(crate) lines: u32,
    pub(crate) work_ms: u64,
    /// The longest pause between the end of an invocation and the start of the next. The pauses are spread evenly up to it.
    pub(crate) pauses: Duration,
    /// The factor by which it is invoked more often than others, because its invocations follow quickly.
    repeat: usize,
}

/// The pauses last up to Lambda's buffering time, so that invocations meet every phase of the buffer's timer equally
/// often.
pub(crate) const ORDINARY: Workload =
    Workload { lines: 10, work_ms: 20, pauses: Duration::from_millis(100), repeat: 1 };
/// An invocation about every 30 ms, so that records fill up, and deliveries are due in the middle of invocations.
pub(crate) const VERBOSE: Workload =
    Workload { lines: 100, work_ms: 20, pauses: Duration::from_millis(20), repeat: 3 };
/// Shorter than a round trip to Kinesis.
pub(crate) const SHORT: Workload =
    Workload { lines: 100, work_ms: 1, pauses: Duration::from_millis(20), repeat: 3 };
/// Invocations without pause and without a log line: most should cause no request.
pub(crate) const SILENT: Workload =
    Workload { lines: 0, work_ms: 0, pauses: Duration::ZERO, repeat: 3 };

/// The observations of an extension under a workload, in all of its environments.
#[derive(Clone, Debug)]
pub(crate) struct Observed {
    pub(crate) label: String,
    pub(crate) invocations: Vec<Times>,
    /// Requests to Kinesis in the invocations that count.
    pub(crate) requests: u64,
    /// True if Kinesis has accepted a record.
    pub(crate) has_delivered: bool,
    /// `None` if records cannot be read, because they are in another format.
    pub(crate) duplicates: Option<Duplicates>,
    /// Milliseconds from the start of each shutdown to the extension's end.
    pub(crate) shutdowns: Vec<f64>,
    pub(crate) peak_kib: u64,
    /// Steps that did not go as Lambda requires.
    pub(crate) notes: Vec<String>,
    /// True once the extension did not start, or an invocation failed.
    pub(crate) has_failed: bool,
}

/// An invocation, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// The time from the start to the end of the function.
    pub(crate) function: f64,
    /// The time from the end of the function until the extension had called `next`.
    pub(crate) extension: f64,
}

impl Times {
    pub(crate) fn billed(self) -> f64 {
        self.function + self.extension
    }
}

impl Observed {
    fn new(label: &str) -> Self {
        Self {
            label: label.to_owned(),
            invocations: Vec::new(),
            requests: 0,
            has_delivered: false,
            duplicates: Some(Duplicates::default()),
            shutdowns: Vec::new(),
            peak_kib: 0,
            notes: Vec::new(),
            has_failed: false,
        }
    }
}

/// Runs each extension in this many environments, in turn with the others, with this many invocations in each.
///
/// If an extension fails, only its own remaining environments are skipped.
pub(crate) async fn measure(
    subjects: &[Subject],
    function: &Program,
    workload: Workload,
    environments: usize,
    invocations: usize,
) -> Vec<Observed> {
    let mut all: Vec<Observed> = subjects.iter().map(|it| Observed::new(&it.label)).collect();
    for _ in 0..environments {
        let left = subjects.iter().zip(&mut all).filter(|(_, observed)| !observed.has_failed);
        for (subject, observed) in left {
            if let Err(error) =
                run_environment(subject, function, workload, invocations, observed).await
            {
                observed.notes.push(format!("in the sandbox: {error:#}"));
                observed.has_failed = true;
            }
        }
    }
    all
}

/// Runs one environment from its start to its end, and adds to `observed` what was seen.
async fn run_environment(
    subject: &Subject,
    function: &Program,
    workload: Workload,
    invocations: usize,
    observed: &mut Observed,
) -> anyhow::Result<()> {
    let mut environment = TestEnvironment::new(subject, function).await?;
    let mut pauses = pauses::even(workload.pauses);
    for _ in 0..WARM_UP {
        environment.invoke(workload).await?;
        tokio::time::sleep(pauses.next().unwrap_or_default()).await;
    }
    let requests = environment.requests();
    for _ in 0..invocations * workload.repeat {
        observed.invocations.push(environment.invoke(workload).await?);
        tokio::time::sleep(pauses.next().unwrap_or_default()).await;
    }
    observed.requests += environment.requests() - requests;
    environment.end(observed).await;
    Ok(())
}
