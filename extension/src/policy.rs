//! Pure decisions: what to do, when, for how long. Time comes in as a value.

pub mod backoff;
pub mod breaker;
pub mod deadline;
pub mod flush;
pub mod lifecycle;
