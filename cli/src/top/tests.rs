//! Pictures for the tests of keys, screen and table.

use super::columns::Level;
use super::facts::Memory;
use super::lag::Percentiles;
use super::picture::Picture;
use super::rates::PerSecond;
use super::row::{Counts, Row};

/// Returns a row without problems.
pub(super) fn row(name: &str, events: u32) -> Row {
    Row {
        name: name.to_owned(),
        instances: 3,
        rate: PerSecond { events: events.into(), bytes: f64::from(events) * 312.0 },
        lag: Some(Percentiles { p50_ms: 640, p99_ms: 2_300 }),
        counts: Counts {
            events: 1_000,
            invocations: u64::from(events) * 10,
            cold_starts: 3,
            ..Counts::default()
        },
        memory: Some(Memory { used_mb: 84, size_mb: 128 }),
        idle_ms: 5_000,
    }
}

/// Returns a picture of these functions.
pub(super) fn picture(rows: Vec<Row>) -> Picture {
    let mut total = Row::default();
    for row in &rows {
        total.add(row);
    }
    total.lag = rows.first().and_then(|it| it.lag);
    Picture {
        stream: "arn:aws:kinesis:eu-central-1:111122223333:stream/telemetry".to_owned(),
        shards: 4,
        now_ms: 1_795_377_600_000,
        behind_ms: 800,
        functions: rows.len(),
        total,
        unreadable: 0,
        level: Level::Functions,
        rows,
    }
}

/// Returns a picture with every kind of problem, and with names that are hostile or in other scripts.
pub(super) fn troubled() -> Picture {
    let mut bad = row("payments-authorization-handler-prod", 1_234);
    bad.counts.failures = 12;
    bad.counts.missing = 3;
    bad.counts.shed = 40;
    bad.counts.dropped = 7;
    bad.counts.sampled_out = 123_456;
    bad.memory = Some(Memory { used_mb: 126, size_mb: 128 });
    bad.lag = Some(Percentiles { p50_ms: 900, p99_ms: 95_000 });
    let hostile = row("a\u{1b}[2J\u{202e}b\nFUNCTION", 7);
    let nameless = Row { name: String::new(), lag: None, memory: None, ..row("", 0) };
    let mut picture = picture(vec![row("orders", 52), bad, hostile, row("東京-注文", 8), nameless]);
    picture.behind_ms = 754_000;
    picture.unreadable = 2;
    picture
}
