use expect_test::{Expect, expect};
use kinesis_telemetry_terminal::Styles;

use super::super::tests::{picture, row, troubled};
use super::*;

fn check(width: usize, expected: &Expect) {
    let text = table(&troubled(), Order::Failures, width, Styles::new(false));
    expected.assert_eq(text.as_str());
}

#[test]
fn the_table_at_80_columns() {
    check(
        80,
        &expect![[r"
            2026-11-22T20:00:00Z  telemetry  4 shards  catching up, 12.5 min behind
            5 functions  15 instances  1,301 events/s  405 kB/s  lag p99 2.3 s  lag p50 640 ms
            invoked 13,010  failed 12  missing 3  unreadable 2  shed 40  dropped 7  cold 15  sampled out 123,456
            FUNCTION          EVENTS/S  BYTES/S  LAG P99 INVOKED  FAILED   MEMORY MB MISSING
            payments-authori…    1,234   385 kB  1.5 min  12,340      12     126/128       3
            (no name)                0      0 B        -       0       0           -       0
            a�[2J�b FUNCTION       7.0   2.1 kB    2.3 s      70       0      84/128       0
            orders                52.0  16.2 kB    2.3 s     520       0      84/128       0
            東京-注文              8.0   2.4 kB    2.3 s      80       0      84/128       0

        "]],
    );
}

#[test]
fn the_table_at_120_columns() {
    check(
        120,
        &expect![[r"
            2026-11-22T20:00:00Z  telemetry  4 shards  catching up, 12.5 min behind
            5 functions  15 instances  1,301 events/s  405 kB/s  lag p99 2.3 s  lag p50 640 ms
            invoked 13,010  failed 12  missing 3  unreadable 2  shed 40  dropped 7  cold 15  sampled out 123,456
            FUNCTION                INSTANCES EVENTS/S  BYTES/S  LAG P99 INVOKED  FAILED    COLD   MEMORY MB MISSING    SHED DROPPED
            payments-authorization…         3    1,234   385 kB  1.5 min  12,340      12       3     126/128       3      40       7
            (no name)                       3        0      0 B        -       0       0       3           -       0       0       0
            a�[2J�b FUNCTION                3      7.0   2.1 kB    2.3 s      70       0       3      84/128       0       0       0
            orders                          3     52.0  16.2 kB    2.3 s     520       0       3      84/128       0       0       0
            東京-注文                       3      8.0   2.4 kB    2.3 s      80       0       3      84/128       0       0       0

        "]],
    );
}

#[test]
fn only_problems_are_colored() {
    let colored = |picture: &Picture| {
        let text = table(picture, Order::Events, 160, Styles::new(true));
        text.as_str().replace("\u{1b}[1m", "")
    };
    assert!(colored(&troubled()).contains("\u{1b}[31m12\u{1b}[0m"));
    assert!(!colored(&picture(vec![row("orders", 5)])).contains("\u{1b}[3"));
}

#[test]
fn a_line_of_json_has_every_figure_and_unchanged_names() {
    let line = json_line(&troubled(), Order::Name);
    assert_eq!(line.matches('\n').count(), 1);
    assert!(!line.contains(['\u{1b}', '\u{202e}']));
    let value: Value = serde_json::from_str(&line).unwrap();
    let names: Vec<_> =
        value["functions"].as_array().unwrap().iter().map(|it| &it["function"]).collect();
    assert_eq!(names[1], "a\u{1b}[2J\u{202e}b\nFUNCTION");
    expect![[r#"
        {
          "bytesPerSecond": 385008.0,
          "coldStarts": 3,
          "dropped": 7,
          "events": 1000,
          "eventsPerSecond": 1234.0,
          "failures": 12,
          "function": "payments-authorization-handler-prod",
          "instances": 3,
          "invocations": 12340,
          "lagP50Ms": 900,
          "lagP99Ms": 95000,
          "maxMemoryUsedMB": 126,
          "memorySizeMB": 128,
          "missing": 3,
          "sampledOut": 123456,
          "shed": 40
        }"#]]
    .assert_eq(&format!("{:#}", value["functions"][3]));
    assert_eq!((&value["total"]["missing"], &value["behindMs"]), (&json!(3), &json!(754_000)));
}
