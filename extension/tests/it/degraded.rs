//! Problems on the extension's side: the function does not notice, and one clear message names the problem.

use std::time::Duration;

use extension_sandbox::kinesis::faults::Faults;
use extension_sandbox::{Options, Status};

use crate::test_environment::{Ended, TestEnvironment};

/// Runs three invocations that must succeed in an environment with these settings and faults.
async fn three(
    settings: &[(&str, &str)],
    faults: Faults,
    change: impl FnOnce(&mut Options),
) -> Ended {
    let mut env = TestEnvironment::new(settings, change).await;
    env.kinesis.set_faults(faults);
    for _ in 0..3 {
        env.succeed(3).await;
    }
    env.end().await
}

#[tokio::test]
async fn a_missing_stream_is_reported_once_with_its_name() {
    let ended = three(&[("STREAM", "missing")], Faults::none(), |_| ()).await;
    assert_eq!(
        ended.count_logged("create the stream \"missing\", or correct KINESIS_TELEMETRY_STREAM"),
        1
    );
    assert_eq!(ended.count_logged("events were not delivered before the end"), 1);
    assert_eq!(ended.printed.len(), 2, "{:?}", ended.printed);
}

#[tokio::test]
async fn a_missing_permission_is_reported_once_with_its_remedy() {
    let ended = three(&[], Faults::denied(), |_| ()).await;
    assert_eq!(
        ended.count_logged("allow kinesis:PutRecords on \"telemetry\""),
        1,
        "{:?}",
        ended.printed
    );
}

#[tokio::test]
async fn without_a_stream_nothing_is_subscribed() {
    let ended = three(&[("STREAM", "")], Faults::none(), |_| ()).await;
    assert_eq!(ended.count_logged("set KINESIS_TELEMETRY_STREAM"), 1);
    assert_eq!((ended.printed.len(), ended.journal.len()), (1, 0), "{:?}", ended.printed);
}

#[tokio::test]
async fn a_lambda_without_telemetry_is_reported_once() {
    let ended = three(&[], Faults::none(), |options| options.has_telemetry = false).await;
    assert_eq!(ended.count_logged("has no Telemetry API"), 1);
    assert_eq!(ended.printed.len(), 1, "{:?}", ended.printed);
}

#[tokio::test]
async fn an_unreachable_endpoint_is_reported_once() {
    let settings = [("FLUSH_TIMEOUT_MS", "100")];
    let unreachable = |options: &mut Options| {
        options.environment.retain(|(name, _)| name != "AWS_ENDPOINT_URL_KINESIS");
        // The general variable is respected as well.
        options.environment.push(("AWS_ENDPOINT_URL".into(), "http://127.0.0.1:1".into()));
    };
    let ended = three(&settings, Faults::none(), unreachable).await;
    assert_eq!(
        ended.count_logged("cannot reach kinesis at 127.0.0.1:1: "),
        1,
        "{:?}",
        ended.printed
    );
    assert_eq!(ended.count_logged("Connection refused"), 1, "{:?}", ended.printed);
}

#[tokio::test]
async fn invalid_settings_are_reported_together_in_one_line() {
    let settings = [("BUFFER_TIMEOUT_MS", "soon"), ("FLUSH", "later"), ("STREEM", "x")];
    let ended = three(&settings, Faults::none(), |_| ()).await;
    assert_eq!(ended.printed.len(), 1, "{:?}", ended.printed);
    for text in [
        "check the settings: ",
        "BUFFER_TIMEOUT_MS=\"soon\"",
        "FLUSH=\"later\"",
        "did you mean KINESIS_TELEMETRY_STREAM?",
    ] {
        assert_eq!(ended.count_logged(text), 1, "{text}: {:?}", ended.printed);
    }
    assert_eq!(ended.verify_exactly_once().count("function"), 9);
}

#[tokio::test]
async fn a_disabled_extension_logs_and_does_nothing() {
    let ended = three(&[("ENABLED", "false")], Faults::none(), |_| ()).await;
    assert_eq!((ended.printed.len(), ended.records()), (0, 0));
}

#[tokio::test]
async fn strict_fails_the_init_instead_of_using_a_default() {
    let settings = [("STRICT", "true"), ("FLUSH", "later")];
    let mut env = TestEnvironment::new(&settings, |_| ()).await;
    let init = env.sandbox.init().await;
    assert_eq!(init.error_type.as_deref(), Some("Extension.InitError"));
    let invocation = env.invoke(serde_json::json!({})).await;
    assert_eq!(invocation.status, Status::Error);
}

#[tokio::test]
async fn strict_requires_a_stream() {
    let mut env = TestEnvironment::new(&[("STRICT", "true"), ("STREAM", "")], |_| ()).await;
    let init = env.sandbox.init().await;
    assert_eq!(init.error_type.as_deref(), Some("Extension.InitError"));
}

#[tokio::test]
async fn strict_accepts_notices_and_a_disabled_extension() {
    let proxy = |options: &mut Options| {
        options.environment.push(("HTTPS_PROXY".into(), "http://proxy:1".into()));
    };
    let ended =
        three(&[("STRICT", "true"), ("MAX_RECORD_BYTES", "100000")], Faults::none(), proxy).await;
    assert_eq!(ended.verify_exactly_once().count("function"), 9);
    let off = [("STRICT", "true"), ("ENABLED", "false"), ("FLUSH", "later")];
    assert_eq!(three(&off, Faults::none(), |_| ()).await.records(), 0);
}

