//! The page as its readers get it.

mod browser;
mod page;
mod png;
#[path = "../../examples/sample.rs"]
#[expect(dead_code, unreachable_pub, reason = "it is a program of its own, too")]
mod sample;
