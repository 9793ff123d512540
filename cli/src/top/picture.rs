//! The figures of one moment, ready to be shown. Pure.

use std::time::{Duration, SystemTime};

use super::columns::{Level, Tone};
use super::figures::{bytes, count, duration, rate};
use super::row::Row;

/// The longest lag of the reader behind the tip at which the figures count as current, in milliseconds.
pub(super) const BEHIND_MS: i64 = 10_000;

/// The figures of one moment.
#[derive(Clone, Debug)]
pub(super) struct Picture {
    /// The name or ARN of the stream.
    pub(super) stream: String,
    pub(super) shards: usize,
    /// The time of the figures, in milliseconds since 1970.
    pub(super) now_ms: i64,
    /// The lag of the reader behind the tip, in milliseconds.
    pub(super) behind_ms: i64,
    pub(super) functions: usize,
    pub(super) total: Row,
    pub(super) unreadable: u64,
    pub(super) level: Level,
    /// The rows of all functions, or of the instances of one.
    pub(super) rows: Vec<Row>,
}

impl Picture {
    /// Returns the name of the stream, without the rest of its ARN.
    pub(super) fn stream_name(&self) -> &str {
        self.stream.rsplit_once('/').map_or(&self.stream, |(_, name)| name)
    }

    /// Returns true if the reader is too far behind the tip for current figures.
    pub(super) fn is_behind(&self) -> bool {
        self.behind_ms > BEHIND_MS
    }

    /// Returns the time in RFC 3339.
    pub(super) fn time(&self) -> String {
        let since = Duration::from_millis(self.now_ms.max(0).unsigned_abs());
        humantime::format_rfc3339_seconds(SystemTime::UNIX_EPOCH + since).to_string()
    }

    /// Returns the number of shards, and the lag of the reader.
    pub(super) fn reading(&self) -> Vec<(String, Tone)> {
        let mut reading = vec![(counted(self.shards as u64, "shard"), Tone::Plain)];
        if self.is_behind() {
            let behind = duration(self.behind_ms.unsigned_abs());
            reading.push((format!("catching up, {behind} behind"), Tone::Warning));
        }
        reading
    }

    /// Returns the sums of all functions, in two lines.
    pub(super) fn totals(&self) -> [Vec<(String, Tone)>; 2] {
        let Row { instances, rate: of, lag, counts, .. } = &self.total;
        let plain = |text: String| (text, Tone::Plain);
        let mut rates = vec![
            plain(counted(self.functions as u64, "function")),
            plain(counted(*instances as u64, "instance")),
            plain(format!("{} events/s", rate(of.events))),
            plain(format!("{}/s", bytes(of.bytes))),
        ];
        if let Some(lag) = lag {
            let [p50, p99] = [lag.p50_ms, lag.p99_ms].map(duration);
            rates.extend([plain(format!("lag p99 {p99}")), plain(format!("lag p50 {p50}"))]);
        }
        let number = |name: &str, number: u64, tone: Tone| {
            (format!("{name} {}", count(number)), if number > 0 { tone } else { Tone::Plain })
        };
        let mut sums = vec![
            number("invoked", counts.invocations, Tone::Plain),
            number("failed", counts.failures, Tone::Alarm),
            number("missing", counts.missing, Tone::Alarm),
            number("shed", counts.shed, Tone::Warning),
            number("dropped", counts.dropped, Tone::Warning),
            number("cold", counts.cold_starts, Tone::Plain),
        ];
        if self.unreadable > 0 {
            sums.insert(3, number("unreadable", self.unreadable, Tone::Alarm));
        }
        if counts.sampled_out > 0 {
            sums.push(number("sampled out", counts.sampled_out, Tone::Plain));
        }
        [rates, sums]
    }
}

/// Returns "1 shard" or "2 shards".
fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}
