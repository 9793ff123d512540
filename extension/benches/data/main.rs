//! Measures the cost of an event's path through the extension.
//!
//! ```sh
//! cargo bench --package kinesis-telemetry-extension
//! ```
//!
//! Each figure comes with the allocations of an iteration. A body of log lines has 503 events.
//!
//! Everything runs on one thread, as in the extension, with typical lines of 400 to 500 bytes. Figures of one run are
//! comparable with each other; those of two machines are not.

mod loopback;
mod steps;

use std::time::{Duration, Instant, SystemTime};

use extension_spec::{Config, Envelope};
use kinesis_telemetry_extension::{Event, Intake, Limits, Moment, Packer, Packing, Source};
use xtask_model::{Logs, Typical};

/// Counts allocations, which divan prints.
#[global_allocator]
static ALLOCATOR: divan::AllocProfiler = divan::AllocProfiler::system();

/// The number of lines of a body: some 230 KB, close to what Lambda buffers.
const LINES: usize = 500;
/// The memory for events, in bytes.
const QUEUE_BYTES: usize = 64 * 1024 * 1024;

fn main() {
    divan::main();
    // `cargo bench -- --list` and similar commands measure nothing.
    if std::env::args().skip(1).all(|argument| argument == "--bench") {
        loopback::compare();
    }
}

fn body(logs: Logs) -> Vec<u8> {
    Typical::new(logs).invocation(LINES)
}

fn config() -> Config {
    let nothing: [(&str, &str); 0] = [];
    extension_spec::load(nothing).config
}

fn source(envelope: Envelope) -> Source {
    Source::new("checkout-orders", "$LATEST", "k3J9x0QvT2aB").in_envelope(envelope)
}

fn intake(envelope: Envelope) -> Intake {
    Intake::new(source(envelope), config().types, true)
}

fn packer(packing: Packing) -> Packer {
    Packer::new(Limits::new(&config(), QUEUE_BYTES), packing, source(packing.envelope))
}

/// Returns about two megabytes of events.
fn events(logs: Logs, envelope: Envelope) -> Vec<Event> {
    let (mut intake, mut typical) = (intake(envelope), Typical::new(logs));
    (0..8).flat_map(|_| intake.accept(&typical.invocation(LINES), now()).events).collect()
}

fn now() -> Moment {
    let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_786_278_896);
    Moment { monotonic: Instant::now(), wall }
}
