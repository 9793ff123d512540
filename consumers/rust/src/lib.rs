//! Reads the records that `kinesis-telemetry-extension` puts into a Kinesis data stream.
//!
//! A record's data is decoded (gzip, Zstandard, KPL aggregates), split into lines, and each line becomes an [`Event`]: the
//! JSON text that Lambda generated, byte for byte, and the identity that the extension added to it. A [`Gathering`] then
//! sorts events by that identity, drops duplicates, joins parts and says which numbers are missing.
//!
//! ```
//! use kinesis_telemetry_consumer::{Gathering, record};
//!
//! let data = br#"{"type":"function","record":"hello","source":{"function":"orders","instance":"k3J9x0QvT2aB","seq":1}}"#;
//! let mut gathering = Gathering::default();
//! for line in record(data) {
//!     match line {
//!         Ok(event) => gathering.add(event, 1_790_000_000_000),
//!         Err(broken) => eprintln!("skipped a line: {}", broken.why),
//!     }
//! }
//! for judged in gathering.judged() {
//!     assert!(judged.instance.has_all(), "missing: {:?}", judged.instance.missing);
//!     assert_eq!(judged.arrivals[0].event.text, r#"{"type":"function","record":"hello"}"#);
//! }
//! ```
//!
//! `docs/consuming.md` describes the format; `examples/read.rs` reads files of records.

mod decode;
mod gather;
pub mod strict;
mod unpack;

pub use decode::lines;
pub use gather::{Arrival, Gathering, Instance, Judged};
pub use unpack::{Broken, Event, Source, join, record};
