//! Clock, log, randomness and failpoints: what every other room may use.

pub mod clock;
pub mod failpoint;
pub mod log;
pub mod random;
pub mod sync;
