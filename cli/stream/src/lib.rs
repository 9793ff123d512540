//! Reads a telemetry stream from Kinesis, and compares it with the sandbox's journal.
//!
//! It is a separate package that links a single AWS SDK, because `cargo xtask demo` builds it. The operator's tool
//! `kinesis-telemetry` uses the same reader and the same explanations of errors.

mod aws;
mod client;
mod compare;
mod completeness;
mod http;
mod journal;
mod line;
mod page;
mod pieces;
mod render;
mod report;
pub mod stdout;
mod stream;
mod verify;

pub use aws::{
    Aws, Wanted, configuration_files, is_denied, is_of_credentials, is_region, is_throttled,
};
pub use client::{Target, region_of_arn};
pub use completeness::{completeness, milliseconds};
pub use line::{Line, is_log_line, request_id};
pub use page::{Functions, Page, PageFile};
pub use pieces::Pieces;
pub use render::{counted, has_all, sequence, thousands};
pub use report::Quoted;
pub use stream::{Reader, Record, Start, print_stream, shards};
pub use verify::{Verify, verify};
