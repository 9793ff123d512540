//! Turns the bodies that Lambda posts into numbered events, each with its invocation.

pub(crate) mod attribution;
pub(crate) mod intake;
pub(crate) mod listener;
pub(crate) mod selection;
