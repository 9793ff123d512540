use serde_json::{Value, json};

use super::*;

/// Beginning of the period.
const START_MS: i64 = 1_795_377_600_000;

fn model() -> Model {
    Model::new(START_MS, Duration::from_secs(2))
}

fn event(function: &str, instance: &str, seq: u64, kind: &str, record: &Value) -> Event {
    let source = json!({ "function": function, "instance": instance, "seq": seq });
    let line = format!(
        r#"{{"time":"2026-11-22T20:00:01.000Z","type":"{kind}","record":{record},"source":{source}}}"#
    );
    kinesis_telemetry_consumer::record(format!("{line}\n").as_bytes()).pop().unwrap().unwrap()
}

fn line(instance: &str, seq: u64) -> Event {
    event("orders", instance, seq, "function", &json!("x"))
}

fn platform(seq: u64, kind: &str, record: &Value) -> Event {
    event("orders", "a", seq, &format!("platform.{kind}"), record)
}

/// Returns the counts of the only function, an hour later.
fn counts(events: impl IntoIterator<Item = Event>) -> Counts {
    let mut model = model();
    for event in events {
        model.add(&event, START_MS + 2_000);
    }
    model.read_to_ms = START_MS + 3_600_000;
    let rows = model.functions();
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows[0].counts
}

fn missing(model: &mut Model, after_ms: i64) -> u64 {
    model.read_to(START_MS + after_ms);
    model.functions().iter().map(|row| row.counts.missing).sum()
}

#[test]
fn a_number_is_missing_after_the_settle_time_until_it_arrives() {
    let mut model = model();
    for (seq, at_ms) in [(1, 2_000), (2, 2_000), (4, 3_000)] {
        model.add(&line("a", seq), START_MS + at_ms);
    }
    assert_eq!(missing(&mut model, 12_999), 0, "it may be retried");
    assert_eq!(missing(&mut model, 13_000), 1);
    model.add(&line("a", 3), START_MS + 60_000);
    assert_eq!(missing(&mut model, 61_000), 0);
}

#[test]
fn shards_that_are_not_read_yet_leave_nothing_missing() {
    let mut model = model();
    // One shard was read to the tip, an hour of it; the other one was not.
    for seq in (1..=100).filter(|seq| seq % 2 == 1) {
        model.add(&line("a", seq), START_MS + 2_000 + 36_000 * seq.cast_signed());
    }
    assert_eq!(missing(&mut model, 0), 0);
    for seq in (1..=100).filter(|seq| seq % 2 == 0) {
        model.add(&line("a", seq), START_MS + 2_000 + 36_000 * seq.cast_signed());
    }
    assert_eq!(missing(&mut model, 3_620_000), 0);
    assert_eq!(model.functions()[0].counts.events, 100);
}

#[test]
fn a_ledger_explains_what_was_shed() {
    let ledger = |seq: u64, shed: u64| {
        let record = json!({
            "upTo": seq - 1, "shed": { "memory": shed, "refused": 0 },
            "shedRanges": [{ "first": 3, "last": 2 + shed, "events": shed }],
            "logsDropped": { "records": 5, "bytes": 50 }, "sampledOut": { "events": 40 },
        });
        event("orders", "a", seq, "kinesis-telemetry.ledger", &record)
    };
    let seen = [1, 2, 9, 10].map(|seq| line("a", seq));
    let counts = counts(seen.into_iter().chain([ledger(11, 6), ledger(8, 1)]));
    let expected = Counts { events: 6, shed: 6, dropped: 5, sampled_out: 40, ..Counts::default() };
    assert_eq!(counts, expected, "the ledger with the largest number counts");
}

#[test]
fn a_forged_ledger_does_not_hide_missing_numbers() {
    let most = (1_u64 << 53) - 1;
    let forged = json!({
        "upTo": most, "shed": { "memory": 3 },
        "shedRanges": [{ "first": 1, "last": most, "events": most }],
    });
    let genuine = json!({
        "upTo": 501, "shed": { "memory": 2 },
        "shedRanges": [{ "first": 3, "last": 4, "events": 2 }],
    });
    let counts = counts([
        line("a", 1),
        line("a", 500),
        event("orders", "a", 501, "kinesis-telemetry.ledger", &forged),
        event("orders", "a", 502, "kinesis-telemetry.ledger", &genuine),
    ]);
    assert_eq!((counts.missing, counts.shed), (496, 2));
}

