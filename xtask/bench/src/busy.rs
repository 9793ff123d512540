//! What an extension adds to the invocations of a busy function, in the sandbox: frozen between invocations, with a
//! Kinesis that answers after a while.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use extension_sandbox::kinesis::faults::Faults;
use extension_sandbox::{Kinesis, Options, Program, Sandbox, Status};
use extension_spec::variable;
use serde_json::json;

use crate::fake_lambda::{STREAM, units};
use crate::subject::Subject;

/// About what a request to Kinesis takes within a region.
pub(crate) const ROUND_TRIP: Duration = Duration::from_millis(10);
/// How long the function works, and how much it says.
const WORK_MS: u64 = 20;
const LINES: u32 = 10;
/// Invocations that do not count: a function is busy only once it has been invoked some times.
pub(crate) const WARM_UP: usize = 10;

/// What became of a subject.
#[derive(Clone, Debug)]
pub(crate) struct Busy {
    pub(crate) label: String,
    /// For each invocation, in milliseconds: until the function had finished, and from there on.
    pub(crate) function: Vec<f64>,
    pub(crate) extension: Vec<f64>,
    pub(crate) requests: u64,
    pub(crate) units: u64,
    pub(crate) events: u64,
    /// From the beginning of the shutdown to the extension's end, in milliseconds.
    pub(crate) shutdown: f64,
    /// Most memory after half of the invocations, and after all of them, in KiB.
    pub(crate) peak_kib: (u64, u64),
}

impl Busy {
    /// What the caller pays for each invocation, in milliseconds.
    pub(crate) fn billed(&self) -> impl Iterator<Item = f64> {
        self.function.iter().zip(&self.extension).map(|(function, extension)| function + extension)
    }
}

/// An environment, and its stream.
struct World {
    sandbox: Sandbox,
    kinesis: Arc<Kinesis>,
    /// What the extension registers as.
    name: String,
    busy: Busy,
}

/// By turns, so that whatever else the machine does meets all of them.
pub(crate) async fn measure(
    subjects: &[Subject],
    function: &Program,
    invocations: usize,
) -> Result<Vec<Busy>> {
    let payload = json!({ "lines": LINES, "sleepMs": WORK_MS }).to_string();
    live(subjects, function, invocations, &payload).await
}

/// Invocations that take no time and log nothing.
pub(crate) async fn quick(
    subject: &Subject,
    function: &Program,
    invocations: usize,
) -> Result<Busy> {
    let payload = json!({ "lines": 0 }).to_string();
    let mut all = live(std::slice::from_ref(subject), function, invocations, &payload).await?;
    all.pop().context("one subject has one result")
}

async fn live(
    subjects: &[Subject],
    function: &Program,
    invocations: usize,
    payload: &str,
) -> Result<Vec<Busy>> {
    let mut worlds = Vec::new();
    for subject in subjects {
        worlds.push(World::new(subject, function).await?);
    }
    for _ in 0..WARM_UP {
        for world in &mut worlds {
            world.invoke(payload).await?;
        }
    }
    for world in &mut worlds {
        world.begin();
    }
    for n in 1..=invocations {
        for world in &mut worlds {
            world.invoke(payload).await?;
            if n == invocations / 2 {
                world.busy.peak_kib.0 = world.peak_kib();
            }
        }
    }
    let mut all = Vec::new();
    for world in worlds {
        all.push(world.end().await?);
    }
    Ok(all)
}

impl World {
    async fn new(subject: &Subject, function: &Program) -> Result<Self> {
        let kinesis = Kinesis::start(STREAM).await?;
        kinesis.set_faults(Faults::none().slow(ROUND_TRIP));
        let mut environment = vec![
            ("AWS_ENDPOINT_URL_KINESIS".to_owned(), kinesis.url()),
            (variable::STREAM.to_owned(), STREAM.to_owned()),
        ];
        environment.extend(subject.settings.iter().cloned());
        let extension = Program::File(subject.program.clone());
        let options = Options {
            extensions: vec![extension.clone()],
            function: function.clone(),
            timeout: Duration::from_secs(30),
            kinesis: Some(kinesis.clone()),
            environment,
            ..Options::default()
        };
        let sandbox = Sandbox::new(options).await?;
        let busy = Busy {
            label: subject.label.clone(),
            function: Vec::new(),
            extension: Vec::new(),
            requests: 0,
            units: 0,
            events: 0,
            shutdown: 0.0,
            peak_kib: (0, 0),
        };
        let mut world = Self { sandbox, kinesis, name: extension.name(), busy };
        // Init is not an invocation's business.
        let init = world.sandbox.init().await;
        ensure!(init.status == Status::Success, "{} does not start: {init:?}", subject.label);
        Ok(world)
    }

    async fn invoke(&mut self, payload: &str) -> Result<()> {
        let done = self.sandbox.invoke(payload.to_owned()).await;
        ensure!(done.status == Status::Success, "with {}: {done:?}", self.busy.label);
        self.busy.function.push(done.function_ms);
        self.busy.extension.push(done.extension_ms);
        Ok(())
    }

    /// From here on it counts.
    fn begin(&mut self) {
        self.busy.function.clear();
        self.busy.extension.clear();
        self.busy.requests = self.kinesis.requests();
    }

    fn peak_kib(&self) -> u64 {
        self.sandbox.peak_memory(&self.name).unwrap_or_default() / 1024
    }

    async fn end(self) -> Result<Busy> {
        let peak_kib = self.peak_kib();
        let Self { sandbox, kinesis, mut busy, .. } = self;
        busy.peak_kib.1 = peak_kib;
        let recording = sandbox.shutdown_with_recording().await;
        let exit =
            recording.shutdown.exits.first().context("an extension ends with the environment")?;
        ensure!(exit.code == Some(0), "{} ends with {exit:?}", busy.label);
        busy.shutdown = exit.duration_ms;
        busy.requests = kinesis.requests() - busy.requests;
        busy.events = recording.journal.len() as u64;
        let bytes = |record: &extension_sandbox::kinesis::Record| {
            units((record.data.len() + record.partition_key.len()) as u64)
        };
        busy.units = kinesis.records().iter().map(bytes).sum();
        Ok(busy)
    }
}
