//! One command, one file: its arguments, declared beside what it does.

pub(crate) mod bench;
pub(crate) mod ci;
pub(crate) mod delegate;
pub(crate) mod demo;
pub(crate) mod deploy;
#[allow(clippy::format_push_string, reason = "these texts are made once a run, and read better so")]
pub(crate) mod package;
pub(crate) mod synth;
pub(crate) mod test;
pub(crate) mod upgrade;
