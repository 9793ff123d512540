//! The facts that more than one part of this project needs, each stated once.
//!
//! A fact belongs here if it has readers in two files that cannot see each other: the extension and the local Lambda,
//! Rust and TypeScript, code and README. A fact with one reader stays where it is read. This crate depends on `std`
//! alone. It neither reads the process environment nor prints.
//!
//! - [`Config`] holds the parameters, one stanza each, and [`Config::PARAMS`] describes them to other languages.
//! - [`load`] reads a [`Config`] from environment variables and reports *every* problem together.
//! - [`deployment`] holds the names under which a deployment to AWS is found, [`event`] the members that the extension
//!   adds to events, and [`metric`] the names of its metrics.
//! - [`limits`] holds AWS's limits, [`consuming`] those that every consumer may rely on.

/// Expands to the prefix as a literal, for constants that begin with it.
macro_rules! env_prefix {
    () => {
        "KINESIS_TELEMETRY_"
    };
}

/// Expands to the name as a literal, for constants that contain it.
macro_rules! extension_name {
    () => {
        "kinesis-telemetry-extension"
    };
}

mod choices;
mod conflicts;
pub mod consuming;
pub mod deployment;
mod environment;
pub mod event;
pub mod event_type;
mod labels;
mod level;
pub mod limits;
pub mod metric;
pub mod packing;
mod param;
mod params;
mod problem;
mod reader;
mod selection;
mod types;
mod value;

pub use choices::{Compression, Envelope, Flush, Level, Metrics, PartitionKey, RecordFormat};
pub use environment::{Loaded, load};
pub use labels::{Label, Labels};
pub use level::LogLevel;
pub use param::{Param, Range};
pub use params::{Config, variable};
pub use problem::{Problem, printable, without_userinfo};
pub use selection::{Keep, Sample};
pub use types::{Types, Wanted};
pub use value::{Bytes, Count, Kind, Millis, QueueUrl, Stream, Value};

/// The path of this file, as the compiler states it.
pub const DECLARED_IN: &str = file!();

/// The name under which the extension registers. Lambda rejects an external extension whose file in `/opt/extensions`
/// has another name, so it is also the name of the binary and of the file in the layer.
pub const EXTENSION_NAME: &str = extension_name!();

/// The prefix of every line of the extension's log. People and the extension itself recognise its lines by it.
pub const LOG_PREFIX: &str = concat!("[", extension_name!(), "]");

/// The prefix of every variable that the extension reads. The environment is shared with the function, which may have
/// its own `BUFFER_TIMEOUT_MS`, so a name without the prefix is never read.
pub const ENV_PREFIX: &str = env_prefix!();

/// True if two strings are equal. It is usable in constants, and ties names to `Cargo.toml` at compile time.
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
