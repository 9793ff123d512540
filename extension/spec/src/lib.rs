//! The facts that more than one room of this project must know, each said once.
//!
//! A fact enters here when it has readers in two files that cannot see each other: the extension and the local Lambda,
//! Rust and TypeScript, code and README. What has one reader lives where it is read. This crate depends on `std` alone
//! and does nothing: no process environment is read, nothing is printed.
//!
//! - [`Config`] holds the parameters, one stanza each, and [`Config::PARAMS`] describes them to other languages.
//! - [`load`] reads a [`Config`] from the variables of an environment and reports *every* problem together.
//! - [`limits`] holds the numbers that AWS sets.

mod conflicts;
mod environment;
pub mod limits;
mod param;
mod params;
mod problem;
mod reader;
mod value;

pub use environment::{Loaded, load};
pub use param::{Param, Range};
pub use params::Config;
pub use problem::Problem;
pub use value::{Bytes, Count, Flush, Kind, Level, Millis, Stream, Types, Value};

/// The name under which the extension registers. Lambda refuses an external extension whose file in `/opt/extensions`
/// is called otherwise, so it is also the name of the binary and of the file in the layer.
pub const EXTENSION_NAME: &str = "kinesis-telemetry-extension";

/// Every variable of ours starts with this. The environment is shared with the function, which may well have a
/// `BUFFER_TIMEOUT_MS` of its own, so a bare name is never read.
pub const ENV_PREFIX: &str = "KINESIS_TELEMETRY_";

/// Types of the events that the extension itself adds to the stream.
pub mod event_type {
    /// What starts every type of ours.
    pub const PREFIX: &str = "kinesis-telemetry.";
    /// Input that is no JSON, or no event: delivered wrapped, never dropped.
    pub const QUARANTINE: &str = "kinesis-telemetry.quarantine";
    /// One piece of an event that is too large for a record.
    pub const PART: &str = "kinesis-telemetry.part";
}

/// Whether two strings are equal, in a constant: ties names to `Cargo.toml` at compile time.
pub const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}
