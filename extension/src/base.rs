//! Clock, log, JSON, randomness and failpoints, for all other modules.

pub(crate) mod clock;
pub(crate) mod failpoint;
pub(crate) mod json;
pub(crate) mod log;
pub(crate) mod random;
pub(crate) mod sync;

/// The version of this build. `--version`, the first log line, the User-Agent and every ledger state it.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
