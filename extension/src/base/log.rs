//! What the extension says about itself, on stderr: lines in the function's log.
//!
//! Every line starts with the same prefix, by which the extension knows its own lines again when it is subscribed to
//! `extension` events: it must never feed itself.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use extension_spec::{LOG_PREFIX, Level};

static LEVEL: OnceLock<Level> = OnceLock::new();

/// Sets the level, once, at the start of the process.
pub(crate) fn init(level: Level) {
    LEVEL.get_or_init(|| level);
}

/// Loses events, or keeps the extension from working.
pub(crate) fn error(message: &str) {
    say(Level::Error, "ERROR", message);
}

/// Something that a person should mend.
pub(crate) fn warn(message: &str) {
    say(Level::Warn, "WARN", message);
}

/// The beginning and the end of things.
pub(crate) fn info(message: &str) {
    say(Level::Info, "INFO", message);
}

/// Every delivery.
pub(crate) fn debug(message: &str) {
    say(Level::Debug, "DEBUG", message);
}

/// A line as it is printed, without its end.
pub(crate) fn line(label: &str, message: &str) -> String {
    format!("{LOG_PREFIX} {label} {}", message.replace(['\n', '\r'], " "))
}

fn say(level: Level, label: &str, message: &str) {
    if level <= LEVEL.get().copied().unwrap_or(Level::Warn) {
        write(&format!("{}{}\n", line(label, message), version()));
    }
}

/// The first line, whatever it is about, states the version: a report of a problem rarely has more than that line.
fn version() -> &'static str {
    static IS_STATED: AtomicBool = AtomicBool::new(false);

    if IS_STATED.swap(true, Ordering::Relaxed) {
        ""
    } else {
        concat!(" (version ", env!("CARGO_PKG_VERSION"), ")")
    }
}

#[cfg(not(test))]
fn write(line: &str) {
    use std::io::Write as _;

    // A closed stderr is no reason to end.
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// In tests the harness captures what is printed, and shows it where a test fails.
#[cfg(test)]
fn write(line: &str) {
    eprint!("{line}");
}
