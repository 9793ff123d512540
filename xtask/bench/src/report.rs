//! The results as numbers for readers. Pure, apart from the machine and the date.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::busy::{self, Observed, Times, Workload};
use crate::load::{self, Cost, Load};
use crate::measure::{Condition, Measured, Results};
use crate::startup::Start;
use crate::statistics::{median, ms, quantile};

/// The whole result, as `--json` prints it. Numbers are medians, unless stated otherwise.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// The day, UTC.
    pub(crate) date: String,
    pub(crate) machine: String,
    /// The difference between `/tmp` and that of a new environment, if there is one.
    pub(crate) tmp: Option<String>,
    /// Starts of each program.
    pub(crate) rounds: usize,
    /// Ours, the floor, the control, and the others.
    pub(crate) programs: Vec<Program>,
    /// The time that Kinesis takes for an answer, where functions are invoked.
    pub(crate) round_trip_ms: f64,
    pub(crate) functions: Vec<Function>,
}

/// A program, its start, and its CPU.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) bytes: u64,
    /// The size as a zip packs it.
    pub(crate) zipped_bytes: u64,
    pub(crate) register_ms: Option<f64>,
    pub(crate) subscribe_ms: Option<f64>,
    pub(crate) next_ms: Option<f64>,
    pub(crate) first_record_ms: Option<f64>,
    /// After a second in which the machine rested.
    pub(crate) rested_register_ms: Option<f64>,
    pub(crate) rested_next_ms: Option<f64>,
    /// The time to `register` with the program dropped from the page cache; `None` if it was not.
    pub(crate) uncached_register_ms: Option<f64>,
    pub(crate) uncached_next_ms: Option<f64>,
    /// Pages of the program that were then read from the disk until `next`.
    pub(crate) uncached_major_faults: Option<f64>,
    /// CPU of a life with one invocation.
    pub(crate) life_cpu_ms: Option<f64>,
    /// After one invocation.
    pub(crate) resident_kib: Option<f64>,
    pub(crate) private_kib: Option<f64>,
    pub(crate) shutdown_ms: Option<f64>,
    /// True if it did not end by itself after SHUTDOWN.
    pub(crate) was_killed: bool,
    pub(crate) flood_cpu_us_per_event: Option<f64>,
    pub(crate) flood_events_per_second: Option<f64>,
    pub(crate) flood_payload_units_per_thousand_events: Option<f64>,
    pub(crate) flood_peak_kib: Option<f64>,
    pub(crate) hundred_lines_cpu_us_per_event: Option<f64>,
    /// The CPU time per event with a delivery at the end of each invocation.
    pub(crate) hundred_lines_delivered_each_cpu_us_per_event: Option<f64>,
    pub(crate) no_line_cpu_us_per_invocation: Option<f64>,
    pub(crate) no_line_delivered_each_cpu_us_per_invocation: Option<f64>,
    /// Steps that did not go as Lambda requires, and how often.
    pub(crate) notes: BTreeMap<String, usize>,
}

/// A function that was invoked with each extension.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Function {
    pub(crate) lines: u32,
    pub(crate) work_ms: u64,
    /// The longest pause between two invocations.
    pub(crate) longest_pause_ms: f64,
    /// Invocations with each extension.
    pub(crate) invocations: usize,
    /// Ours first, in one or several ways of flushing.
    pub(crate) extensions: Vec<Invocations>,
}

/// The invocations of a function with an extension.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Invocations {
    pub(crate) name: String,
    /// The billed time: until the function and the extension have both asked for more.
    pub(crate) billed_p50_ms: Option<f64>,
    /// The billed time less that with the floor, at the same quantile.
    pub(crate) added_p50_ms: Option<f64>,
    pub(crate) added_p99_ms: Option<f64>,
    /// Invocations that ended more than 1 ms after their function.
    pub(crate) held_percent: Option<f64>,
    /// The time from the end of the function to the end of the invocation.
    pub(crate) hold_p99_ms: Option<f64>,
    pub(crate) longest_hold_ms: Option<f64>,
    /// Events that came again, in percent of all events.
    pub(crate) duplicates_percent: Option<f64>,
    pub(crate) put_records_per_thousand: Option<f64>,
    pub(crate) shutdown_ms: Option<f64>,
    /// The most in any environment.
    pub(crate) peak_kib: Option<f64>,
    pub(crate) notes: Vec<String>,
}

/// An invocation that ends later than this after its function was held.
const HELD_MS: f64 = 1.0;

impl Report {
    /// Returns the report on so many starts of each program.
    pub(crate) fn new(rounds: usize, results: &Results) -> Result<Self> {
        let Results { programs, workloads, tmp } = results;
        let floor = &programs.get(1).context("there is no floor")?.subject.label;
        let now = humantime::format_rfc3339(std::time::SystemTime::now()).to_string();
        Ok(Self {
            date: now[..10].to_owned(),
            machine: machine(),
            tmp: tmp.clone(),
            rounds,
            programs: programs.iter().map(program).collect(),
            round_trip_ms: ms(busy::ROUND_TRIP),
            functions: workloads.iter().map(|(it, all)| function(*it, all, floor)).collect(),
        })
    }
}

