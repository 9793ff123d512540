//! Selects the invocations whose log lines are delivered: all remarkable ones, and a sample of the others.
//!
//! Pure. A line is held without a number until its invocation is decided. If the outcome is unknown, if telemetry is
//! missing, or if the memory for held lines is full, everything is delivered.

mod invocations;

use std::time::{Duration, Instant};

use extension_spec::{Config, Keep, LogLevel, Sample};
use ring::digest::{SHA256, digest};

use crate::base::clock::Moment;
use crate::buffer::ledger::Selected;
use crate::ingest::attribution::{Attribution, Owners};
use invocations::{Fate, Invocations};

/// The bytes that a held line takes in addition to its text.
const OVERHEAD: usize = 2 * size_of::<Line>() + 16;

/// A log line without a number.
#[derive(Debug)]
pub(super) struct Line {
    /// The event as JSON.
    pub(super) text: Box<str>,
    /// When the line reached the extension.
    pub(super) received: Instant,
    /// Its position among all lines that were ever held.
    order: u64,
    /// True if it makes its invocation remarkable.
    is_remarkable: bool,
}

impl Line {
    fn memory(&self) -> usize {
        self.text.len() + OVERHEAD
    }
}

/// The decision on a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The line is delivered, after the held lines of its invocation.
    Deliver,
    /// The line waits with this invocation.
    Hold(u64),
    /// The line waits until its invocation is known.
    HoldDoubtful,
    /// The line belongs to an invocation that is not delivered.
    Discard,
}

/// The settings, which stay when another instance starts.
#[derive(Clone, Copy, Debug)]
struct Rules {
    sample: Sample,
    keep: Keep,
    /// How long lines may arrive after the end of their function.
    buffer_timeout: Duration,
    /// The maximum number of bytes of held lines.
    most_bytes: usize,
}

/// Decides on invocations, and holds the lines of undecided ones.
#[derive(Debug)]
pub struct Selection {
    rules: Rules,
    invocations: Invocations,
    /// Lines that may belong to several invocations, or to the next one.
    doubtful: Vec<Line>,
    /// Lines that are to be delivered now.
    released: Vec<Line>,
    /// Bytes of the lines that are held.
    memory: usize,
    /// The number of lines that were ever held.
    held: u64,
    /// The invocation that had started last when the last body was read.
    seen: Option<u64>,
    /// True if something was learned since doubtful lines were last placed.
    has_news: bool,
    /// The request whose function failed or timed out, if its start was not read before the end of the environment.
    failed: Option<String>,
    /// True if a remarkable line may belong to the invocation that starts next.
    is_next_remarkable: bool,
    /// True while no line may be held: before a snapshot, and after the wait for late telemetry at the end.
    is_closed: bool,
    counts: Selected,
}

impl Selection {
    /// Returns the selection of these settings, with this many bytes for held lines; none if every line is delivered.
    pub fn new(config: &Config, most_bytes: usize) -> Option<Self> {
        let Config { sample, keep, buffer_timeout, .. } = *config;
        let buffer_timeout = buffer_timeout.duration();
        (sample != Sample::All)
            .then(|| Self::of(Rules { sample, keep, buffer_timeout, most_bytes }))
    }

    /// Creates a selection that holds nothing.
    fn of(rules: Rules) -> Self {
        Self {
            rules,
            invocations: Invocations::default(),
            doubtful: Vec::new(),
            released: Vec::new(),
            memory: 0,
            held: 0,
            seen: None,
            has_news: false,
            failed: None,
            is_next_remarkable: false,
            is_closed: false,
            counts: Selected::default(),
        }
    }

    /// Returns this selection with holding disabled, because a snapshot is ahead.
    pub(crate) fn closed(self) -> Self {
        Self { is_closed: true, ..self }
    }

    /// Starts again as another instance that holds nothing.
    pub(super) fn restarted(&self) -> Self {
        Self::of(self.rules)
    }

    /// Returns the numbers of undelivered and of undecided lines.
    pub(crate) fn counts(&self) -> Selected {
        self.counts
    }

    /// Returns the bytes of memory that held lines take.
    pub(crate) fn memory(&self) -> usize {
        self.memory
    }

