//! Logs to stderr, which Lambda writes to the function's log.
//!
//! Every line starts with the same prefix. The extension recognises its own lines by it when it is subscribed to
//! `extension` events, because it must never process its own output.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use extension_spec::{LOG_PREFIX, Level};

static LEVEL: OnceLock<Level> = OnceLock::new();

/// Sets the level, once, at the start of the process.
pub(crate) fn init(level: Level) {
    LEVEL.get_or_init(|| level);
}

/// Logs a problem that loses events or keeps the extension from working.
pub(crate) fn error(message: &str) {
    say(Level::Error, "ERROR", message);
}

/// Logs a problem that a person should fix.
pub(crate) fn warn(message: &str) {
    say(Level::Warn, "WARN", message);
}

/// Logs the start or the end of something.
pub(crate) fn info(message: &str) {
    say(Level::Info, "INFO", message);
}

/// Logs a detail, such as a delivery.
pub(crate) fn debug(message: &str) {
    say(Level::Debug, "DEBUG", message);
}

/// Returns a line as it is printed, without its line break.
pub(crate) fn line(label: &str, message: &str) -> String {
    format!("{LOG_PREFIX} {label} {}", message.replace(['\n', '\r'], " "))
}

fn say(level: Level, label: &str, message: &str) {
    if level <= LEVEL.get().copied().unwrap_or(Level::Warn) {
        write(&format!("{}{}\n", line(label, message), version()));
    }
}

/// Returns the version for the first line, and nothing for later ones. Problem reports rarely contain more than that
/// line.
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

    // A closed stderr is no reason to stop.
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// Prints through the test harness, which shows the output of failed tests.
#[cfg(test)]
fn write(line: &str) {
    eprint!("{line}");
}
