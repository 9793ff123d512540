//! The order of measurements. Extensions take turns, so that other load on the machine affects all of them.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;
use std::{fs, thread};

use anyhow::{Context, Result};
use extension_sandbox::Program;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use kinesis_telemetry_terminal::StatusLine;

use crate::busy::{self, Observed, Workload};
use crate::cli::Options;
use crate::empty_tmp;
use crate::fake_lambda::{Kinesis, Transport};
use crate::load::{self, Cost, Load};
use crate::page_cache;
use crate::startup::{self, Start};
use crate::subject::Subject;

/// The number of times that each load is put on an extension, if it is started at least as often.
const LOAD_ROUNDS: usize = 5;
/// Environments of an extension under each workload, if it is started as often.
const ENVIRONMENTS: usize = 3;
/// One start after a rest, and one without the page cache, for so many other starts.
const STARTS_FOR_ONE_SLOW: usize = 4;
/// The rest of the machine before some starts.
const REST: Duration = Duration::from_secs(1);

/// The state of the machine before a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Condition {
    /// Right after a short run of the control, so that the caches and the clock of the processor are in the same state for all.
    Warm,
    /// After a second in which nothing ran: caches of the processor hold other things.
    Rested,
    /// The program was dropped from the page cache.
    Uncached,
}

/// The part that an extension has in the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Ours,
    /// Subscribes and acknowledges. Takes part in everything, because the others are held against it.
    Floor,
    /// Registers. Takes part in starts only.
    Control,
    Other,
}

/// The observations of an extension, apart from those in the sandbox.
pub(crate) struct Measured {
    pub(crate) subject: Subject,
    role: Role,
    pub(crate) bytes: u64,
    /// The size as a zip packs it.
    pub(crate) zipped_bytes: u64,
    pub(crate) starts: BTreeMap<Condition, Vec<Start>>,
    pub(crate) costs: Vec<(Load, Cost)>,
    /// Steps that did not go as Lambda requires, and how often.
    pub(crate) notes: BTreeMap<String, usize>,
    /// True once a step did not happen. The remaining measurements are left out, because they would only time out.
    has_failed: bool,
}

/// The observations of all extensions.
pub(crate) struct Results {
    /// Ours, the floor, the control, and the others.
    pub(crate) programs: Vec<Measured>,
    pub(crate) workloads: Vec<(Workload, Vec<Observed>)>,
    /// The difference between `/tmp` and that of a new environment, if there is one.
    pub(crate) tmp: Option<String>,
}

/// Measures everything.
pub(crate) fn measure(options: &Options) -> Result<Results> {
    let mut measured = subjects(options)?;
    let programs = measured.iter().map(|it| it.subject.program.as_path());
    let files = [&options.function].into_iter().chain(&options.svg).map(PathBuf::as_path);
    let tmp = empty_tmp::enter(programs.chain(files));
    let progress = StatusLine::default();
    starts(&mut measured, options.rounds, &progress)?;
    loads(&mut measured, options.rounds.min(LOAD_ROUNDS), &progress)?;
    let invoked = measured.iter().filter(|it| it.role != Role::Control);
    let invoked: Vec<Subject> = invoked.map(|it| it.subject.clone()).collect();
    let workloads = workloads(&invoked, options, &progress)?;
    progress.clear();
    Ok(Results { programs: measured, workloads, tmp })
}

/// Returns ours, the floor, the control, and the others.
fn subjects(options: &Options) -> Result<Vec<Measured>> {
    let Options { extension, floor, control, .. } = options;
    let ours = extension.file_name().unwrap_or_default().to_string_lossy();
    let own = [(&*ours, extension, Role::Ours), ("floor", floor, Role::Floor)];
    let others = options.against.iter().map(|(label, path)| (label.as_str(), path, Role::Other));
    let programs = own.into_iter().chain([("control", control, Role::Control)]).chain(others);
    let mut all: Vec<Measured> = Vec::new();
    for (label, program, role) in programs {
        let is_taken = all.iter().any(|other| other.subject.label == label);
        let label = if is_taken { program.display().to_string() } else { label.to_owned() };
        let subject = Subject {
            label,
            program: std::path::absolute(program)?,
            settings: options.settings.clone(),
            step_timeout: Duration::from_secs(options.step_timeout),
        };
        all.push(Measured::new(subject, role)?);
    }
    Ok(all)
}

fn starts(all: &mut [Measured], rounds: usize, progress: &StatusLine) -> Result<()> {
    let kinesis = Kinesis::start(Transport::Https)?;
    let control = all.iter().find(|it| it.role == Role::Control).map(|it| it.subject.clone());
    let control = control.context("there is no control")?;
    let slow = rounds.div_ceil(STARTS_FOR_ONE_SLOW);
    for (condition, rounds) in
        [(Condition::Warm, rounds), (Condition::Rested, slow), (Condition::Uncached, slow)]
    {
        for round in 1..=rounds {
            progress.set(&format!("{round} of {rounds} starts"));
            for measured in all.iter_mut().filter(|it| !it.has_failed) {
                measured.start(condition, &control, &kinesis);
            }
        }
    }
    Ok(())
}

