//! Packs a day of events in a given way, and counts what Kinesis bills for it. Nothing is sent.

use std::collections::VecDeque;
use std::ops::AddAssign;
use std::time::{Duration, Instant, SystemTime};

use extension_spec::packing::COMBINATIONS;
use extension_spec::{Config, PartitionKey, limits};
use kinesis_telemetry_extension::{
    Event, Intake, Limits, Moment, Packer, Packing, Record, Scope, Selection, Source,
};

use crate::typical::{Logs, Typical};

/// The lines that an invocation logs by default.
pub const LINES: usize = 100;
/// On-demand streams bill a record in units of so many bytes.
const KB: usize = 1_024;
/// Firehose bills a record of a stream in units of so many bytes.
const FIREHOSE_UNIT: usize = 5 * KB;
/// A payload unit, if a kilobyte is 1,000 bytes there.
const DECIMAL_UNIT: u64 = 25_000;
/// Queue of a function with 512 MB.
pub(crate) const QUEUE_BYTES: usize = 64 * 1024 * 1024;

/// The rate of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Low: each invocation is flushed by itself.
    Rare,
    /// High: records are sent as they fill.
    Busy,
}

/// The counts of what was sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sent {
    /// The number of whole events.
    pub events: u64,
    /// Records.
    pub records: u64,
    /// Bytes as Kinesis counts them, the partition keys included.
    pub bytes: u64,
    /// Bytes on the bill of an on-demand stream.
    pub on_demand: u64,
    /// Bytes on the bill of a Firehose that reads the stream.
    pub firehose: u64,
    /// PUT payload units on the bill of a provisioned stream.
    pub units: u64,
    /// The payload units if 25 KB are 25,000 bytes, which AWS does not state.
    pub decimal_units: u64,
}

impl Sent {
    fn add(&mut self, record: &Record) {
        self.events += record.events;
        self.add_bytes(record.size());
    }

    /// A record of this size, its key counted. Each is rounded by itself.
    pub fn add_bytes(&mut self, size: usize) {
        self.records += 1;
        self.bytes += size as u64;
        self.on_demand += size.next_multiple_of(KB) as u64;
        self.firehose += size.next_multiple_of(FIREHOSE_UNIT) as u64;
        self.units += (size as u64).div_ceil(limits::PAYLOAD_UNIT_BYTES);
        self.decimal_units += (size as u64).div_ceil(DECIMAL_UNIT);
    }
}

impl AddAssign for Sent {
    fn add_assign(&mut self, more: Self) {
        self.events += more.events;
        self.records += more.records;
        self.bytes += more.bytes;
        self.on_demand += more.on_demand;
        self.firehose += more.firehose;
        self.units += more.units;
        self.decimal_units += more.decimal_units;
    }
}

/// Returns every valid combination of settings.
pub fn packings() -> Vec<Packing> {
    let mut packings = Vec::new();
    for combination in COMBINATIONS {
        for compression in combination.compressions {
            for envelope in combination.envelopes {
                packings.push(Packing {
                    format: combination.format,
                    compression: *compression,
                    envelope: *envelope,
                    partition_key: PartitionKey::Instance,
                });
            }
        }
    }
    packings
}

/// Returns the default settings.
pub fn defaults() -> Config {
    let nothing: [(&str, &str); 0] = [];
    extension_spec::load(nothing).config
}

/// Returns the events of this many invocations with this many lines, by invocation, numbered as the process numbers them.
pub fn invocations(logs: Logs, lines: usize, packing: Packing, count: usize) -> Vec<Vec<Event>> {
    let config = defaults();
    let mut typical = Typical::new(logs);
    let mut intake = Intake::new(source(packing), config.types, true);
    let now = now();
    let mut accept = |_| intake.accept(&typical.invocation(lines), now).events;
    (0..count).map(&mut accept).collect()
}

/// Returns a time. Nothing here depends on when it is.
fn now() -> Moment {
    let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_786_278_896);
    Moment { monotonic: Instant::now(), wall }
}

/// Returns the events that an extension with these settings delivers of text lines, by the invocation in which they are let
/// through. One in `failing` invocations fails.
pub(crate) fn selected(
    config: &Config,
    lines: usize,
    count: usize,
    failing: usize,
) -> Vec<Vec<Event>> {
    let mut typical = Typical::new(Logs::Text);
    let selection = Selection::new(config, QUEUE_BYTES);
    let mut intake = Intake::new(source(Packing::new(config)), config.types.clone(), true)
        .with_selection(selection);
    let now = now();
    let accept = |number: usize| {
        let status = if number.is_multiple_of(failing) { "error" } else { "success" };
        intake.accept(&typical.invocation_ending(lines, status), now).events
    };
    (0..count).map(accept).collect()
}

/// Packs them, with records of this size as the target.
pub fn send(invocations: &[Vec<Event>], flow: Flow, packing: Packing, target_bytes: usize) -> Sent {
    let limits = Limits { target_bytes, ..Limits::new(&defaults(), QUEUE_BYTES) };
    let mut packer = Packer::new(limits, packing, source(packing));
    let scope = match flow {
        Flow::Rare => Scope::All,
        Flow::Busy => Scope::Full,
    };
    let mut sent = Sent::default();
    let mut waiting = VecDeque::new();
    for events in invocations {
        waiting.extend(events.iter().cloned());
        sent += drain(&mut packer, &mut waiting, scope);
    }
    sent
}

/// Packs all events that `scope` selects.
pub(crate) fn drain(packer: &mut Packer, waiting: &mut VecDeque<Event>, scope: Scope) -> Sent {
    let mut sent = Sent::default();
    loop {
        let records = packer.pack(waiting, scope);
        if records.is_empty() {
            return sent;
        }
        for record in &records {
            sent.add(record);
        }
    }
}

/// Returns the source of the events.
pub(crate) fn source(packing: Packing) -> Source {
    // As long as such names are, and as the ids of instances are.
    Source::new("checkout-orders", "$LATEST", "k3J9x0QvT2aB").in_envelope(packing.envelope)
}
