//! What a million invocations cost: the arithmetic, and that docs/cost.md says what the command prints.

use std::time::Duration;

use extension_spec::{Flush, variable};
use kinesis_telemetry_extension::Packing;
use xtask_model::{
    Cost, Life, Logs, Prices, Sent, Usage, a_month, invocations, live, logged_bytes, tables,
};

const DOCUMENT: &str = include_str!("../../../../docs/cost.md");

/// Half of the invocations held for 200 ms, and a record of 30,000 bytes for each.
fn half_held() -> Life {
    let mut sent = Sent::default();
    for _ in 0..4 {
        sent.add_bytes(30_000);
    }
    Life { invocations: 4, held: 2, held_for: Duration::from_millis(200), sent }
}

/// Whether they are the same but for what a float cannot hold.
fn is(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= expected.abs() * 1e-12
}

fn prices(args: &[&str]) -> Prices {
    Prices::new(args).expect("these are prices")
}

#[test]
fn each_record_is_rounded_by_itself_to_whole_units_and_kilobytes() {
    let mut sent = Sent::default();
    for (size, units, on_demand) in
        [(1, 1, 1_024), (1_024, 2, 2_048), (25_600, 3, 27_648), (25_601, 5, 54_272)]
    {
        sent.add_bytes(size);
        assert_eq!((sent.units, sent.on_demand), (units, on_demand), "after {size} bytes");
    }
    assert_eq!((sent.records, sent.bytes), (4, 52_226));
}

#[test]
fn a_million_invocations_are_reckoned_from_a_few_and_a_gb_is_two_to_the_power_of_thirty() {
    let usage = Usage::new(&half_held(), 4 * 1_024);
    assert!(is(usage.held, 500_000.0) && is(usage.records, 1e6) && is(usage.units, 2e6));
    // 30,000 bytes are 30 KB, of 1,024 bytes.
    assert!(is(usage.gb_in, 30.0 * 1e6 / 1_024.0 / 1_024.0), "{usage:?}");
    assert!(is(usage.gb_logged, 1e6 / 1_024.0 / 1_024.0), "{usage:?}");
}

#[test]
fn what_is_used_costs_its_price_each() {
    let prices = prices(&[
        "on-demand-in=3",
        "on-demand-out=5",
        "payload-units=7",
        "logs-in=11",
        "duration=0.001",
        "stream-hour=1",
        "shard-hour=2",
    ]);
    let usage = Usage { gb_in: 2.0, gb_logged: 13.0, ..Usage::new(&half_held(), 0) };
    let cost = Cost::new(&usage, &prices);
    // 500,000 times 200 ms, with half a GB.
    assert!(is(cost.held, 50.0), "{cost:?}");
    assert!(is(cost.on_demand, 6.0) && is(cost.out, 10.0), "{cost:?}");
    assert!(is(cost.provisioned, 14.0) && is(cost.logs, 143.0), "{cost:?}");
    let [stream, shard] = a_month(&prices);
    assert!(is(stream, 730.0) && is(shard, 1_460.0));
}

#[test]
fn a_stream_pays_once_what_it_saves_is_what_it_costs_a_month_and_never_if_it_saves_nothing() {
    let cost = Cost { held: 1.0, on_demand: 2.0, out: 0.0, provisioned: 0.0, logs: 8.0 };
    let pays_from = cost.pays_from(20.0, cost.on_demand).expect("it saves 5 a million");
    assert!(is(pays_from, 4.0), "{pays_from}");
    assert_eq!(Cost { logs: 3.0, ..cost }.pays_from(20.0, cost.on_demand), None);
}

#[test]
fn an_argument_that_is_no_price_is_refused_by_its_name() {
    for (arg, why) in [
        ("logs-in", "no name=price"),
        ("log=1", "no such name"),
        ("logs-in=cheap", "no price"),
        ("logs-in=-1", "no price"),
        ("logs-in=inf", "no price"),
    ] {
        let error = Prices::new([arg]).expect_err(arg);
        assert!(error.starts_with(&format!("{arg}: {why}")), "{error}");
    }
}

#[test]
fn a_price_of_the_readers_own_stands_in_for_what_was_found() {
    let table = prices(&["logs-in=0.57"]).table();
    assert!(table.contains("| `logs-in` | 0.57 |") && table.contains("| yours |"), "{table}");
    assert_eq!(prices(&[]).table().matches("secondary").count(), 7);
}

#[test]
fn end_holds_every_invocation_and_adaptive_the_first_of_many() {
    let all = invocations(Logs::Text, 3, Packing::default(), 50);
    let held = [Flush::End, Flush::Adaptive].map(|flush| {
        let life = live(&all, &extension_spec::load([(variable::FLUSH, flush.word())]).config);
        assert_eq!(life.sent.events, 50 * 6, "{flush:?}: everything is sent");
        life.held
    });
    assert_eq!(held, [50, 5]);
}

#[test]
fn in_a_log_group_are_the_lines_as_written_between_start_end_and_report() {
    let [none, one] = [0, 1].map(|lines| invocations(Logs::Text, lines, Packing::default(), 1));
    let around = logged_bytes(&none);
    // Three names, three ids, and what REPORT tells.
    assert!((200..300).contains(&around), "{around}");
    let line = logged_bytes(&one) - around;
    assert!((300..=430).contains(&line), "{line}");
}

#[test]
fn the_document_says_what_the_command_prints() {
    for part in tables(&prices(&[])) {
        assert!(
            DOCUMENT.contains(part.trim_end()),
            "docs/cost.md differs from `cargo run --release --package xtask-model --bin costs`, which prints:\n\n{part}"
        );
    }
}
