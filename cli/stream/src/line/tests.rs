use expect_test::expect;
use extension_spec::LogLevel::{Debug, Error, Info, Warn};
use kinesis_telemetry_consumer as consumer;

use super::*;

fn event(kind: &str, record: &str) -> Event {
    let line = format!(
        "{{\"type\":\"{kind}\",\"record\":{record},\"source\":{{\"instance\":\"a\",\"seq\":1}}}}\n"
    );
    consumer::record(line.as_bytes()).pop().unwrap().unwrap()
}

fn logged(record: &str) -> Line {
    Line::of(&event("function", record))
}

#[test]
fn prefixes_of_the_runtimes_are_removed() {
    let id = "6d68ca91-49c9-448d-89b8-7ca3e6dc66aa";
    for (text, level, rest) in [
        (
            format!("[INFO]\\t2026-08-09T12:34:51.011Z\\t{id}\\thello\\tworld\\n"),
            Some(Info),
            "hello\tworld",
        ),
        (format!("2026-08-09T12:34:51.011Z\\t{id}\\tERROR\\tno"), Some(Error), "no"),
        ("2026-08-09T12:34:51.011Z\\tundefined\\tWARN\\tno".to_owned(), Some(Warn), "no"),
        ("[WARN] disk is full".to_owned(), Some(Warn), "disk is full"),
        ("[orders] WARN disk".to_owned(), Some(Warn), "[orders] WARN disk"),
        ("an error in a sentence".to_owned(), None, "an error in a sentence"),
        ("ERROR".to_owned(), Some(Error), "ERROR"),
    ] {
        let line = logged(&format!("\"{text}\""));
        assert_eq!((line.level, line.text.as_str()), (level, rest), "{text}");
    }
}

#[test]
fn json_lines_become_text_members_and_stack() {
    let line = logged(
        r#"{"timestamp":"t","level":"error","requestId":"r","message":"boom\n","orderId":17,"note":"a b","stackTrace":["  File x\n","    y\n"]}"#,
    );
    let expected = Line {
        level: Some(Error),
        text: "boom".to_owned(),
        members: "note=\"a b\" orderId=17".to_owned(),
        stack: "  File x\n    y".to_owned(),
        is_failure: false,
    };
    assert_eq!(line, expected);
    assert_eq!(logged(r#""{\"level\":\"debug\",\"msg\":\"m\"}""#).level, Some(Debug));
    assert_eq!(logged(r#"{"version":"1.1","level":3}"#).level, Some(Error));
    assert_eq!(logged(r#"{"level":"info","log":{"level":"error"}}"#).level, Some(Error));
    assert_eq!(logged(r#"{"a":{"b":1}}"#).members, r#"a={"b":1}"#);
    assert_eq!(logged("17").text, "17");
    assert_eq!(logged("null"), Line::default());
}

#[test]
fn platform_events_become_lambdas_own_lines() {
    let id = r#""requestId":"8f50""#;
    let lines = [
        ("platform.initStart", r#"{"runtimeVersion":"nodejs:22.v30","phase":"init"}"#.to_owned()),
        ("platform.initReport", r#"{"phase":"init","status":"error","errorType":"Runtime.ExitError","metrics":{"durationMs":409.123}}"#.to_owned()),
        ("platform.start", format!("{{{id},\"version\":\"$LATEST\"}}")),
        ("platform.runtimeDone", format!("{{{id},\"status\":\"success\",\"metrics\":{{\"durationMs\":140.0}}}}")),
        ("platform.report", format!(r#"{{{id},"status":"success","metrics":{{"durationMs":693.92,"billedDurationMs":694,"memorySizeMB":128,"maxMemoryUsedMB":84,"initDurationMs":397.68}}}}"#)),
        ("platform.report", format!(r#"{{{id},"status":"timeout","errorType":"Sandbox.Timedout","metrics":{{"durationMs":3000.389}}}}"#)),
        ("platform.extension", r#"{"name":"x","state":"Ready","events":["INVOKE","SHUTDOWN"]}"#.to_owned()),
        ("platform.logsDropped", r#"{"droppedBytes":12345,"droppedRecords":123,"reason":"slow"}"#.to_owned()),
        ("kinesis-telemetry.ledger", r#"{"upTo":9,"delivered":4,"held":5,"shed":{"memory":1,"end":2},"sampledOut":{"events":3}}"#.to_owned()),
        ("platform.fault", "\"RequestId: 8f50 Error: exit status 1\\n\"".to_owned()),
        ("platform.new", r#"{"a":[1]}"#.to_owned()),
        ("platform.report", "{}".to_owned()),
    ];
    let text: String =
        lines.iter().map(|(kind, record)| Line::of(&event(kind, record)).text + "\n").collect();
    expect![[r#"
        INIT_START  Runtime Version: nodejs:22.v30  Phase: init
        INIT_REPORT  Init Duration: 409.12 ms  Phase: init  Status: error  Error Type: Runtime.ExitError
        START RequestId: 8f50  Version: $LATEST
        END RequestId: 8f50  Duration: 140 ms
        REPORT RequestId: 8f50  Duration: 693.92 ms  Billed Duration: 694 ms  Memory Size: 128 MB  Max Memory Used: 84 MB  Init Duration: 397.68 ms
        REPORT RequestId: 8f50  Duration: 3000.39 ms  Status: timeout  Error Type: Sandbox.Timedout
        EXTENSION  Name: x  State: Ready  Events: INVOKE, SHUTDOWN
        LOGS_DROPPED  Records: 123  Bytes: 12345  Reason: slow
        LEDGER  Up to: 9  Delivered: 4  Held: 5  Shed: 3  Sampled out: 3
        platform.fault RequestId: 8f50 Error: exit status 1
        platform.new {"a":[1]}
        REPORT
    "#]].assert_eq(&text);
}

#[test]
fn a_request_id_in_the_text_of_a_line_counts() {
    let id = "6d68ca91-49c9-448d-89b8-7ca3e6dc66aa";
    let of = |kind: &str, record: &str| request_id(&event(kind, record)).map(str::to_owned);
    assert_eq!(
        of("function", &format!("\"2026-08-09T12:34:51.011Z\\t{id}\\tERROR\\tno\"")).as_deref(),
        Some(id)
    );
    assert_eq!(of("function", &format!("\"[INFO] {id} é line\"")).as_deref(), Some(id));
    for record in [format!("\"{}{id}\"", "é".repeat(200)), format!("\"a{id}\""), "\"x\"".to_owned()]
    {
        assert_eq!(of("function", &record), None, "{record}");
    }
    assert_eq!(of("platform.extension", &format!("\"{id}\"")), None);
}
