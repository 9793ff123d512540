//! From the bodies that Lambda posts to numbered events with their invocation.

pub(crate) mod attribution;
pub(crate) mod intake;
pub(crate) mod listener;
pub(crate) mod selection;
