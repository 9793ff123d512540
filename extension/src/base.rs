//! Clock, log, JSON, randomness and failpoints: what every other room may use.

pub(crate) mod clock;
pub(crate) mod failpoint;
pub(crate) mod json;
pub(crate) mod log;
pub(crate) mod random;
pub(crate) mod sync;

/// The version of this build, as `--version`, the first line of the log, the User-Agent and every ledger state it.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