#[test]
fn an_invocation_and_its_failure_are_counted_once() {
    let of = |id: &str, status: &str| json!({ "requestId": id, "status": status });
    let counts = counts([
        platform(1, "start", &of("r1", "")),
        platform(2, "runtimeDone", &of("r1", "error")),
        platform(3, "report", &of("r1", "error")),
        platform(3, "report", &of("r1", "error")),
        platform(4, "start", &of("r2", "")),
        platform(5, "runtimeDone", &of("r2", "success")),
        platform(6, "report", &of("r2", "success")),
        // A managed instance has no `platform.runtimeDone`, and the start may be before the period.
        platform(7, "report", &of("r3", "timeout")),
    ]);
    assert_eq!((counts.invocations, counts.failures), (3, 2));
}

#[test]
fn a_cold_start_is_counted_once_an_instance() {
    let init = json!({ "requestId": "r1", "metrics": { "initDurationMs": 300.5 } });
    let both = [
        platform(1, "initReport", &json!({ "metrics": { "durationMs": 300.5 } })),
        platform(2, "report", &init),
    ];
    let other = event("orders", "b", 1, "platform.report", &init);
    assert_eq!(counts(both.into_iter().chain([other])).cold_starts, 2);
}

#[test]
fn cold_starts_without_an_identity_are_counted_by_request() {
    let event = |kind: &str, record: &Value| {
        let line = json!({ "type": format!("platform.{kind}"), "record": record });
        Event::without_identity(&line.to_string()).unwrap()
    };
    let init = json!({ "metrics": { "durationMs": 300.5 } });
    let report = |id: &str, metric: &str| {
        let metrics = json!({ metric: 300.5 });
        event("report", &json!({ "requestId": id, "metrics": metrics }))
    };
    let counts = counts([
        event("initReport", &init),
        report("r1", "initDurationMs"),
        event("initReport", &init),
        report("r2", "initDurationMs"),
        report("r2", "initDurationMs"),
        event("restoreReport", &init),
        report("r3", "restoreDurationMs"),
        report("r4", "durationMs"),
        event("logsDropped", &json!({ "droppedRecords": 3 })),
        event("logsDropped", &json!({ "droppedRecords": 4 })),
    ]);
    assert_eq!((counts.cold_starts, counts.dropped), (3, 7));
}

#[test]
fn instances_of_the_same_name_are_separated_by_function() {
    let init = json!({ "metrics": { "durationMs": 300.5 } });
    let mut model = model();
    for function in ["orders", "refunds"] {
        model.add(&event(function, "a", 1, "platform.initReport", &init), START_MS);
    }
    let cold_starts: Vec<_> = model.functions().iter().map(|it| it.counts.cold_starts).collect();
    assert_eq!(cold_starts, [1, 1]);
}

#[test]
fn dropped_lines_are_counted_by_event_or_by_ledger() {
    let dropped = |seq| platform(seq, "logsDropped", &json!({ "droppedRecords": 3 }));
    let ledger = json!({ "upTo": 4, "logsDropped": { "records": 8 } });
    let ledger = event("orders", "a", 5, "kinesis-telemetry.ledger", &ledger);
    assert_eq!(counts([dropped(1), dropped(2), dropped(2)]).dropped, 6, "a duplicate");
    assert_eq!(counts([dropped(1), dropped(2), ledger]).dropped, 8);
}

#[test]
fn the_memory_of_a_function_is_its_highest() {
    let report = |instance: &str, used: u64| {
        let record = json!({ "metrics": { "maxMemoryUsedMB": used, "memorySizeMB": 128 } });
        event("orders", instance, 1, "platform.report", &record)
    };
    let mut model = model();
    for (instance, used) in [("a", 80), ("b", 120), ("c", 90)] {
        model.add(&report(instance, used), START_MS);
    }
    let expected = Some(Memory { used_mb: 120, size_mb: 128 });
    assert_eq!(model.functions()[0].memory, expected);
    assert_eq!(model.instances_of("orders").len(), 3);
}