fn program(measured: &Measured) -> Program {
    let of = |condition, value: fn(&Start) -> Option<f64>| {
        median(measured.starts.get(&condition).into_iter().flatten().filter_map(value))
    };
    let warm = |value| of(Condition::Warm, value);
    let cost = |load: Load, value: fn(&Cost) -> Option<f64>| {
        let costs = measured.costs.iter().filter(|(of, _)| *of == load);
        median(costs.filter_map(|(_, cost)| value(cost)))
    };
    let per_event = |it: &Cost| Some(it.cpu_us_per_event());
    let per_invocation = |it: &Cost| Some(it.cpu_us_per_invocation());
    let faults = of(Condition::Uncached, |it| it.major_faults.map(|faults| faults as f64));
    // Without a page from the disk it was a start like the others.
    let faults = faults.filter(|faults| *faults > 0.0);
    let uncached = |value| faults.and_then(|_| of(Condition::Uncached, value));
    let register = |it: &Start| it.registered;
    let next = |it: &Start| it.next;
    Program {
        name: measured.subject.label.clone(),
        bytes: measured.bytes,
        zipped_bytes: measured.zipped_bytes,
        register_ms: warm(register),
        subscribe_ms: warm(|it| it.subscribed),
        next_ms: warm(next),
        first_record_ms: warm(|it| it.record),
        rested_register_ms: of(Condition::Rested, register),
        rested_next_ms: of(Condition::Rested, next),
        uncached_register_ms: uncached(register),
        uncached_next_ms: uncached(next),
        uncached_major_faults: faults,
        life_cpu_ms: warm(|it| it.cpu),
        resident_kib: warm(|it| Some(it.memory?.resident as f64)),
        private_kib: warm(|it| Some(it.memory?.private as f64)),
        shutdown_ms: warm(|it| it.shutdown),
        was_killed: measured.starts.values().flatten().any(Start::was_killed),
        flood_cpu_us_per_event: cost(load::FLOOD, per_event),
        flood_events_per_second: cost(load::FLOOD, |it| it.events_per_second),
        flood_payload_units_per_thousand_events: cost(load::FLOOD, |it| it.units_per_thousand),
        flood_peak_kib: cost(load::FLOOD, |it| Some(it.peak_kib as f64)),
        hundred_lines_cpu_us_per_event: cost(load::HUNDRED_LINES, per_event),
        hundred_lines_delivered_each_cpu_us_per_event: cost(
            load::HUNDRED_LINES.delivered_each(),
            per_event,
        ),
        no_line_cpu_us_per_invocation: cost(load::NO_LINE, per_invocation),
        no_line_delivered_each_cpu_us_per_invocation: cost(
            load::NO_LINE.delivered_each(),
            per_invocation,
        ),
        notes: measured.notes.clone(),
    }
}

fn function(workload: Workload, all: &[Observed], floor: &str) -> Function {
    let floor = all.iter().find(|it| it.label == floor);
    Function {
        lines: workload.lines,
        work_ms: workload.work_ms,
        longest_pause_ms: ms(workload.pauses),
        invocations: all.iter().map(|it| it.invocations.len()).max().unwrap_or_default(),
        extensions: all.iter().map(|it| invocations(it, floor)).collect(),
    }
}

fn invocations(observed: &Observed, floor: Option<&Observed>) -> Invocations {
    let billed = |observed: &Observed, share| {
        quantile(observed.invocations.iter().copied().map(Times::billed), share)
    };
    let added = |share| {
        let floor = floor.filter(|floor| floor.label != observed.label)?;
        Some(billed(observed, share)? - billed(floor, share)?)
    };
    let holds = || observed.invocations.iter().map(|it| it.extension);
    let count = observed.invocations.len() as f64;
    let duplicates = observed.duplicates.filter(|it| it.events > 0);
    Invocations {
        name: observed.label.clone(),
        billed_p50_ms: billed(observed, 0.5),
        added_p50_ms: added(0.5),
        added_p99_ms: added(0.99),
        held_percent: (count > 0.0)
            .then(|| holds().filter(|it| *it > HELD_MS).count() as f64 * 100.0 / count),
        hold_p99_ms: quantile(holds(), 0.99),
        longest_hold_ms: holds().max_by(f64::total_cmp),
        duplicates_percent: duplicates.map(|it| it.repeated as f64 * 100.0 / it.events as f64),
        // Records at another place are not counted.
        put_records_per_thousand: (observed.has_delivered && count > 0.0)
            .then(|| observed.requests as f64 * 1_000.0 / count),
        shutdown_ms: median(observed.shutdowns.iter().copied()),
        peak_kib: (observed.peak_kib > 0).then_some(observed.peak_kib as f64),
        notes: observed.notes.clone(),
    }
}

/// Returns the number of processors and their kind.
fn machine() -> String {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or(std::env::consts::ARCH, |(_, model)| model);
    format!("{cpus} CPUs of {model}, {}", std::env::consts::OS)
}
