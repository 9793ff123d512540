//! `doctor` on the extension's lines in the function's log.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::{ORDERS, healthy_but, missing};
use crate::server::{Answer, Call, Server, ok, refused};

/// Returns a line that was logged `seconds` ago.
fn logged(seconds: u64, message: &str) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    json!({ "timestamp": (now - seconds) * 1000, "message": message })
}

/// Serves a deployment whose log group answers with `answer`.
fn logging(answer: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> Server {
    healthy_but(move |call| (call.operation == "FilterLogEvents").then(|| answer(call)))
}

/// Returns the exit code, and the lines about the log.
fn about_the_log(server: &Server) -> (i32, Vec<String>) {
    let (code, text) = server.types(&ORDERS);
    let is_log = |line: &&str| line.get(8..).is_some_and(|it| it.starts_with("log "));
    (code, text.lines().filter(is_log).map(str::to_owned).collect())
}

#[test]
fn errors_of_the_extension_are_problems() {
    let server = logging(|_| {
        let own = |text: &str| format!("[kinesis-telemetry-extension] {text}\n");
        ok(&json!({ "events": [
            logged(3_000, &own("ERROR telemetry is not delivered: AccessDeniedException; 17 events wait")),
            logged(600, &own("WARN check the settings: KINESIS_TELEMETRY_X is unknown (version 0.1.0)")),
            logged(2_000, &own("ERROR telemetry is not delivered: AccessDeniedException; 4 events wait")),
            logged(500, &own("INFO the end")),
            logged(400, "INFO the function mentions [kinesis-telemetry-extension] ERROR x"),
        ] }))
    });
    let (code, lines) = about_the_log(&server);
    assert_eq!(code, 1);
    assert_eq!(
        lines,
        [
            "BROKEN  log           WARN 10 min ago: check the settings: KINESIS_TELEMETRY_X is unknown (version 0.1.0)",
            "BROKEN  log           ERROR 2 times, last 33 min ago: telemetry is not delivered: AccessDeniedException; 4 events wait",
        ]
    );
    let call = &server.calls("FilterLogEvents")[0];
    assert_eq!(call["logGroupName"], "/aws/lambda/orders");
    assert_eq!(call["filterPattern"], "\"[kinesis-telemetry-extension]\"");
}

#[test]
fn lines_of_the_json_log_format_are_read() {
    let server = logging(|_| {
        let record = "[kinesis-telemetry-extension] ERROR cannot start: no network";
        let line = json!({ "time": "2026-11-29T00:00:00Z", "type": "extension", "record": record });
        ok(&json!({ "events": [logged(600, &line.to_string())] }))
    });
    let (code, lines) = about_the_log(&server);
    let expected = "BROKEN  log           ERROR 10 min ago: cannot start: no network";
    assert_eq!((code, lines), (1, vec![expected.to_owned()]));
}

#[test]
fn a_problem_that_ended_is_only_noted() {
    let server = logging(|_| {
        let own = |text: &str| format!("[kinesis-telemetry-extension] {text}");
        ok(&json!({ "events": [
            logged(1_800, &own("ERROR telemetry is not delivered: timeout; 17 events wait")),
            logged(600, &own("WARN telemetry is delivered again")),
        ] }))
    });
    let (code, lines) = about_the_log(&server);
    assert_eq!(code, 0);
    assert_eq!(
        lines,
        [
            "note    log           ERROR 30 min ago: telemetry is not delivered: timeout; 17 events wait; delivered again since",
            "ok      log           no other warning or error of the extension in the last hour of /aws/lambda/orders",
        ]
    );
}

#[test]
fn every_page_of_the_log_is_read() {
    let pages = AtomicUsize::new(0);
    let server = logging(move |call| match pages.fetch_add(1, Ordering::Relaxed) {
        0 => ok(&json!({ "events": [], "nextToken": "1" })),
        1 => ok(&json!({ "events": [], "nextToken": "2" })),
        _ => {
            assert_eq!(call.body["nextToken"], "2");
            ok(&json!({ "events": [logged(600, "[kinesis-telemetry-extension] WARN late")] }))
        }
    });
    assert_eq!(about_the_log(&server).1, ["BROKEN  log           WARN 10 min ago: late"]);
}

#[test]
fn a_function_that_never_logged_is_noted() {
    let (code, lines) = about_the_log(&logging(|_| missing()));
    let expected = "note    log           orders has not logged anything: the log group /aws/lambda/orders does not exist";
    assert_eq!((code, lines), (0, vec![expected.to_owned()]));
}

#[test]
fn a_log_group_that_cannot_be_searched_is_noted() {
    let server = logging(|_| {
        let message = "The log group is of log-group-class INFREQUENT_ACCESS.";
        refused("InvalidOperationException", message)
    });
    let (code, lines) = about_the_log(&server);
    let expected = "note    log           /aws/lambda/orders cannot be searched by doctor (The log group is of log-group-class \
                    INFREQUENT_ACCESS.); docs/operating.md has a query for it";
    assert_eq!((code, lines), (0, vec![expected.to_owned()]));
}

#[test]
fn a_denied_log_is_unknown_with_the_permission() {
    let server = logging(|_| refused("AccessDeniedException", "not authorized"));
    let (code, text) = server.types(&ORDERS);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("unknown log "), "{text}");
    assert!(text.contains("requires the permission logs:FilterLogEvents "), "{text}");
    assert!(text.ends_with("\n1 check could not be made\n"), "{text}");
}

#[test]
fn a_log_line_cannot_forge_a_finding() {
    let server = logging(|_| {
        let line = "[kinesis-telemetry-extension] WARN \u{1b}[2J\u{9b}31m\nok      log           fine\r\u{202e}";
        ok(&json!({ "events": [logged(600, line)] }))
    });
    let (code, text) = server.types(&ORDERS);
    assert_eq!(code, 1, "{text}");
    assert!(!text.contains(['\u{1b}', '\u{9b}', '\r', '\u{202e}']), "{text:?}");
    assert!(!text.lines().any(|it| it.starts_with("ok      log")), "{text}");
}

#[test]
fn a_silent_log_service_costs_ten_seconds_at_most() {
    let (_stays_open, never) = channel::<()>();
    let never = Mutex::new(never);
    let server = logging(move |_| {
        _ = never.lock().unwrap().recv();
        missing()
    });
    let began = Instant::now();
    let (code, text) = server.types(&ORDERS);
    assert!(began.elapsed() < Duration::from_secs(11), "{text}");
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("unknown log "), "{text}");
}

#[test]
fn a_throttled_log_is_read_later() {
    let calls = AtomicUsize::new(0);
    let server = logging(move |_| match calls.fetch_add(1, Ordering::Relaxed) {
        // More failures than the SDK itself retries.
        ..3 => refused("ThrottlingException", "Rate exceeded"),
        _ => ok(&json!({ "events": [logged(600, "[kinesis-telemetry-extension] WARN late")] })),
    });
    assert_eq!(about_the_log(&server).1, ["BROKEN  log           WARN 10 min ago: late"]);
}
