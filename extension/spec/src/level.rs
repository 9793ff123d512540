//! Levels of log lines.

use std::fmt;

/// How grave a log line is. The order is that of gravity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogLevel {
    /// Every step.
    Trace,
    /// For those who look for an error.
    Debug,
    /// The ordinary course.
    Info,
    /// Something unusual.
    Warn,
    /// Something failed.
    Error,
    /// Nothing goes on after this.
    Fatal,
}

impl LogLevel {
    /// All of them, mildest first.
    pub const ALL: [Self; 6] =
        [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error, Self::Fatal];

    /// In the words of the logging libraries, in any case.
    pub fn parse(word: &str) -> Option<Self> {
        let is = |words: &[&str]| words.iter().any(|it| word.eq_ignore_ascii_case(it));
        match () {
            () if is(&["trace", "verbose", "silly"]) => Some(Self::Trace),
            () if is(&["debug"]) => Some(Self::Debug),
            () if is(&["info", "information", "notice"]) => Some(Self::Info),
            () if is(&["warn", "warning"]) => Some(Self::Warn),
            () if is(&["error", "err"]) => Some(Self::Error),
            () if is(&["fatal", "critical", "crit", "panic", "alert", "emergency"]) => {
                Some(Self::Fatal)
            }
            () => None,
        }
    }

    /// As in `TYPES`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