    /// True if a line of this level makes its invocation remarkable. An unknown level does not.
    pub(super) fn is_remarkable(&self, level: impl FnOnce() -> Option<LogLevel>) -> bool {
        self.rules.keep.level.is_some_and(|lowest| level().is_some_and(|level| level >= lowest))
    }

    /// Records the start of an invocation. Its X-Ray root trace id decides whether it is in the sample, or its request
    /// id if it has none.
    pub(super) fn started(&mut self, number: u64, request_id: &str, root: Option<&str>) {
        let is_sampled = self.rules.sample.contains(hash(root.unwrap_or(request_id)));
        let has_failed = self.failed.as_deref() == Some(request_id);
        let is_remarkable = std::mem::take(&mut self.is_next_remarkable);
        let fate = if is_sampled || has_failed || is_remarkable {
            Fate::Delivered
        } else {
            Fate::Undecided
        };
        self.has_news = true;
        let forgotten = self.invocations.begin(number, fate);
        self.release(forgotten);
    }

    /// Records the end of a function. `has_failed` is true for every status except success.
    pub(super) fn done(
        &mut self,
        number: u64,
        has_failed: bool,
        duration: Option<Duration>,
        now: Moment,
    ) {
        self.has_news = true;
        let is_slow = duration.is_some_and(|duration| self.rules.keep.is_slow(duration));
        if (self.rules.keep.failed && has_failed) || is_slow {
            self.deliver(number);
        } else {
            self.invocations.end(number, now);
        }
    }

    /// Records that the environment is shut down because the function failed or timed out in this request. `number` is
    /// its invocation if the start was read.
    pub(super) fn fail(&mut self, request_id: &str, number: Option<u64>) {
        match number {
            _ if !self.rules.keep.failed => {}
            Some(number) => self.deliver(number),
            None => self.failed = Some(request_id.to_owned()),
        }
    }

    /// Notes that more is known about the times of invocations.
    pub(super) fn note(&mut self) {
        self.has_news = true;
    }

    /// Allows lines to be held again, because Lambda will take no snapshot.
    pub(super) fn reopen(&mut self) {
        self.is_closed = false;
    }

    /// Delivers everything undecided, because telemetry is missing or unreadable.
    pub(super) fn gap(&mut self) {
        for number in self.invocations.undecided() {
            self.deliver(number);
        }
        self.release_doubtful();
    }

    /// True if a line that may belong to these invocations is delivered whatever its level, and decides on none of
    /// them.
    pub(super) fn delivers(&self, owners: &Owners) -> bool {
        let Owners { known, or_next, or_unknown, .. } = owners;
        !or_next && !or_unknown && known.iter().all(|number| self.is(*number, Fate::Delivered))
    }

    /// Decides on a line that may belong to these invocations.
    pub(super) fn judge(&mut self, owners: &Owners, is_remarkable: bool) -> Verdict {
        let Owners { known, or_next, or_unknown, or_none } = owners;
        let or_next = *or_next && !self.is_closed;
        let is_delivered = known.iter().any(|number| self.is(*number, Fate::Delivered));
        if !is_remarkable && (*or_unknown || *or_none && !or_next || is_delivered) {
            return Verdict::Deliver;
        }
        if or_next {
            return Verdict::HoldDoubtful;
        }
        if !is_remarkable {
            let undecided = |number: &&u64| self.is(**number, Fate::Undecided);
            let mut undecided = known.iter().filter(undecided);
            return match (undecided.next(), undecided.next()) {
                (None, _) if known.is_empty() => Verdict::Deliver,
                (None, _) => Verdict::Discard,
                (Some(number), None) => Verdict::Hold(*number),
                (Some(_), Some(_)) => Verdict::HoldDoubtful,
            };
        }
        if *or_unknown {
            self.gap();
            self.is_next_remarkable = true;
        }
        for number in known {
            self.counts.late_remarkable += u64::from(self.is(*number, Fate::Discarded));
            self.deliver(*number);
        }
        Verdict::Deliver
    }

    fn is(&self, number: u64, fate: Fate) -> bool {
        self.invocations.fate(number) == fate
    }

    /// Holds a line.
    pub(super) fn hold(
        &mut self,
        verdict: Verdict,
        text: &str,
        received: Instant,
        is_remarkable: bool,
    ) {
        let line = Line { text: text.into(), received, order: self.held, is_remarkable };
        self.held += 1;
        self.memory += line.memory();
        self.counts.undecided += 1;
        self.wait(verdict, line);
    }

