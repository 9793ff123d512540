//! Reads records from files, one record a file, and prints their events; then what is missing.
//!
//! `cargo run --package kinesis-telemetry-consumer --example read -- FILE …`

use std::io::{Write as _, stderr, stdout};

use kinesis_telemetry_consumer::{Gathering, record};

fn main() -> std::io::Result<()> {
    let mut gathering = Gathering::default();
    for path in std::env::args_os().skip(1) {
        let data = std::fs::read(&path)?;
        for line in record(&data) {
            match line {
                // A file does not say when its record reached the stream.
                Ok(event) => gathering.add(event, 0),
                Err(broken) => writeln!(stderr(), "skipped: {}: {}", broken.why, broken.line)?,
            }
        }
    }
    for judged in gathering.judged() {
        for arrival in &judged.arrivals {
            writeln!(stdout(), "{}", arrival.event.line())?;
        }
        for (from, to) in &judged.instance.missing {
            writeln!(stderr(), "instance {}: {from} to {to} missing", judged.instance.name)?;
        }
    }
    Ok(())
}
