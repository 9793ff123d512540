//! What was measured, in numbers that mean something.

use std::path::Path;
use std::{fs, io::Write as _};

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::DeflateEncoder;
use serde::Serialize;

use crate::busy::{self, Busy};
use crate::startup::Start;
use crate::statistics::{median, ms, quantile};
use crate::throughput::Throughput;

/// Everything, as `--json` prints it. Times are in milliseconds where nothing else is said.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// The day, UTC.
    pub(crate) date: String,
    pub(crate) machine: String,
    /// Lives of each program; numbers are medians over them.
    pub(crate) rounds: usize,
    /// Ours first, then the control.
    pub(crate) programs: Vec<Program>,
    pub(crate) busy: Vec<Invocations>,
    pub(crate) quick: Quick,
    /// How long Kinesis takes for an answer, where functions are invoked.
    pub(crate) round_trip_ms: f64,
}

/// A program, and what its start costs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) bytes: u64,
    /// As a zip packs it.
    pub(crate) packed_bytes: u64,
    pub(crate) registered: f64,
    pub(crate) subscribed: Option<f64>,
    pub(crate) next: f64,
    pub(crate) first_record: Option<f64>,
    pub(crate) shutdown: f64,
    /// CPU of a life with one invocation.
    pub(crate) cpu: f64,
    pub(crate) steady_kib: f64,
    pub(crate) peak_kib: f64,
    pub(crate) flood: Option<Flood>,
}

/// Many events at once.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Flood {
    pub(crate) cpu_us_per_event: f64,
    pub(crate) events_per_second: f64,
    pub(crate) units_per_thousand_events: f64,
    pub(crate) peak_kib: f64,
}

/// The invocations of a busy function.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Invocations {
    pub(crate) name: String,
    pub(crate) count: usize,
    /// Billed time of an invocation.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// The same less that with the control.
    pub(crate) added_p50: f64,
    pub(crate) added_p99: f64,
    pub(crate) requests_per_thousand: f64,
    pub(crate) units_per_thousand_events: f64,
    pub(crate) shutdown: f64,
    pub(crate) peak_kib: u64,
}

/// Many invocations that take no time and log nothing.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Quick {
    pub(crate) invocations: usize,
    pub(crate) requests: u64,
    /// Most memory after half of them, and after all.
    pub(crate) peak_kib_half: u64,
    pub(crate) peak_kib: u64,
    pub(crate) shutdown: f64,
}

/// What was seen of a program.
pub(crate) struct Measured {
    name: String,
    bytes: u64,
    packed_bytes: u64,
    pub(crate) starts: Vec<Start>,
    pub(crate) floods: Vec<Throughput>,
}

impl Measured {
    pub(crate) fn new(name: &str, program: &Path) -> Result<Self> {
        let unreadable = || format!("{} cannot be read", program.display());
        let bytes = fs::read(program).with_context(unreadable)?;
        let mut deflate = DeflateEncoder::new(Vec::new(), Compression::best());
        deflate.write_all(&bytes)?;
        Ok(Self {
            name: name.to_owned(),
            bytes: bytes.len() as u64,
            packed_bytes: deflate.finish()?.len() as u64,
            starts: Vec::new(),
            floods: Vec::new(),
        })
    }

    fn program(&self) -> Result<Program> {
        let of = |value: fn(&Start) -> Option<f64>| median(self.starts.iter().filter_map(value));
        let always = |value: fn(&Start) -> Option<f64>| of(value).context("nothing was measured");
        Ok(Program {
            name: self.name.clone(),
            bytes: self.bytes,
            packed_bytes: self.packed_bytes,
            registered: always(|it| Some(it.registered))?,
            subscribed: of(|it| it.subscribed),
            next: always(|it| Some(it.next))?,
            first_record: of(|it| it.record),
            shutdown: always(|it| Some(it.shutdown))?,
            cpu: always(|it| Some(it.cpu))?,
            steady_kib: always(|it| Some(it.steady_kib as f64))?,
            peak_kib: always(|it| Some(it.peak_kib as f64))?,
            flood: self.flood(),
        })
    }

    fn flood(&self) -> Option<Flood> {
        let of = |value: fn(&Throughput) -> f64| median(self.floods.iter().map(value));
        Some(Flood {
            cpu_us_per_event: of(|it| it.cpu_us)?,
            events_per_second: of(|it| it.events_per_second)?,
            units_per_thousand_events: of(|it| it.units_per_thousand)?,
            peak_kib: of(|it| it.peak_kib as f64)?,
        })
    }
}

impl Report {
    /// `busy` ends with the control and whatever else there is; the control is the second of `measured`.
    pub(crate) fn new(
        rounds: usize,
        measured: &[Measured],
        busy: &[Busy],
        quick: &Busy,
    ) -> Result<Self> {
        let control = measured.get(1).context("there is no control")?;
        let control = busy.iter().find(|it| it.label == control.name);
        let control = control.context("the control was not invoked")?;
        let busy = busy.iter().map(|it| invocations(it, control)).collect::<Option<_>>();
        Ok(Self {
            date: humantime::format_rfc3339(std::time::SystemTime::now()).to_string()[..10]
                .to_owned(),
            machine: machine(),
            rounds,
            programs: measured.iter().map(Measured::program).collect::<Result<_>>()?,
            busy: busy.context("nothing was invoked")?,
            quick: Quick {
                invocations: quick.function.len(),
                requests: quick.requests,
                peak_kib_half: quick.peak_kib.0,
                peak_kib: quick.peak_kib.1,
                shutdown: quick.shutdown,
            },
            round_trip_ms: ms(busy::ROUND_TRIP),
        })
    }
}

fn invocations(busy: &Busy, control: &Busy) -> Option<Invocations> {
    let billed = |busy: &Busy, share| quantile(busy.billed(), share);
    let (p50, p99) = (billed(busy, 0.5)?, billed(busy, 0.99)?);
    let count = busy.function.len();
    let per_thousand = |n: u64, of: f64| if n == 0 { 0.0 } else { n as f64 * 1_000.0 / of };
    Some(Invocations {
        name: busy.label.clone(),
        count,
        p50,
        p99,
        added_p50: p50 - billed(control, 0.5)?,
        added_p99: p99 - billed(control, 0.99)?,
        requests_per_thousand: per_thousand(busy.requests, count as f64),
        units_per_thousand_events: per_thousand(busy.units, busy.events as f64),
        shutdown: busy.shutdown,
        peak_kib: busy.peak_kib.1,
    })
}

/// Its kind: processor and number of CPUs.
fn machine() -> String {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or(std::env::consts::ARCH, |(_, model)| model);
    format!("{cpus} CPUs of {model}, {}", std::env::consts::OS)
}
