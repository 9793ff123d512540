//! Counts the allocations of an event on its way from a body to a record.
//!
//! It is a separate program, because it counts in the allocator of the whole process.

use std::collections::VecDeque;
use std::time::{Instant, SystemTime};

use allocation_counter::measure;
use kinesis_telemetry_extension::{Intake, Limits, Moment, Packer, Packing, Scope, Source};
use xtask_model::{Logs, Typical};

/// The number of lines of a body, close to what Lambda buffers.
const LINES: usize = 500;

/// Returns the allocations for each event of a body, in hundredths.
fn allocations(logs: Logs) -> u64 {
    let config = extension_spec::load([("", ""); 0]).config;
    let source = Source::new("orders", "$LATEST", "k3J9x0QvT2aB");
    let mut packer = Packer::new(Limits::new(&config, 1 << 26), Packing::default(), source.clone());
    let mut intake = Intake::new(source, config.types, true);
    let body = Typical::new(logs).invocation(LINES);
    let now = Moment { monotonic: Instant::now(), wall: SystemTime::now() };
    let mut events = 0;
    let counted = measure(|| {
        let mut accepted = VecDeque::from(intake.accept(&body, now).events);
        events = accepted.len() as u64;
        assert!(!packer.pack(&mut accepted, Scope::All).is_empty());
    });
    assert!(events >= LINES as u64, "every line is an event");
    counted.count_total * 100 / events
}

#[test]
fn an_event_takes_few_allocations() {
    // One allocation is the line in the queue; the others belong to the body and the record that events share.
    for logs in [Logs::Text, Logs::Json] {
        let hundredths = allocations(logs);
        assert!(hundredths <= 112, "{logs:?}: {hundredths} hundredths an event");
    }
}