#[test]
fn rates_and_lags_are_of_each_function_and_instance() {
    let mut model = model();
    for second in 0..20 {
        // The event was created at START_MS + 1000.
        let at_ms = START_MS + 1_000 * second;
        model.add(&line("a", second.cast_unsigned() + 1), at_ms);
        model
            .add(&event("refunds", "b", second.cast_unsigned() + 1, "function", &json!("")), at_ms);
    }
    model.read_to(START_MS + 20_000);
    let rows = model.functions();
    assert_eq!(rows.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["orders", "refunds"]);
    for row in rows.iter().chain(&model.instances_of("orders")) {
        assert!((0.9..1.1).contains(&row.rate.events), "{row:?}");
        assert!(row.lag.unwrap().p50_ms.abs_diff(8_000) < 700, "{row:?}");
    }
    let total = model.total(&rows);
    assert!((1.8..2.2).contains(&total.rate.events), "{total:?}");
    assert_eq!((total.counts.events, total.instances), (40, 2));
}

#[test]
fn an_idle_instance_is_forgotten_and_its_counts_stay() {
    let mut model = model();
    let failed = json!({
        "requestId": "r", "status": "error",
        "metrics": { "maxMemoryUsedMB": 90, "memorySizeMB": 128, "initDurationMs": 1 },
    });
    model.add(&platform(1, "runtimeDone", &failed), START_MS);
    model.add(&line("a", 3), START_MS);
    let before = {
        model.read_to(START_MS + 800_000);
        model.functions()
    };
    model.add(&line("b", 1), START_MS + 800_000);
    model.read_to(START_MS + FORGOTTEN_MS + 1);
    let after = &model.functions()[0];
    assert_eq!((before[0].instances, after.instances, model.instances), (1, 1, 1));
    let (mut expected, counts) = (before[0].counts, after.counts);
    expected.events += 1;
    assert_eq!((counts, counts.missing, after.memory), (expected, 1, before[0].memory));
    // The report arrives when the environment resumes.
    model.add(&platform(4, "report", &failed), START_MS + FORGOTTEN_MS + 1);
    let woken = model.functions()[0].counts;
    assert_eq!((woken.invocations, woken.failures, woken.missing), (1, 1, 1));
}

#[test]
fn totals_of_a_ledger_are_counted_once_across_a_pause() {
    let ledger = |seq: u64, shed: u64| {
        let record = json!({
            "upTo": seq - 1, "shed": { "memory": shed }, "logsDropped": { "records": 2 * shed },
            "sampledOut": { "events": 3 * shed },
        });
        event("orders", "a", seq, "kinesis-telemetry.ledger", &record)
    };
    let totals = |model: &Model| {
        let Counts { shed, dropped, sampled_out, .. } = model.functions()[0].counts;
        (shed, dropped, sampled_out)
    };
    let mut model = model();
    model.add(&ledger(5, 10), START_MS);
    for pause in 1..=3 {
        let later_ms = pause * (FORGOTTEN_MS + 1);
        model.read_to(START_MS + later_ms);
        assert_eq!((model.instances, totals(&model)), (0, (10, 20, 30)));
        model.add(&line("a", 5 + pause.cast_unsigned()), START_MS + later_ms);
        assert_eq!(totals(&model), (10, 20, 30), "it has no ledger yet");
    }
    model.add(&ledger(9, 11), START_MS + 3 * FORGOTTEN_MS);
    assert_eq!(totals(&model), (11, 22, 33));
}

#[test]
fn instances_and_functions_stay_within_their_bounds() {
    let mut model = model();
    for number in 0..30_000 {
        let name = format!("function-{number}");
        model.add(&event(&name, "a", 1, "function", &json!("x")), START_MS + number);
        assert!(model.instances <= INSTANCES);
    }
    assert!(model.functions.len() <= INSTANCES + FUNCTIONS, "{}", model.functions.len());
    assert!(model.functions.contains_key("function-29999"));
    let live = model.functions.values().map(|it| it.instances.len()).sum::<usize>();
    assert_eq!(live, model.instances);
}

#[test]
fn events_without_an_identity_have_a_row_of_their_own() {
    let mut model = model();
    for _ in 0..3 {
        let event = Event::without_identity(r#"{"type":"function","record":"x"}"#).unwrap();
        model.add(&event, START_MS);
    }
    model.add_unreadable();
    let rows = model.functions();
    assert_eq!((rows[0].name.as_str(), rows[0].counts.events, rows[0].counts.missing), ("", 3, 0));
    assert_eq!(model.unreadable(), 1);
}
