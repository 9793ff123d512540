//! Prints the events of records, and reports which events are missing. Each file holds the data of one record.
//!
//! `cargo run --package kinesis-telemetry-consumer --example read -- FILE …`

use std::io::{self, Write as _, stderr, stdout};
use std::process::ExitCode;

use kinesis_telemetry_consumer::{Gathering, record};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            _ = writeln!(stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<()> {
    let mut gathering = Gathering::default();
    for path in std::env::args_os().skip(1) {
        let data = std::fs::read(&path).map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", path.display()))
        })?;
        for line in record(&data) {
            match line {
                // A file does not hold the time at which its record reached the stream.
                Ok(event) => gathering.add(event, 0),
                Err(broken) => writeln!(stderr(), "skipped: {:?}: {:?}", broken.why, broken.line)?,
            }
        }
    }
    for judged in gathering.judged() {
        for arrival in &judged.arrivals {
            writeln!(stdout(), "{}", arrival.event.line())?;
        }
        for (first, last) in &judged.instance.missing {
            writeln!(stderr(), "instance {:?}: {first} to {last} missing", judged.instance.name)?;
        }
    }
    Ok(())
}
