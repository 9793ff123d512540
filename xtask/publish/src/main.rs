//! Publishes the layers of a release to the regions of an account, in phases: sign, publish privately, verify, open.
//!
//! A phase begins when the one before it has succeeded in all regions. Each reads what AWS has before it changes anything, so a run
//! that failed or was killed is continued by another one. `cargo xtask publish` runs this program.
//!
//! Exit codes: 0 done, 1 a region failed, 2 nothing was done.

mod canary;
mod canary_function;
mod canary_log;
mod layer;
mod open;
mod options;
mod place;
mod publisher;
mod regions;
mod release;
mod signing;
mod summary;
#[cfg(test)]
mod tests;
mod versions;

use std::process::ExitCode;

use clap::Parser as _;
use kinesis_telemetry_terminal::note;

use options::Options;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match publisher::run(&Options::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            note(&format!("error: {error:#}"));
            ExitCode::from(2)
        }
    }
}
