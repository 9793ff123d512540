//! The report as Markdown, which reads well in a terminal too. Pure.

use std::fmt::Write as _;

use crate::report::{Function, Invocations, Program, Report};

/// A row of programs: its name, its digits, and its number for a program.
type Row = (&'static str, usize, fn(&Program) -> Option<f64>);
/// A column of invocations, in the same form.
type Column = (&'static str, usize, fn(&Invocations) -> Option<f64>);

const KIB: f64 = 1024.0;
const SHUTDOWN: &str = "SHUTDOWN to the end, ms";

const ROWS: [Row; 23] = [
    ("start to `register`, ms", 2, |it| it.register_ms),
    ("start to subscribed, ms", 2, |it| it.subscribe_ms),
    ("start to first `next`, ms", 2, |it| it.next_ms),
    ("start to first record acknowledged over TLS, ms", 2, |it| it.first_record_ms),
    ("after a second of rest: start to `register`, ms", 2, |it| it.rested_register_ms),
    ("after a second of rest: start to first `next`, ms", 2, |it| it.rested_next_ms),
    ("from the disk: start to `register`, ms", 2, |it| it.uncached_register_ms),
    ("from the disk: start to first `next`, ms", 2, |it| it.uncached_next_ms),
    ("from the disk: major faults until then", 0, |it| it.uncached_major_faults),
    ("CPU of a life with one invocation, ms", 2, |it| it.life_cpu_ms),
    ("resident after one invocation, MiB", 2, |it| Some(it.resident_kib? / KIB)),
    ("of that private, MiB", 2, |it| Some(it.private_kib? / KIB)),
    (SHUTDOWN, 1, |it| it.shutdown_ms),
    ("200,000 lines at once: CPU per event, µs", 2, |it| it.flood_cpu_us_per_event),
    ("200,000 lines at once: events per second", 0, |it| it.flood_events_per_second),
    ("200,000 lines at once: payload units per 1,000 events", 1, |it| {
        it.flood_payload_units_per_thousand_events
    }),
    ("200,000 lines at once: most resident, MiB", 1, |it| Some(it.flood_peak_kib? / KIB)),
    ("100 lines an invocation: CPU per event, µs", 2, |it| it.hundred_lines_cpu_us_per_event),
    ("the same, each delivered at its end, µs", 2, |it| {
        it.hundred_lines_delivered_each_cpu_us_per_event
    }),
    ("no line: CPU per invocation, µs", 0, |it| it.no_line_cpu_us_per_invocation),
    ("the same, each delivered at its end, µs", 0, |it| {
        it.no_line_delivered_each_cpu_us_per_invocation
    }),
    ("program, KiB", 0, |it| Some(it.bytes as f64 / KIB)),
    ("program in a zip, KiB", 0, |it| Some(it.zipped_bytes as f64 / KIB)),
];

const COLUMNS: [Column; 10] = [
    ("billed p50, ms", 1, |it| it.billed_p50_ms),
    ("added p50, ms", 2, |it| it.added_p50_ms),
    ("added p99, ms", 2, |it| it.added_p99_ms),
    ("held, %", 1, |it| it.held_percent),
    ("hold p99, ms", 1, |it| it.hold_p99_ms),
    ("longest hold, ms", 1, |it| it.longest_hold_ms),
    ("duplicates, %", 2, |it| it.duplicates_percent),
    ("PutRecords per 1,000", 0, |it| it.put_records_per_thousand),
    ("SHUTDOWN, ms", 0, |it| it.shutdown_ms),
    ("most resident, MiB", 1, |it| Some(it.peak_kib? / KIB)),
];

/// Returns all tables.
pub(crate) fn draw(report: &Report) -> String {
    let Report { date, machine, rounds, round_trip_ms, .. } = report;
    let mut text = format!("{date}, {machine}. Medians of {rounds} starts, by turns.");
    if let Some(tmp) = &report.tmp {
        _ = write!(text, " {tmp}");
    }
    text.push_str("\n\n");
    programs(&mut text, &report.programs);
    _ = writeln!(
        text,
        "\nInvocations of four functions, by turns; Kinesis answers after {round_trip_ms:.0} ms:"
    );
    report.functions.iter().for_each(|function| invocations(&mut text, function));
    notes(&mut text, report);
    text
}

/// Each program, and how many times the floor it takes.
fn programs(text: &mut String, programs: &[Program]) {
    let [ours, floor, others @ ..] = programs else { return };
    _ = write!(text, "| | {} | × floor | {} |", ours.name, floor.name);
    for other in others {
        _ = write!(text, " {} | × floor |", other.name);
    }
    _ = writeln!(text, "\n| --- | --- | --- | --- |{}", " --- | --- |".repeat(others.len()));
    for (what, digits, value) in ROWS {
        let ratio = |it: &Program| value(it).zip(value(floor)).map(|(it, floor)| it / floor);
        let cell = |it: &Program| match value(it) {
            None if what == SHUTDOWN && it.was_killed => "killed".to_owned(),
            value => number(value, digits),
        };
        _ = write!(
            text,
            "| {what} | {} | {} | {} |",
            cell(ours),
            number(ratio(ours), 2),
            cell(floor)
        );
        for other in others {
            _ = write!(text, " {} | {} |", cell(other), number(ratio(other), 2));
        }
        text.push('\n');
    }
}

/// A table of an extension a row.
fn invocations(text: &mut String, function: &Function) {
    let Function { lines, work_ms, longest_pause_ms, invocations, extensions } = function;
    let pauses = match longest_pause_ms {
        0.0 => "no pause".to_owned(),
        most => format!("pauses of 0 to {most:.0} ms"),
    };
    _ = writeln!(
        text,
        "\n{lines} lines and {work_ms} ms of work, {pauses}, {invocations} invocations:\n\n| |{}\n| --- |{}",
        COLUMNS.map(|(name, ..)| format!(" {name} |")).concat(),
        " --- |".repeat(COLUMNS.len())
    );
    for extension in extensions {
        let cells = COLUMNS.map(|(name, digits, value)| match value(extension) {
            Some(value) if name.starts_with("added") => format!(" {} |", signed(value, digits)),
            value => format!(" {} |", number(value, digits)),
        });
        _ = writeln!(text, "| {} |{}", extension.name, cells.concat());
    }
}

/// Lists the steps that did not go as Lambda requires.
fn notes(text: &mut String, report: &Report) {
    let mut notes = Vec::new();
    for program in &report.programs {
        for (note, count) in &program.notes {
            let times = if *count == 1 { String::new() } else { format!(" ({count} times)") };
            notes.push(format!("- {}: {note}{times}", program.name));
        }
    }
    for Function { lines, work_ms, extensions, .. } in &report.functions {
        for Invocations { name, notes: of_it, .. } in extensions {
            let function = format!("{lines} lines and {work_ms} ms of work");
            notes.extend(of_it.iter().map(|note| format!("- {name}, {function}: {note}")));
        }
    }
    if !notes.is_empty() {
        _ = writeln!(text, "\nWhat did not go as Lambda asks:\n\n{}", notes.join("\n"));
    }
}

/// Returns a difference with its sign; one that rounds to zero has none of its own.
fn signed(value: f64, digits: usize) -> String {
    let text = format!("{value:+.digits$}");
    let is_zero = text.chars().all(|c| !c.is_ascii_digit() || c == '0');
    if is_zero { text.replace('-', "+") } else { text }
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
}

#[cfg(test)]
mod tests {
    use super::{number, programs, signed};
    use crate::report::Program;

    fn program(name: &str, next_ms: f64) -> Program {
        Program { name: name.to_owned(), next_ms: Some(next_ms), ..Program::default() }
    }

    fn table(of: &[Program]) -> String {
        let mut text = String::new();
        programs(&mut text, of);
        text
    }

    #[test]
    fn a_ratio_says_how_many_times_the_floor_a_program_takes() {
        let text = table(&[program("ours", 3.0), program("floor", 1.5), program("other", 6.0)]);
        let head = "| | ours | × floor | floor | other | × floor |\n| --- | --- | --- | --- | --- | --- |\n";
        assert!(text.starts_with(head), "{text}");
        let next = "| start to first `next`, ms | 3.00 | 2.00 | 1.50 | 6.00 | 4.00 |";
        assert!(text.contains(next), "{text}");
        assert!(text.contains("| start to subscribed, ms | – | – | – | – | – |"), "{text}");
    }

    #[test]
    fn an_extension_that_does_not_end_is_killed_in_its_cell() {
        let killed = Program { was_killed: true, ..program("other", 6.0) };
        let text = table(&[program("ours", 3.0), program("floor", 1.5), killed]);
        assert!(text.contains("| SHUTDOWN to the end, ms | – | – | – | killed | – |"), "{text}");
    }

    #[test]
    fn a_missing_number_is_a_dash() {
        assert_eq!(number(None, 2), "–");
        assert_eq!(number(Some(1.005), 1), "1.0");
    }

    #[test]
    fn a_difference_that_rounds_to_zero_is_not_below_it() {
        assert_eq!([-0.004, 0.004, -0.02].map(|it| signed(it, 2)), ["+0.00", "+0.00", "-0.02"]);
    }
}
