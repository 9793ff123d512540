//! What the extension says about itself, on stderr: lines in the function's log.
//!
//! Every line starts with the same prefix, by which the extension knows its own lines again when it is subscribed to
//! `extension` events: it must never feed itself.

use std::io::Write as _;
use std::sync::OnceLock;

use extension_spec::{EXTENSION_NAME, Level};

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
    format!("[{EXTENSION_NAME}] {label} {}", message.replace(['\n', '\r'], " "))
}

/// Whether this record (JSON text) of an `extension` event is a line of ours.
pub(crate) fn is_own_line(record: &str) -> bool {
    record
        .strip_prefix("\"[")
        .and_then(|rest| rest.strip_prefix(EXTENSION_NAME))
        .is_some_and(|rest| rest.starts_with(']'))
}

fn say(level: Level, label: &str, message: &str) {
    if level <= LEVEL.get().copied().unwrap_or(Level::Warn) {
        let line = line(label, message) + "\n";
        // Nobody may be listening any more, and that is no reason to end.
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
}
