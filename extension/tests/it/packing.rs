//! Every way to make records, through the whole process.

use std::collections::BTreeSet;

use extension_spec::packing::COMBINATIONS;
use extension_spec::{Compression, Envelope, RecordFormat};

use crate::test_environment::TestEnvironment;

#[tokio::test]
async fn every_format_compression_and_envelope_delivers_every_event() {
    for combination in COMBINATIONS {
        for compression in combination.compressions {
            for envelope in combination.envelopes {
                let settings = [
                    ("RECORD_FORMAT", combination.format.word()),
                    ("COMPRESSION", compression.word()),
                    ("ENVELOPE", envelope.word()),
                ];
                let mut env = TestEnvironment::new(&settings, |_| ()).await;
                for _ in 0..2 {
                    env.succeed(20).await;
                }
                let ended = env.end().await;
                if *envelope == Envelope::None {
                    ended.verify_texts(&ended.arrived());
                } else {
                    ended.verify_exactly_once();
                }
                let identities = ended
                    .texts()
                    .iter()
                    .map(|text| text.matches(r#""source":{"function":"#).count())
                    .sum::<usize>();
                let expected = match envelope {
                    Envelope::Event => ended.arrived().events.len(),
                    Envelope::Record => ended.records(),
                    Envelope::None => 0,
                };
                assert_eq!(identities, expected, "{settings:?}");
                let is_packed = combination.format != RecordFormat::Event;
                assert_eq!(ended.records() < 10, is_packed, "{settings:?}: {}", ended.records());
                let is_text = ended.records.iter().all(|it| it.data.is_ascii());
                let may_be_text =
                    *compression == Compression::None && combination.format != RecordFormat::Kpl;
                assert_eq!(is_text, may_be_text, "{settings:?}");
            }
        }
    }
}

/// Returns the partition keys of the records of two invocations.
async fn keys(partition_key: &str) -> BTreeSet<String> {
    let settings = [("PARTITION_KEY", partition_key), ("TARGET_RECORD_BYTES", "1024")];
    let mut env = TestEnvironment::new(&settings, |_| ()).await;
    let mut requests = BTreeSet::new();
    for _ in 0..2 {
        requests.insert(env.succeed(20).await.request_id);
    }
    let ended = env.end().await;
    let arrived = ended.verify_exactly_once();
    let instance = arrived.events.keys().next().unwrap().0.clone();
    let name = |key: String| {
        if key == instance {
            "the instance".to_owned()
        } else if requests.contains(&key) {
            "a request".to_owned()
        } else {
            key
        }
    };
    ended.records.iter().map(|it| name(it.partition_key.clone())).collect()
}

#[tokio::test]
async fn the_partition_key_follows_the_setting() {
    assert_eq!(keys("instance").await, ["the instance".to_owned()].into());
    assert_eq!(keys("function").await, ["test-function".to_owned()].into());
    // Events of no invocation have the instance's key.
    let of_request = ["a request", "the instance"].map(str::to_owned);
    assert_eq!(keys("request").await, of_request.into());
    let random = keys("random").await;
    assert!(random.len() > 4 && random.iter().all(|key| key.len() == 12), "{random:?}");
}

#[tokio::test]
async fn with_conflicting_settings_everything_arrives() {
    let settings = [("RECORD_FORMAT", "kpl"), ("COMPRESSION", "zstd")];
    let mut env = TestEnvironment::new(&settings, |_| ()).await;
    env.succeed(3).await;
    let ended = env.end().await;
    ended.verify_exactly_once();
    assert_eq!(ended.count_logged("not possible with KINESIS_TELEMETRY_RECORD_FORMAT=kpl"), 1);
}
