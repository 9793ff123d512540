//! Reports of the extension about itself: metrics, and the lines that it must recognise as its own.

pub(crate) mod metrics;
pub(crate) mod own_lines;
