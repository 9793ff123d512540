use expect_test::expect;

use super::*;

fn event(function: &str, seq: u64, event: &str) -> Event {
    let open = event.strip_suffix('}').unwrap();
    let line = format!(
        "{open},\"source\":{{\"function\":\"{function}\",\"instance\":\"a\",\"seq\":{seq},\"requestId\":\"8f3c-1\"}}}}\n"
    );
    kinesis_telemetry_consumer::record(line.as_bytes()).pop().unwrap().unwrap()
}

fn logged(function: &str, time: &str, record: &str) -> Event {
    event(
        function,
        1,
        &format!("{{\"time\":\"{time}\",\"type\":\"function\",\"record\":{record}}}"),
    )
}

fn shown(events: &[Event], columns: Option<usize>, is_colored: bool) -> String {
    let styles = Styles::new(is_colored);
    let mut pretty = Pretty::new(styles, columns);
    let mut text = styles.text();
    for event in events {
        pretty.show(event, &mut text);
    }
    text.as_str().to_owned()
}

fn invocation() -> [Event; 5] {
    let report = r#"{"time":"2026-11-29T12:00:00.400Z","type":"platform.report","record":{"requestId":"8f3c-1","status":"success","metrics":{"durationMs":3.12,"billedDurationMs":4,"memorySizeMB":128,"maxMemoryUsedMB":70}}}"#;
    [
        event(
            "orders",
            1,
            r#"{"time":"2026-11-29T12:00:00.001Z","type":"platform.start","record":{"requestId":"8f3c-1","version":"$LATEST"}}"#,
        ),
        logged("orders", "2026-11-29T12:00:00.123Z", r#""[INFO] order 17 accepted\n""#),
        logged(
            "orders",
            "2026-11-29T12:00:00.200Z",
            r#"{"level":"warn","message":"retry","attempt":2,"url":"https://example.org/a"}"#,
        ),
        logged(
            "orders",
            "2026-11-29T12:00:00.300Z",
            r#"{"level":"error","message":"boom","stackTrace":["File \"a.py\", line 1","    f()"]}"#,
        ),
        event("orders", 5, report),
    ]
}

#[test]
fn an_invocation_reads_line_by_line() {
    expect![[r#"
        2026-11-29  function orders
        12:00:00.001  8f3c         START RequestId: 8f3c-1  Version: $LATEST
        12:00:00.123  8f3c  INFO   order 17 accepted
        12:00:00.200  8f3c  WARN   retry attempt=2 url=https://example.org/a
        12:00:00.300  8f3c  ERROR  boom
                                   File "a.py", line 1
                                       f()
        12:00:00.400  8f3c         REPORT RequestId: 8f3c-1  Duration: 3.12 ms  Billed Duration: 4 ms  Memory Size: 128 MB  Max Memory Used: 70 MB
    "#]].assert_eq(&shown(&invocation(), None, false));
}

#[test]
fn at_80_columns_lines_are_wrapped_below_their_text() {
    let text = shown(&invocation(), Some(80), false);
    assert!(text.lines().all(|line| display_width(line) <= 80), "{text}");
    expect![[r#"
        2026-11-29  function orders
        12:00:00.001  8f3c         START RequestId: 8f3c-1  Version: $LATEST
        12:00:00.123  8f3c  INFO   order 17 accepted
        12:00:00.200  8f3c  WARN   retry attempt=2 url=https://example.org/a
        12:00:00.300  8f3c  ERROR  boom
                                   File "a.py", line 1
                                       f()
        12:00:00.400  8f3c         REPORT RequestId: 8f3c-1  Duration: 3.12 ms  Billed
                                   Duration: 4 ms  Memory Size: 128 MB  Max Memory Used:
                                   70 MB
    "#]]
    .assert_eq(&text);
}

#[test]
fn at_120_columns_a_report_needs_two_lines() {
    expect![[r"
        2026-11-29  function orders
        12:00:00.400  8f3c         REPORT RequestId: 8f3c-1  Duration: 3.12 ms  Billed Duration: 4 ms  Memory Size: 128 MB  Max
                                   Memory Used: 70 MB
    "]].assert_eq(&shown(&invocation()[4..], Some(120), false));
}

#[test]
fn levels_and_invocations_have_colors() {
    let text = shown(&invocation()[1..4], None, true).replace('\u{1b}', "^");
    expect![[r#"
        ^[1m2026-11-29  function orders^[0m
        ^[2m12:00:00.123^[0m  ^[38;5;105m8f3c^[0m  ^[32mINFO^[0m   order 17 accepted
        ^[2m12:00:00.200^[0m  ^[38;5;105m8f3c^[0m  ^[33mWARN^[0m   retry^[2m attempt=2 url=https://example.org/a^[0m
        ^[2m12:00:00.300^[0m  ^[38;5;105m8f3c^[0m  ^[1m^[31mERROR^[0m  boom
                                   ^[2mFile "a.py", line 1^[0m
                                   ^[2m    f()^[0m
    "#]].assert_eq(&text);
}

#[test]
fn several_functions_get_a_column_of_short_names() {
    let long = "KinesisTelemetry-dev-Function-TestFunction22AD90FC-jeaADF34aFdz";
    let events = [
        logged(long, "2026-11-29T23:59:59.900Z", "\"one\""),
        logged("orders", "2026-11-30T00:00:00.100Z", "\"two\""),
        logged(&long.replace("Test", "Rest"), "2026-11-30T00:00:00.200Z", "\"three\""),
        logged(long, "2026-11-30T02:00:00.300Z", "\"four\""),
    ];
    expect![[r"
        2026-11-29  function KinesisTelemetry-dev-Function-TestFunction22AD90FC-jeaADF34aFdz, shown as Kinesis…DF34aFdz
        23:59:59.900  8f3c         one
        2026-11-30  function orders
        00:00:00.100  orders            8f3c         two
        function KinesisTelemetry-dev-Function-RestFunction22AD90FC-jeaADF34aFdz, shown as Kinesis…DF34aFdz~2
        00:00:00.200  Kinesis…DF34aFdz~2  8f3c         three
        2026-11-30
        02:00:00.300  Kinesis…DF34aFdz    8f3c         four
    "]].assert_eq(&shown(&events, None, false));
}

#[test]
fn hostile_values_cannot_forge_a_line_or_a_color() {
    let events = [
        logged("f\\u001b[31m", "\\u001b[2J", r#""a\u001b[31mb\rc\u2028d\n\u009b31m""#),
        logged(
            "f",
            "2026-11-29T1\u{202e}",
            r#"{"level":"error","message":"x\u0007","k\u001b":"v\u001b","stack":"a\n\u001b[2Jb"}"#,
        ),
    ];
    let text = shown(&events, Some(60), false);
    assert!(
        !text.contains(['\u{1b}', '\u{9b}', '\u{7}', '\r', '\u{2028}', '\u{202e}']),
        "{text:?}"
    );
    assert!(text.contains("a\u{fffd}[31mb c d"), "{text}");
}

#[test]
fn wide_and_combined_characters_are_wrapped_whole() {
    let text = "東京 ".repeat(30) + &"e\u{301}".repeat(90);
    let line = serde_json::to_string(&text).unwrap();
    let rows = shown(&[logged("f", "2026-11-29T12:00:00.000Z", &line)], Some(60), false);
    let text_of_rows: String = rows.lines().skip(1).map(str::trim).collect::<Vec<_>>().join("");
    assert!(text_of_rows.replace(' ', "").ends_with(&text.replace(' ', "")), "{rows}");
}
