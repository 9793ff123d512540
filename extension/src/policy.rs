//! Pure decisions: what to do, when, and for how long. Time comes in as a value.

pub(crate) mod backoff;
pub(crate) mod breaker;
pub(crate) mod deadline;
pub(crate) mod flush;
pub(crate) mod lifecycle;
