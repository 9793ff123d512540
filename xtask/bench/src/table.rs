//! The report as Markdown, which reads well in a terminal too. Pure.

use std::fmt::Write as _;

use crate::busy::WARM_UP;
use crate::report::{Program, Report};

/// A row: what it says, its digits, and its number in a program.
type Row = (&'static str, usize, fn(&Program) -> Option<f64>);

const KIB: f64 = 1024.0;

const ROWS: [Row; 14] = [
    ("program, KiB", 0, |it| Some(it.bytes as f64 / KIB)),
    ("program in a zip, KiB", 0, |it| Some(it.packed_bytes as f64 / KIB)),
    ("start to `register`, ms", 2, |it| Some(it.registered)),
    ("start to subscribed, ms", 2, |it| it.subscribed),
    ("start to first `next`, ms", 2, |it| Some(it.next)),
    ("start to first record acknowledged over TLS, ms", 2, |it| it.first_record),
    ("CPU of a life with one invocation, ms", 2, |it| Some(it.cpu)),
    ("resident after one invocation, MiB", 1, |it| Some(it.steady_kib / KIB)),
    ("most resident until then, MiB", 1, |it| Some(it.peak_kib / KIB)),
    ("SHUTDOWN to the end, ms", 1, |it| Some(it.shutdown)),
    ("CPU per event, us", 2, |it| Some(it.flood.as_ref()?.cpu_us_per_event)),
    ("events per second", 0, |it| Some(it.flood.as_ref()?.events_per_second)),
    ("payload units per 1,000 events", 1, |it| Some(it.flood.as_ref()?.units_per_thousand_events)),
    ("most resident with 100,000 events, MiB", 1, |it| Some(it.flood.as_ref()?.peak_kib / KIB)),
];

/// All tables.
pub(crate) fn draw(report: &Report) -> String {
    let Report { date, machine, rounds, round_trip_ms, .. } = report;
    let mut text = format!("{date}, {machine}. Medians of {rounds} starts, by turns.\n\n");
    programs(&mut text, &report.programs);
    let invocations = report.busy.first().map_or(0, |it| it.count);
    _ = write!(
        text,
        "\n{invocations} invocations of a busy function after {WARM_UP} that do not count, by turns; Kinesis answers after {round_trip_ms:.0} ms:\n\n\
         | | billed p50, ms | p99 | added p50, ms | p99 | PutRecords per 1,000 | units per 1,000 events | SHUTDOWN, ms | most resident, MiB |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
    );
    for it in &report.busy {
        _ = writeln!(
            text,
            "| {} | {:.1} | {:.1} | {:+.2} | {:+.2} | {:.0} | {:.1} | {:.0} | {:.1} |",
            it.name,
            it.p50,
            it.p99,
            it.added_p50,
            it.added_p99,
            it.requests_per_thousand,
            it.units_per_thousand_events,
            it.shutdown,
            it.peak_kib as f64 / KIB,
        );
    }
    let quick = &report.quick;
    _ = writeln!(
        text,
        "\n{} quick invocations without a line: {} PutRecords; most resident after half of them {:.1} MiB, \
         after all {:.1} MiB; SHUTDOWN {:.0} ms.",
        quick.invocations,
        quick.requests,
        quick.peak_kib_half as f64 / KIB,
        quick.peak_kib as f64 / KIB,
        quick.shutdown,
    );
    text
}

/// Each program beside ours, and as a multiple of it.
fn programs(text: &mut String, programs: &[Program]) {
    let [ours, others @ ..] = programs else { return };
    _ = write!(text, "| | {} |", ours.name);
    for other in others {
        _ = write!(text, " {} | ratio |", other.name);
    }
    _ = writeln!(text, "\n| --- | --- |{}", " --- | --- |".repeat(others.len()));
    for (what, digits, value) in ROWS {
        let own = value(ours);
        _ = write!(text, "| {what} | {} |", number(own, digits));
        for other in others {
            let value = value(other);
            let ratio = own.zip(value).map(|(own, value)| own / value);
            _ = write!(text, " {} | {} |", number(value, digits), number(ratio, 2));
        }
        text.push('\n');
    }
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
}

#[cfg(test)]
mod tests {
    use super::{number, programs};
    use crate::report::Program;

    fn program(name: &str, next: f64) -> Program {
        Program {
            name: name.to_owned(),
            bytes: 2048,
            packed_bytes: 1024,
            registered: 0.5,
            subscribed: None,
            next,
            first_record: None,
            shutdown: 1.0,
            cpu: 2.0,
            steady_kib: 1024.0,
            peak_kib: 2048.0,
            flood: None,
        }
    }

    #[test]
    fn a_ratio_says_how_many_times_the_others_number_ours_is() {
        let mut text = String::new();
        programs(&mut text, &[program("ours", 3.0), program("control", 1.5)]);
        assert!(
            text.starts_with("| | ours | control | ratio |\n| --- | --- | --- | --- |\n"),
            "{text}"
        );
        assert!(text.contains("| start to first `next`, ms | 3.00 | 1.50 | 2.00 |"), "{text}");
        assert!(text.contains("| start to subscribed, ms | – | – | – |"), "{text}");
    }

    #[test]
    fn what_was_not_measured_has_no_number() {
        assert_eq!(number(None, 2), "–");
        assert_eq!(number(Some(1.005), 1), "1.0");
    }
}
