//! Tests of the complete page.

mod browser;
mod page;
mod png;
mod sample;
