//! Dead letters: records that the stream does not accept are in the queue unchanged.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use extension_sandbox::kinesis::faults::Faults;
use extension_sandbox::sqs::{Fault, Message};
use extension_sandbox::{Options, Sqs, Status};
use serde_json::json;

use crate::test_environment::{Ended, TestEnvironment};
use kinesis_telemetry_consumer::strict::Arrived;

/// Creates an environment with a queue, in which flushes and waits are short.
async fn env(
    settings: &[(&str, &str)],
    change: impl FnOnce(&mut Options),
) -> (TestEnvironment, Arc<Sqs>) {
    let sqs = Sqs::start("letters").await.unwrap();
    let url = sqs.queue_url();
    let mut all = vec![
        ("DEAD_LETTER_QUEUE_URL", url.as_str()),
        ("FLUSH_TIMEOUT_MS", "200"),
        ("BUFFER_TIMEOUT_MS", "25"),
    ];
    all.extend(settings);
    let endpoint = ("AWS_ENDPOINT_URL_SQS".to_owned(), sqs.url());
    let env = TestEnvironment::new(&all, |options| {
        options.environment.push(endpoint);
        options.shutdown_timeout = Duration::from_secs(4);
        change(options);
    });
    (env.await, sqs)
}

/// Returns the records in the letters, joined from their pieces.
pub(crate) fn records(letters: &[Message], stream: &str) -> Vec<Vec<u8>> {
    let mut pieces: BTreeMap<&str, BTreeMap<u64, &Message>> = BTreeMap::new();
    for letter in letters {
        let piece = letter.attributes["Piece"].parse().unwrap();
        pieces.entry(&letter.attributes["Record"]).or_default().insert(piece, letter);
    }
    let join = |pieces: BTreeMap<u64, &Message>| {
        let first = pieces[&1];
        assert_eq!(first.attributes["Pieces"], pieces.len().to_string());
        assert_eq!(first.attributes["Stream"], stream);
        let body: String = pieces.values().map(|it| it.body.as_str()).collect();
        match first.attributes["Encoding"].as_str() {
            "base64" => STANDARD.decode(body).unwrap(),
            _ => body.into_bytes(),
        }
    };
    pieces.into_values().map(join).collect()
}

/// Checks that everything that was acknowledged is in the stream or in the queue, and nothing in both.
fn verify(ended: &Ended, sqs: &Sqs) -> Arrived {
    let letters = records(&sqs.messages(), "telemetry");
    let data = ended.records.iter().map(|it| it.data.to_vec()).chain(letters);
    let arrived = Arrived::of(data);
    assert_eq!(arrived.duplicates, 0);
    ended.verify_texts(&arrived);
    arrived
}

#[tokio::test]
async fn undelivered_records_are_in_the_queue_at_the_end() {
    for format in [&[][..], &[("COMPRESSION", "gzip")], &[("RECORD_FORMAT", "kpl")]] {
        let (mut env, sqs) = env(format, |_| ()).await;
        env.kinesis.set_faults(Faults::down());
        env.succeed(50).await;
        assert_eq!(sqs.requests(), 0, "the queue is the last resort");
        let ended = env.end().await;
        assert_eq!(verify(&ended, &sqs).count("function"), 50);
        assert_eq!(ended.count_logged("not delivered before the end"), 0, "{:?}", ended.printed);
        assert_eq!(ended.count_logged("does not balance"), 0, "{:?}", ended.printed);
    }
}

#[tokio::test]
async fn without_faults_the_queue_is_never_called() {
    let (mut env, sqs) = env(&[], |_| ()).await;
    env.succeed(3).await;
    env.end().await.verify_exactly_once();
    assert_eq!(sqs.requests(), 0);
}

#[tokio::test]
async fn a_rejected_event_is_in_the_queue_and_blocks_no_other() {
    let settings = [("MAX_RECORD_BYTES", "2097152"), ("FLUSH_TIMEOUT_MS", "10000")];
    let long_lines = |options: &mut Options| {
        options.max_line_bytes = 4 * 1024 * 1024;
        options.timeout = Duration::from_secs(30);
    };
    let (mut env, sqs) = env(&settings, long_lines).await;
    env.succeed(3).await;
    let long = env.invoke(json!({ "lines": 1, "bytes": 1_500_000 })).await;
    assert_eq!(long.status, Status::Success);
    env.succeed(3).await;
    assert!(sqs.messages().len() > 4, "in pieces, before the end");
    let ended = env.end().await;
    assert_eq!(verify(&ended, &sqs).count("function"), 7);
    assert_eq!(
        ended.count_logged("a record with 1 events is refused for good"),
        1,
        "{:?}",
        ended.printed
    );
    let last = ended.ledgers().pop().unwrap();
    assert_eq!((&last["deadLettered"], &last["shed"]["refused"]), (&json!(1), &json!(0)));
}

#[tokio::test]
async fn the_next_process_does_not_deliver_dead_letters_again() {
    let (mut env, sqs) = env(&[], |options| options.timeout = Duration::from_secs(2)).await;
    env.kinesis.set_faults(Faults::down());
    let timeout = env.invoke(json!({ "lines": 5, "end": "timeout" })).await;
    assert_eq!(timeout.status, Status::Timeout);
    assert!(sqs.requests() > 0);
    assert_eq!(std::fs::read_dir(env.sandbox.tmp()).unwrap().count(), 0);
    env.kinesis.set_faults(Faults::none());
    env.succeed(5).await;
    let ended = env.end().await;
    assert_eq!(verify(&ended, &sqs).count("function"), 10);
}

#[tokio::test]
async fn an_unavailable_queue_is_reported_once_and_loses_nothing() {
    for fault in [Fault::missing(), Fault::denied(), Fault::unavailable(), Fault::Silence] {
        let (mut env, sqs) = env(&[], |options| options.timeout = Duration::from_secs(2)).await;
        sqs.set_always(Some(fault.clone()));
        env.kinesis.set_faults(Faults::down());
        let timeout = env.invoke(json!({ "lines": 5, "end": "timeout" })).await;
        assert_eq!(timeout.status, Status::Timeout);
        env.kinesis.set_faults(Faults::none());
        env.succeed(5).await;
        let ended = env.end().await;
        assert_eq!(ended.verify().count("function"), 10, "{fault:?}: {:?}", ended.printed);
        let remedy = match fault {
            Fault::Fail(400, ..) => "; create the queue",
            Fault::Fail(403, ..) => "; allow sqs:SendMessage",
            Fault::Silence => "sqs did not answer in time",
            _ => "dead letters are not delivered: ServiceUnavailable",
        };
        assert_eq!(ended.count_logged(remedy), 1, "{fault:?}: {:?}", ended.printed);
    }
}

#[tokio::test]
async fn only_failed_letters_are_resent() {
    let settings = [("TARGET_RECORD_BYTES", "1024")];
    let (mut env, sqs) = env(&settings, |_| ()).await;
    sqs.set_script([Fault::throttled(), Fault::internal([0, 3]), Fault::kms_throttled()]);
    env.kinesis.set_faults(Faults::down());
    env.succeed(100).await;
    let ended = env.end().await;
    let letters = sqs.messages();
    let distinct: std::collections::BTreeSet<_> =
        letters.iter().map(|it| &it.attributes["Record"]).collect();
    assert!(distinct.len() > 10, "{} letters: {:?}", letters.len(), ended.printed);
    assert_eq!(distinct.len(), letters.len(), "each once: {letters:?}");
    assert_eq!(verify(&ended, &sqs).count("function"), 100);
}
