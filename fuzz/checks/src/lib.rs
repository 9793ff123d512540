//! The properties that must hold for every input, one function for each kind of input. A function takes bytes, and
//! panics if a property does not hold.
//!
//! Fuzzers call them (`cargo +nightly fuzz run intake`, in `fuzz`), and so does the test in `tests/replay.rs`, with the
//! corpus and some mutations of it. An input that a fuzzer has found becomes a file of the corpus.

mod choices;
mod configuration;
mod intake;
mod packing;
mod spill;

pub use configuration::configuration;
pub use intake::intake;
pub use packing::packing;
pub use spill::spill;

/// A check, with the name of its fuzzer and its corpus.
pub type Check = (&'static str, fn(&[u8]));

/// All checks, by name.
pub const CHECKS: [Check; 4] =
    [("intake", intake), ("packing", packing), ("spill", spill), ("configuration", configuration)];
