//! Levels of log lines.

use std::fmt;

/// The severity of a log line, ordered from mild to severe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogLevel {
    /// Every step.
    Trace,
    /// Details for finding an error.
    Debug,
    /// Normal operation.
    Info,
    /// Something unusual.
    Warn,
    /// Something failed.
    Error,
    /// The process cannot continue.
    Fatal,
}

impl LogLevel {
    /// All levels, mildest first.
    pub const ALL: [Self; 6] =
        [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error, Self::Fatal];

    /// Members of a JSON log line that state its level. If several do, the most severe one counts.
    pub const MEMBERS: [&str; 19] = [
        "level", // Lambda, Powertools, pino, bunyan, winston, zap, zerolog, slog, logrus, tracing, structlog, GELF
        "Level", // Serilog, Powertools for .NET
        "lvl",   // log15, slog with short names
        "level_name", // Monolog
        "levelname", // python-json-logger
        "log.level", // Elastic Common Schema
        "log_level", // structlog with renamed keys
        "loglevel", // NLog, log4j2 layouts
        "logLevel", // winston and NestJS formats
        "LogLevel", // Microsoft.Extensions.Logging
        "@l",    // Serilog's compact format
        "@level", // logstash-logger
        "severity", // Google Cloud, Ruby
        "Severity", // Go's klog in JSON
        "severityText", // OpenTelemetry
        "severity_text", // OpenTelemetry
        "SeverityText", // OpenTelemetry collectors
        "severityNumber", // OpenTelemetry
        "severity_number", // OpenTelemetry
    ];
    /// Members that only GELF has. If one of them is present, the level is a syslog number.
    pub const GELF_MEMBERS: [&str; 2] = ["short_message", "version"];

    /// Reads a level as logging libraries write it: a word in any case, possibly surrounded by spaces or followed by
    /// slog's offset (`INFO+2`).
    pub fn parse(word: &str) -> Option<Self> {
        let word = word.trim();
        let word = match word.find(['+', '-']) {
            Some(at) if at > 0 && word[at + 1..].bytes().all(|it| it.is_ascii_digit()) => {
                &word[..at]
            }
            _ => word,
        };
        let is = |words: &[&str]| words.iter().any(|it| word.eq_ignore_ascii_case(it));
        match () {
            () if is(&["trace", "trc", "verbose", "vrb", "silly", "finest", "finer"]) => {
                Some(Self::Trace)
            }
            () if is(&["debug", "dbg", "fine"]) => Some(Self::Debug),
            () if is(&["info", "inf", "information", "notice", "http", "config"]) => {
                Some(Self::Info)
            }
            () if is(&["warn", "wrn", "warning"]) => Some(Self::Warn),
            () if is(&["error", "err", "severe"]) => Some(Self::Error),
            () if is(&["fatal", "ftl", "critical", "crit", "panic", "dpanic", "alert"]) => {
                Some(Self::Fatal)
            }
            () if is(&["emergency", "emerg"]) => Some(Self::Fatal),
            () => None,
        }
    }

    /// Reads a numeric level in the scale of the library that uses this member. A number between two levels counts as
    /// the more severe one. Returns none for a number outside every known scale.
    pub fn of_number(member: &str, number: i64, is_gelf: bool) -> Option<Self> {
        use LogLevel::{Debug, Error, Fatal, Info, Trace, Warn};

        let is_otel = matches!(member, "severityNumber" | "severity_number");
        // The lowest number of the scale, and the highest number of each level.
        let (lowest, scale): (i64, &[(i64, Self)]) = match number {
            // OpenTelemetry logs data model, "SeverityNumber".
            _ if is_otel => {
                (1, &[(4, Trace), (8, Debug), (12, Info), (16, Warn), (20, Error), (24, Fatal)])
            }
            // GELF 1.1: the levels of syslog (RFC 5424, section 6.2.1).
            0..=7 if is_gelf => (0, &[(2, Fatal), (3, Error), (4, Warn), (6, Info), (7, Debug)]),
            // Monolog (RFC 5424 in hundreds).
            100.. => (100, &[(100, Debug), (250, Info), (300, Warn), (400, Error), (600, Fatal)]),
            // pino, bunyan.
            _ => (8, &[(10, Trace), (20, Debug), (30, Info), (40, Warn), (50, Error), (60, Fatal)]),
        };
        let level = scale.iter().find(|(highest, _)| number <= *highest);
        level.filter(|_| number >= lowest).map(|(_, level)| *level)
    }

    /// Reads the level of a line of text from the places where common loggers write it: Lambda's runtimes for Python
    /// (`[INFO]`) and for Node (the third tab-separated field), Ruby's logger (`E, [`), and logfmt (`time=…
    /// level=info`).
    pub fn of_text(text: &str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix('[') {
            return Self::parse(rest.split_once(']')?.0);
        }
        if let Some((letter, _)) = text.split_once(", [").filter(|(letter, _)| letter.len() == 1) {
            return match letter {
                "D" => Some(Self::Debug),
                "I" => Some(Self::Info),
                "W" => Some(Self::Warn),
                "E" => Some(Self::Error),
                "F" => Some(Self::Fatal),
                _ => None,
            };
        }
        // In other positions `level=` may be part of the message.
        let is_logfmt = ["time=", "ts=", "level=", "lvl="].iter().any(|it| text.starts_with(it));
        if is_logfmt {
            let level = |field: &str| {
                let word = field.strip_prefix("level=").or_else(|| field.strip_prefix("lvl="))?;
                Self::parse(word.trim_matches('"'))
            };
            return text.split(' ').find_map(level);
        }
        Self::parse(text.split('\t').nth(2)?)
    }

    /// Returns the word that `TYPES` uses.
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
