//! The contents of the document, without a browser.

use std::collections::BTreeMap;

use kinesis_telemetry_report::{Instance, Invocation, Line, Outcome, Report, html};
use serde_json::Value;

use crate::sample::{self, HOSTILE};

/// Returns the text of the data element.
fn data(page: &str) -> &str {
    let (_, rest) = page.split_once("id=\"data\">").expect("a data element");
    rest.split_once("</script>").expect("its end").0
}

fn json(page: &str) -> Value {
    serde_json::from_str(data(page)).expect("valid JSON")
}

/// Returns the page without its style and script, in lines.
fn visible(page: &str) -> &str {
    let (_, body) = page.split_once("<body>").expect("a body");
    body.split_once("<script").expect("scripts at the end").0
}

/// Returns a report in which every text is hostile.
fn hostile() -> Report {
    let text = || HOSTILE.to_owned();
    Report {
        title: text(),
        source: text(),
        types: BTreeMap::from([(text(), 1)]),
        formats: BTreeMap::from([(text(), 1)]),
        settings: vec![kinesis_telemetry_report::Setting {
            function: text(),
            name: text(),
            value: text(),
        }],
        invocations: vec![Invocation {
            function: text(),
            version: Some(text()),
            instance: text(),
            request_id: text(),
            error_type: Some(text()),
            outcome: Outcome::Failure,
            lines: vec![Line { time_ms: None, level: Some(text()), text: text() }],
            ..Invocation::default()
        }],
        instances: vec![Instance { name: text(), function: text(), ..Instance::default() }],
        unreadable: 1,
        unreadable_examples: vec![text()],
        ..Report::default()
    }
}

#[test]
fn hostile_text_cannot_leave_its_element() {
    let page = html(&hostile());
    assert_eq!(page.matches("<script").count(), 2, "the data and the script");
    assert_eq!(page.matches("</script>").count(), 2);
    assert_eq!(page.matches("<img").count(), 0);
    assert!(!data(&page).contains(['<', '>', '&']));
    assert_eq!(page.matches("id=\"data\"").count(), 1, "no text is taken for a part of the page");
}

#[test]
fn no_control_character_is_left_in_the_page() {
    let page = html(&hostile());
    assert!(!page.contains(['\u{1b}', '\u{202e}', '\u{2028}']));
    assert!(visible(&page).contains("[U+001B][31mred"), "it is visible instead");
}

#[test]
fn the_data_holds_every_invocation() {
    let report = sample::report(300);
    let json = json(&html(&report));
    let columns = json["invocations"].as_object().expect("columns");
    for (name, column) in columns {
        assert_eq!(column.as_array().map(Vec::len), Some(300), "{name}");
    }
    for (index, it) in report.invocations.iter().enumerate() {
        let at = |name: &str| &columns[name][index];
        let name =
            |index: &Value| &json["names"][usize::try_from(index.as_u64().unwrap()).unwrap()];
        assert_eq!(at("startMs"), it.start_ms);
        assert_eq!(at("requestId"), it.request_id.as_str());
        assert_eq!(name(at("function")), it.function.as_str());
        assert_eq!(at("outcome"), &serde_json::to_value(it.outcome).unwrap());
        assert_eq!(at("lagMs").as_i64(), it.lag_ms);
        assert_eq!(at("initMs").is_null(), it.init_ms.is_none());
        let lines = json["lines"][index.to_string()].as_array().map_or(0, Vec::len);
        assert_eq!(lines, it.lines.len());
    }
}

#[test]
fn a_stack_trace_keeps_its_lines() {
    let mut report = sample::report(1);
    report.invocations[0].outcome = Outcome::Error;
    report.invocations[0].lines =
        vec![Line { text: "Error\n\tat f\r\n\tat g".to_owned(), ..Line::default() }];
    assert_eq!(json(&html(&report))["lines"]["0"][0][2], "Error\n\tat f\n\tat g");
}

#[test]
fn the_page_refers_to_nothing_outside_of_it() {
    let page = html(&sample::report(50)).to_lowercase();
    for reference in
        ["http://", "https://", "\"//", "@import", "url(", "<img", "<iframe", "stylesheet"]
    {
        assert!(!page.contains(reference), "{reference}");
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn a_page_of_10_000_invocations_is_small() {
    let bytes = html(&sample::report(10_000)).len();
    assert!(bytes < 4_000_000, "{bytes} bytes");
}

#[test]
fn log_lines_are_bounded() {
    let failure = Invocation {
        outcome: Outcome::Error,
        lines: vec![Line { text: "x".repeat(100_000), ..Line::default() }; 50],
        ..Invocation::default()
    };
    let report = Report { invocations: vec![failure; 20], ..Report::default() };
    let page = html(&report);
    assert!(page.len() < 4_000_000, "{} bytes", page.len());
    assert_eq!(json(&page)["withoutLines"], 16);
}

#[test]
fn an_empty_report_says_that_there_were_no_events() {
    let page = html(&Report::default());
    let text = visible(&page);
    assert!(text.contains("There were no invocations in this range."));
    assert!(text.contains("No events in this range"));
    assert!(!text.contains("Complete<"), "nothing arrived, so nothing is complete");
}

#[test]
fn the_verdict_counts_events_that_no_ledger_explains() {
    let instance = Instance {
        name: "a1".to_owned(),
        last: 100,
        missing: vec![(10, 19), (50, 50)],
        explained: vec![(12, 14)],
        ..Instance::default()
    };
    let mut report = Report { instances: vec![instance], ..Report::default() };
    let page = html(&report);
    assert!(visible(&page).contains("8 events missing"));
    assert!(visible(&page).contains("reported 3 events as shed"));
    assert!(visible(&page).contains("10–11, 15–19, 50 missing"));
    report.instances[0].explained = vec![(1, 100)];
    assert!(visible(&html(&report)).contains("Complete except for 11 shed events"));
}

#[test]
fn conflicts_and_unreadable_records_are_incomplete() {
    let conflicting = Instance { conflicting: 2, last: 9, ..Instance::default() };
    let report = Report { instances: vec![conflicting], ..Report::default() };
    assert!(visible(&html(&report)).contains("2 event numbers conflicting"));
    let report = Report {
        instances: vec![Instance { last: 9, ..Instance::default() }],
        unreadable: 1,
        ..Report::default()
    };
    assert!(visible(&html(&report)).contains("1 record unreadable"));
}

#[test]
fn the_figures_are_there_without_the_script() {
    let page = html(&sample::report(200));
    let text = visible(&page);
    for part in [
        "<noscript>",
        "<dt>Invocations</dt><dd>200</dd>",
        "platform.report",
        "ndjson+gzip",
        "orders-api",
    ] {
        assert!(text.contains(part), "{part}");
    }
    assert_eq!(text.matches("class=\"coverage\"").count(), sample::report(200).instances.len());
}

#[test]
fn figures_that_are_not_numbers_are_unknown() {
    let odd = Invocation {
        init_ms: Some(f64::NAN),
        duration_ms: Some(f64::INFINITY),
        start_ms: i64::MIN,
        lag_ms: Some(i64::MAX),
        ..Invocation::default()
    };
    let report =
        Report { invocations: vec![odd], from_ms: i64::MIN, to_ms: i64::MAX, ..Report::default() };
    assert!(json(&html(&report))["invocations"]["durationMs"][0].is_null());
}
