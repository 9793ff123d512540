//! Prints the tables of docs/cost.md: what telemetry costs in Kinesis and in CloudWatch Logs.
//!
//! It packs typical events in memory with the extension's code, and sends nothing. Its output is the same on every run.
//!
//! ```sh
//! cargo run --release --package xtask-model --bin costs
//! ```
//!
//! Prices of your own follow two hyphens: `-- shard-hour=0.02`.

use std::env;
use std::io::{self, Write as _};
use std::process::ExitCode;

use xtask_model::page::{self, Part};
use xtask_model::{Logs, Prices};

/// The exit code for a wrong argument, as shells have it.
const USAGE: u8 = 2;

fn main() -> io::Result<ExitCode> {
    match Prices::new(env::args().skip(1)).and_then(|prices| page::money(&prices)) {
        Ok(parts) => {
            for part in parts {
                print(&part)?;
            }
            for logs in [Logs::Text, Logs::Json] {
                print(&page::records(logs))?;
            }
            print(&page::targets())?;
            Ok(ExitCode::SUCCESS)
        }
        Err(why) => {
            writeln!(io::stderr(), "{why}")?;
            Ok(ExitCode::from(USAGE))
        }
    }
}

fn print(Part { title, markdown }: &Part) -> io::Result<()> {
    write!(io::stdout(), "{title}:\n\n{markdown}\n")
}