#[tokio::test]
async fn an_invalid_stream_name_is_reported_with_its_value() {
    let ended = three(&[("STREAM", "two words")], Faults::none(), |_| ()).await;
    assert_eq!(ended.printed.len(), 1, "{:?}", ended.printed);
    assert_eq!(
        ended.count_logged("KINESIS_TELEMETRY_STREAM=\"two words\": not the name of a stream"),
        1,
        "{:?}",
        ended.printed
    );
}

#[tokio::test]
async fn missing_credentials_are_reported_once() {
    let no_credentials = |options: &mut Options| {
        let empty = |name: &str| (name.to_owned(), String::new());
        options
            .environment
            .extend(["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"].map(empty));
    };
    let ended = three(&[], Faults::none(), no_credentials).await;
    assert_eq!(ended.count_logged("cannot call kinesis"), 1, "{:?}", ended.printed);
}

#[tokio::test]
async fn memory_stays_bounded_with_200_000_lines_at_once() {
    const BOUND: u64 = 8 * 1024 * 1024;
    let bound = BOUND.to_string();
    let settings = [
        ("QUEUE_MAX_BYTES", bound.as_str()),
        ("SPILL_MAX_BYTES", "0"),
        ("FLUSH_TIMEOUT_MS", "200"),
        // The platform is delayed a little for each batch without room, so batches are large.
        ("MAX_BUFFER_ITEMS_COUNT", "10000"),
        ("LOGS_BUFFER_MAX_BYTES", "1048576"),
    ];
    let mut env = TestEnvironment::new(&settings, |options| {
        options.timeout = Duration::from_mins(3);
        // The extension must have too much telemetry, and not the platform.
        options.telemetry_backlog_bytes = 256 * 1024 * 1024;
    })
    .await;
    env.kinesis.set_faults(Faults::down());
    let payload = serde_json::json!({ "lines": 200_000, "bytes": 120, "sleepMs": 10_000 });
    assert_eq!(env.invoke(payload).await.status, Status::Success);
    env.kinesis.set_faults(Faults::none());
    let peak = env.sandbox.peak_memory(extension_spec::EXTENSION_NAME).unwrap();
    // The sum covers a debug build, two bodies, a request, and the overhead of each event.
    assert!(peak < 4 * BOUND + 32 * 1024 * 1024, "{peak} bytes at most");
    let ended = env.end().await;
    let last = ended.ledgers().pop().unwrap();
    let count = |name: &str| last[name].as_u64().unwrap();
    let shed = last["shed"]["memory"].as_u64().unwrap();
    assert!(count("received") >= 200_000 && shed > 10_000, "{last}");
    assert_eq!(
        count("received") + count("own"),
        count("delivered") + shed + count("held"),
        "{last}"
    );
    let arrived = ended.arrived();
    assert_eq!(arrived.events.len() as u64, count("received") + count("own") + 1 - shed);
}

#[tokio::test]
async fn full_memory_discards_and_counts_events() {
    let settings = [
        ("QUEUE_MAX_BYTES", "4194304"),
        ("SPILL_MAX_BYTES", "1048576"),
        ("FLUSH_TIMEOUT_MS", "100"),
    ];
    let mut env =
        TestEnvironment::new(&settings, |options| options.timeout = Duration::from_mins(1)).await;
    env.kinesis.set_faults(Faults::down());
    for _ in 0..2 {
        let payload = serde_json::json!({ "lines": 6_000, "bytes": 500 });
        assert_eq!(env.invoke(payload).await.status, Status::Success);
    }
    env.kinesis.set_faults(Faults::none());
    let ended = env.end().await;
    assert_eq!(
        ended.count_logged("events are discarded, the least important first"),
        1,
        "{:?}",
        ended.printed
    );
    assert_eq!(ended.count_logged("does not balance"), 0, "{:?}", ended.printed);
    let last = ended.ledgers().pop().expect("a ledger reports what is missing");
    let shed = last["shed"]["memory"].as_u64().unwrap();
    let arrived = ended.arrived().events.len() as u64;
    assert_eq!(
        last["received"].as_u64().unwrap(),
        arrived - last["own"].as_u64().unwrap() - 1 + shed
    );
    // Every missing number is among those of discarded events.
    let ranges = last["shedRanges"].as_array().unwrap();
    let is_shed = |seq: u64| {
        ranges.iter().any(|it| (it["first"].as_u64()..=it["last"].as_u64()).contains(&Some(seq)))
    };
    let seqs: std::collections::BTreeSet<u64> =
        ended.arrived().events.keys().map(|key| key.1).collect();
    let missing = (1..=last["upTo"].as_u64().unwrap()).filter(|seq| !seqs.contains(seq));
    assert!(missing.clone().count() as u64 == shed && missing.into_iter().all(is_shed));
    let report = ended.arrived().count("platform.report");
    assert_eq!(report, 2, "reports are discarded last");
}
