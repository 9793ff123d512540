//! Start, the loop and the configuration: the only room that knows the whole.

pub mod config;
pub mod run;
pub mod start;