    /// Puts a held line where it waits.
    fn wait(&mut self, verdict: Verdict, line: Line) {
        match verdict {
            Verdict::Hold(number) => self.invocations.hold(number, line),
            _ => self.doubtful.push(line),
        }
    }

    /// Counts a held line that is not delivered.
    fn discard_held(&mut self, line: &Line) {
        self.let_go(line);
        self.discard(line.text.len());
    }

    /// Counts a line that is not delivered.
    pub(super) fn discard(&mut self, bytes: usize) {
        self.counts.sampled_out_events += 1;
        self.counts.sampled_out_bytes += bytes as u64;
    }

    /// Removes and returns the released lines, in the order of their arrival.
    pub(super) fn take_released(&mut self) -> Vec<Line> {
        let mut released = std::mem::take(&mut self.released);
        released.sort_unstable_by_key(|line| line.order);
        released
    }

    /// Decides on invocations after a body was read. One that has ended is discarded once the next one has started or
    /// its late lines had time to arrive. One whose end was not read when the next one started is delivered.
    pub(super) fn decide(
        &mut self,
        attribution: &Attribution,
        owners_of: impl Fn(&Line) -> Owners,
        now: Moment,
    ) {
        self.place(&owners_of);
        // A remarkable line that may belong to the last invocation may still make it remarkable.
        let may_decide = self.doubtful.iter().any(|line| line.is_remarkable);
        for number in self.invocations.undecided() {
            let is_last = attribution.last() == Some(number);
            match self.invocations.ended(number) {
                None if is_last && !self.is_closed => {}
                None => self.deliver(number),
                Some(ended) => {
                    let is_over = now.since(ended) >= self.rules.buffer_timeout && !may_decide;
                    if !is_last || is_over || self.is_closed {
                        self.has_news = true;
                        self.counts.sampled_out_invocations += 1;
                        for line in self.invocations.discard(number) {
                            self.discard_held(&line);
                        }
                    }
                }
            }
        }
        self.place(&owners_of);
        if self.is_closed {
            self.release_doubtful();
        }
        self.bound();
        self.seen = attribution.last().max(self.seen);
    }

    /// True if the invocation with this number started in an earlier body.
    pub(super) fn has_seen(&self, number: u64) -> bool {
        self.seen.is_some_and(|seen| number <= seen)
    }

    /// Stops holding lines.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
        self.has_news = true;
    }

    /// Places the lines about which more is known now.
    pub(super) fn place(&mut self, owners_of: impl Fn(&Line) -> Owners) {
        if !std::mem::take(&mut self.has_news) {
            return;
        }
        for line in std::mem::take(&mut self.doubtful) {
            match self.judge(&owners_of(&line), line.is_remarkable) {
                Verdict::Deliver => self.release([line]),
                Verdict::Discard => self.discard_held(&line),
                verdict => self.wait(verdict, line),
            }
        }
    }

    /// Delivers the oldest undecided invocations while held lines exceed their memory.
    fn bound(&mut self) {
        while self.memory > self.rules.most_bytes {
            match self.invocations.held_by() {
                Some(number) => self.deliver(number),
                None => self.release_doubtful(),
            }
        }
    }

    /// Decides that an invocation is delivered, with the lines held for it.
    fn deliver(&mut self, number: u64) {
        self.has_news = true;
        let lines = self.invocations.deliver(number);
        self.release(lines);
    }

    fn release_doubtful(&mut self) {
        let lines = std::mem::take(&mut self.doubtful);
        self.release(lines);
    }

    fn release(&mut self, lines: impl IntoIterator<Item = Line>) {
        for line in lines {
            self.let_go(&line);
            self.released.push(line);
        }
    }

    /// Stops counting a line as held.
    fn let_go(&mut self, line: &Line) {
        self.memory -= line.memory();
        self.counts.undecided -= 1;
    }
}

/// Returns the first eight bytes of an id's SHA-256 as a number.
fn hash(id: &str) -> u64 {
    let hash = digest(&SHA256, id.as_bytes());
    let first = hash.as_ref().first_chunk().expect("a SHA-256 has 32 bytes");
    u64::from_be_bytes(*first)
}
