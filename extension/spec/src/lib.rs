//! The facts that more than one room of this project must know, each said once.
//!
//! A fact enters here when it has readers in two files that cannot see each other: the extension and the local Lambda,
//! Rust and TypeScript, code and README. What has one reader lives where it is read. This crate depends on `std` alone
//! and does nothing: no process environment is read, nothing is printed.
//!
//! - [`Config`] holds the parameters, one stanza each, and [`Config::PARAMS`] describes them to other languages.
//! - [`load`] reads a [`Config`] from the variables of an environment and reports *every* problem together.
//! - [`deployment`] holds the names under which a deployment to AWS is found, [`event`] what the extension adds to events,
//!   [`metric`] what its metrics are called.
//! - [`limits`] holds the numbers that AWS sets, [`consuming`] those that every consumer may rely on.

/// As a literal, for constants that begin with it.
macro_rules! env_prefix {
    () => {
        "KINESIS_TELEMETRY_"
    };
}

/// As a literal, for constants that hold it.
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

/// The file in which these names are said, as the compiler names it.
pub const DECLARED_IN: &str = file!();

/// The name under which the extension registers. Lambda refuses an external extension whose file in `/opt/extensions`
/// is called otherwise, so it is also the name of the binary and of the file in the layer.
pub const EXTENSION_NAME: &str = extension_name!();

/// Every line of the extension's log starts with this, so that people and the extension itself know it again.
pub const LOG_PREFIX: &str = concat!("[", extension_name!(), "]");

/// Every variable of ours starts with this. The environment is shared with the function, which may well have a
/// `BUFFER_TIMEOUT_MS` of its own, so a bare name is never read.
pub const ENV_PREFIX: &str = env_prefix!();

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
