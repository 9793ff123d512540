#![allow(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]

use expect_test::expect;

use super::super::reports::{Report, parse};
use super::draw;

/// 2026-11-22T20:00:00Z.
const T0_MS: i64 = 1_795_377_600_000;

fn init(ms: f64) -> Report {
    parse(&format!(r#"{{"report":"init","status":"success","durationMs":{ms}}}"#)).unwrap()
}

fn invocation(n: usize, status: &str, function: &str, extension: &str) -> Report {
    let line = format!(
        r#"{{"report":"invocation","n":{n},"requestId":"r{n}","status":"{status}","startTime":"2026-11-22T20:00:00.000Z","functionMs":{function},"extensionMs":{extension},"response":""}}"#
    );
    parse(&line).unwrap()
}

fn shutdown(ms: f64) -> Report {
    parse(&format!(r#"{{"report":"shutdown","reason":"spindown","durationMs":{ms},"exits":[]}}"#))
        .unwrap()
}

#[test]
fn bars_stand_under_one_scale() {
    let reports = [
        init(84.0),
        invocation(1, "success", "42.0", "126.0"),
        invocation(2, "error", "3.25", "100.0"),
        shutdown(21.0),
    ];
    let delivered = |request: &str| match request {
        "r1" => Some(T0_MS + 160),
        "r2" => Some(T0_MS + 420),
        _ => None,
    };
    expect![[r#"
                                    function  extension  delivered  0                             420.0 ms
        init            success      84.0 ms          -          -  ========
        invocation 1    success      42.0 ms   126.0 ms   160.0 ms  ====##########*
        invocation 2    error         3.2 ms   100.0 ms   420.0 ms  =########                            *
        shutdown        spindown           -    21.0 ms          -  ##

        = function (or start)   # extension, while the invocation is held open
        * last event in the stream, platform.report apart: Lambda sends it with the
          next invocation
    "#]].assert_eq(&draw(&reports, delivered, 100));
}

#[test]
fn of_many_invocations_the_first_and_the_last_are_drawn() {
    let reports: Vec<Report> = (1..=100).map(|n| invocation(n, "success", "1.0", "2.0")).collect();
    let drawn = draw(&reports, |_| None, 100);
    for (n, is_drawn) in [(10, true), (11, false), (90, false), (91, true)] {
        assert_eq!(drawn.contains(&format!("invocation {n} ")), is_drawn, "{n}");
    }
    assert!(drawn.contains("  … 80 more\n"));
}

#[test]
fn lines_fit_the_width_of_the_terminal() {
    let reports = [invocation(1, "success", "123456.7", "123456.7")];
    for width in [80, 90, 100, 200] {
        let drawn = draw(&reports, |_| Some(T0_MS), width);
        for line in drawn.lines() {
            assert!(line.chars().count() <= width.min(100), "{line}");
        }
    }
}

#[test]
fn no_invocation_at_all_can_be_drawn() {
    assert!(draw(&[], |_| None, 80).contains("function"));
}
