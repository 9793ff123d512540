//! Clock, log, randomness and failpoints: what every other room may use.

pub(crate) mod clock;
pub(crate) mod failpoint;
pub(crate) mod log;
pub(crate) mod random;
pub(crate) mod sync;