fn loads(all: &mut [Measured], rounds: usize, progress: &StatusLine) -> Result<()> {
    let kinesis = Kinesis::start(Transport::Http)?;
    for round in 1..=rounds {
        progress.set(&format!("{round} of {rounds} loads"));
        for load in load::ALL {
            for measured in all.iter_mut().filter(|it| it.has_subscribed() && !it.has_failed) {
                measured.load(load, &kinesis);
            }
        }
    }
    Ok(())
}

/// Invokes functions, with ours in each way of flushing where that decides, and else as it is by default.
fn workloads(
    subjects: &[Subject],
    options: &Options,
    progress: &StatusLine,
) -> Result<Vec<(Workload, Vec<Observed>)>> {
    let (ours, others) = subjects.split_first().context("there is nothing to measure")?;
    let ways = ["adaptive", "start", "end"].map(|way| ours.with("FLUSH", way));
    let all_ways = [ways.as_slice(), others].concat();
    let function = Program::File(options.function.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let workloads = [
        (busy::ORDINARY, all_ways.as_slice()),
        (busy::VERBOSE, subjects),
        (busy::SHORT, subjects),
        (busy::SILENT, subjects),
    ];
    let mut results: Vec<(Workload, Vec<Observed>)> = Vec::new();
    for (n, (workload, subjects)) in workloads.into_iter().enumerate() {
        // A step that failed with one function is not waited for with the others.
        let failed = results.iter().flat_map(|(_, all)| all).filter(|it| it.has_failed);
        let has_failed = |it: &&Subject| failed.clone().any(|failed| failed.label == it.label);
        let subjects: Vec<Subject> =
            subjects.iter().filter(|it| !has_failed(it)).cloned().collect();
        progress.set(&format!("{} of {} functions", n + 1, workloads.len()));
        let environments = options.rounds.min(ENVIRONMENTS);
        let measuring =
            busy::measure(&subjects, &function, workload, environments, options.invocations);
        results.push((workload, runtime.block_on(measuring)));
    }
    Ok(results)
}

impl Measured {
    fn new(subject: Subject, role: Role) -> Result<Self> {
        let program = &subject.program;
        let bytes =
            fs::read(program).with_context(|| format!("{} cannot be read", program.display()))?;
        let mut deflate = DeflateEncoder::new(Vec::new(), Compression::best());
        deflate.write_all(&bytes)?;
        Ok(Self {
            subject,
            role,
            bytes: bytes.len() as u64,
            zipped_bytes: deflate.finish()?.len() as u64,
            starts: BTreeMap::new(),
            costs: Vec::new(),
            notes: BTreeMap::new(),
            has_failed: false,
        })
    }

    fn start(&mut self, condition: Condition, control: &Subject, kinesis: &Kinesis) {
        if condition == Condition::Uncached
            && let Err(error) = page_cache::drop_file(&self.subject.program)
        {
            self.note([format!("it cannot be dropped from the page cache: {error:#}")]);
            return;
        }
        if condition == Condition::Rested {
            rest();
        } else if self.role != Role::Control || condition == Condition::Warm {
            startup::measure(control, kinesis, false);
        }
        let starts = self.starts.entry(condition).or_default();
        // One that delivers elsewhere is waited for once.
        let awaits_record = condition == Condition::Warm
            && matches!(self.role, Role::Ours | Role::Other)
            && starts.last().is_none_or(|last| last.record.is_some());
        let start = startup::measure(&self.subject, kinesis, awaits_record);
        starts.push(start.clone());
        self.note(start.notes);
        self.has_failed = !start.is_complete;
        if condition == Condition::Uncached && start.major_faults == Some(0) {
            self.note(["the kernel kept it in the page cache".to_owned()]);
        }
    }

    fn load(&mut self, load: Load, kinesis: &Kinesis) {
        let mut notes = Vec::new();
        match load::measure(&self.subject, kinesis, load, self.delivers(), &mut notes) {
            Ok(cost) => self.costs.push((load, cost)),
            Err(error) => {
                notes.push(format!("under load: {error:#}"));
                self.has_failed = true;
            }
        }
        self.note(notes);
    }

    fn note(&mut self, notes: impl IntoIterator<Item = String>) {
        for note in notes {
            *self.notes.entry(note).or_default() += 1;
        }
    }

    fn has_subscribed(&self) -> bool {
        self.starts.values().flatten().any(|start| start.subscribed.is_some())
    }

    /// Returns true if records have reached Kinesis.
    pub(crate) fn delivers(&self) -> bool {
        self.starts.values().flatten().any(|start| start.record.is_some())
    }
}

#[expect(clippy::disallowed_methods, reason = "the rest is what is measured")]
fn rest() {
    thread::sleep(REST);
}
