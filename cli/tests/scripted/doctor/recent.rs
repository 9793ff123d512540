//! `doctor` on the age of the newest record, and on the ledgers in the stream.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use serde_json::{Value, json};

use super::{ORDERS, healthy_but};
use crate::server::{Answer, Server, ok, refused};

/// Returns a record of these lines that arrived `seconds` ago.
fn record(seconds: u64, lines: &[String]) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let text = lines.concat();
    json!({
        "Data": base64::prelude::BASE64_STANDARD.encode(text),
        "PartitionKey": "k",
        "SequenceNumber": "1",
        "ApproximateArrivalTimestamp": now - seconds,
    })
}

/// Returns a ledger of a function's instance, with these members in addition to those of a healthy one.
fn ledger(function: &str, instance: &str, up_to: u64, members: &Value) -> String {
    let mut record = json!({
        "instance": instance, "upTo": up_to, "received": up_to, "delivered": up_to, "held": 3,
        "shed": { "memory": 0, "refused": 0, "unreadable": 0, "end": 0 },
        "refusedBatches": 0, "logsDropped": { "records": 0, "bytes": 0 },
    });
    for (name, value) in members.as_object().unwrap() {
        record[name] = value.clone();
    }
    let source = json!({ "function": function, "instance": instance, "seq": up_to + 1 });
    // The source is the last member.
    format!("{{\"type\":\"kinesis-telemetry.ledger\",\"record\":{record},\"source\":{source}}}\n")
}

fn holding(records: &[Value]) -> Answer {
    ok(&json!({ "Records": records, "MillisBehindLatest": 0, "NextShardIterator": "next" }))
}

fn reading(records: impl Fn() -> Answer + Send + Sync + 'static) -> Server {
    healthy_but(move |call| (call.operation == "GetRecords").then(&records))
}

#[test]
fn the_age_of_the_newest_record_is_noted() {
    let server = reading(|| holding(&[record(630, &[]), record(600, &[]), record(890, &[])]));
    let (code, text) = server.types(&ORDERS);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("note    newest record 10 min old\n"), "{text}");
    let asked = server.calls("GetShardIterator");
    assert_eq!((asked.len(), &asked[0]["ShardIteratorType"]), (1, &json!("AT_TIMESTAMP")));
}

#[test]
fn a_silent_stream_is_noted() {
    let (code, text) = reading(|| holding(&[])).types(&ORDERS);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("note    newest record no record in the last 15 minutes\n"), "{text}");
}

#[test]
fn a_busy_shard_takes_six_requests() {
    let server = reading(|| {
        let records = [record(600, &[])];
        ok(
            &json!({ "Records": records, "MillisBehindLatest": 240_000, "NextShardIterator": "next" }),
        )
    });
    let (code, text) = server.types(&ORDERS);
    assert_eq!(code, 0, "{text}");
    assert_eq!(server.calls("GetRecords").len(), 6);
    let busy = "10 min old; the stream is busy, so reading ended 4 min before its end\n";
    assert!(text.contains(busy), "{text}");
}

#[test]
fn denied_records_are_unknown_with_the_permission() {
    let (code, text) = reading(|| refused("AccessDeniedException", "no")).types(&ORDERS);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("unknown newest record "), "{text}");
    assert!(text.contains("requires the permission kinesis:GetRecords "), "{text}");
}

#[test]
fn lost_events_in_ledgers_are_problems() {
    let shed = json!({ "memory": 1_200, "refused": 1, "unreadable": 0, "end": 0 });
    let lines = [
        ledger("orders", "a", 50, &json!({ "shed": { "memory": 5 } })),
        ledger("orders", "a", 90, &json!({ "shed": shed, "held": 2_000 })),
        ledger(
            "orders",
            "b",
            9,
            &json!({ "logsDropped": { "records": 7, "bytes": 700 }, "refusedBatches": 2 }),
        ),
        ledger("invoices", "c", 9, &json!({ "shed": { "end": 4 } })),
    ];
    let server = reading(move || holding(&[record(600, &lines)]));
    let (code, text) = server.types(&ORDERS);
    assert_eq!(code, 1, "{text}");
    let is_ledger = |line: &&str| line.contains("ledger        ") || line.contains(" fix: ");
    let found: Vec<_> = text.lines().filter(is_ledger).collect();
    expect_test::expect![[r"
        BROKEN  ledger        orders: 1,200 events discarded for lack of memory (last ledgers of 2 instances)
                              fix: raise KINESIS_TELEMETRY_QUEUE_MAX_BYTES or KINESIS_TELEMETRY_SPILL_MAX_BYTES, or deliver less with KINESIS_TELEMETRY_TYPES
        BROKEN  ledger        orders: 1 event discarded because the stream rejected them (last ledgers of 2 instances)
                              fix: the function's log has the reason; KINESIS_TELEMETRY_DEAD_LETTER_QUEUE_URL keeps such records in a queue
        BROKEN  ledger        orders: 7 log lines dropped by Lambda (last ledgers of 2 instances)
                              fix: log less, or raise KINESIS_TELEMETRY_LOGS_BUFFER_MAX_BYTES and the function's memory
        BROKEN  ledger        orders: 2 batches of telemetry too large to be read (last ledgers of 2 instances)
                              fix: lower KINESIS_TELEMETRY_LOGS_BUFFER_MAX_BYTES, or raise the function's memory
        note    ledger        orders: 2,003 events were queued; check that the number falls (last ledgers of 2 instances)"]].assert_eq(&found.join("\n"));
}

#[test]
fn a_forged_ledger_hides_no_loss() {
    let most = (1_u64 << 53) - 1;
    let lines = [
        ledger("orders", "a", 90, &json!({ "shed": { "memory": 5 } })),
        ledger("orders", "a", 95, &json!({ "upTo": most })),
    ];
    let (code, text) = reading(move || holding(&[record(600, &lines)])).types(&ORDERS);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("orders: 5 events discarded for lack of memory"), "{text}");
}

#[test]
fn ledgers_without_losses_are_ok() {
    let lines = [ledger("orders", "a", 50, &json!({}))];
    let (code, text) = reading(move || holding(&[record(600, &lines)])).types(&ORDERS);
    assert_eq!(code, 0, "{text}");
    let expected = "ok      ledger        orders: no event was lost (last ledgers of 1 instance)\n";
    assert!(text.contains(expected), "{text}");
}
