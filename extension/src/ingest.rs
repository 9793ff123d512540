//! From the bodies that Lambda posts to numbered events with their invocation.

pub mod attribution;
pub mod intake;
pub mod listener;
