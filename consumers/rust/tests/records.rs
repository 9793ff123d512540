//! Records that releases of the extension have written, and what this crate makes of them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use kinesis_telemetry_consumer::{Completeness, Event, Gathering, Period, record};
use serde_json::{Value, json};

/// Every file of every release.
fn files() -> Vec<PathBuf> {
    let records = Path::new(env!("CARGO_MANIFEST_DIR")).join("../records");
    let folders = fs::read_dir(records).unwrap().map(|it| it.unwrap().path());
    let files = folders.filter(|it| it.is_dir()).flat_map(|folder| fs::read_dir(folder).unwrap());
    let mut files: Vec<PathBuf> = files.map(|it| it.unwrap().path()).collect();
    files.sort();
    files
}

fn records(stream: &Value) -> Vec<Vec<u8>> {
    let data = stream["records"].as_array().unwrap().iter().map(|it| it["data"].as_str().unwrap());
    data.map(|it| BASE64_STANDARD.decode(it).unwrap()).collect()
}

#[test]
fn records_of_every_release_are_read_with_their_identities() {
    let mut read = 0;
    for file in files() {
        let name = file.display();
        let stream: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        if stream["envelope"] == "none" {
            continue;
        }
        let mut gathering = Gathering::default();
        for data in records(&stream) {
            for line in record(&data) {
                gathering.add(line.unwrap_or_else(|broken| panic!("{name}: {}", broken.why)), 0);
            }
        }
        let (mut texts, mut missing, mut shed) = (BTreeMap::new(), Vec::new(), Vec::new());
        for judged in gathering.judged() {
            let instance = judged.instance;
            for arrival in judged.arrivals {
                let Event { source, text, .. } = arrival.event.into_owned();
                texts.insert((source.instance, source.seq), text);
            }
            let pairs = |ranges: &[(u64, u64)]| -> Vec<Value> {
                let numbers = ranges.iter().flat_map(|(from, to)| *from..=*to);
                numbers.map(|number| json!([instance.name, number])).collect()
            };
            missing.extend(pairs(&instance.missing));
            shed.extend(pairs(&instance.explained));
            assert!(instance.uncounted == 0 && !instance.is_explained(), "{name}: {instance:?}");
        }
        for event in stream["events"].as_array().unwrap() {
            let key =
                (event["instance"].as_str().unwrap().to_owned(), event["seq"].as_u64().unwrap());
            assert_eq!(
                texts.get(&key).map(String::as_str),
                event["text"].as_str(),
                "{name}: {key:?}"
            );
        }
        missing.retain(|it| !shed.contains(it));
        assert_eq!(
            (&json!(missing), &json!(shed)),
            (&stream["missing"], &stream["shed"]),
            "{name}"
        );
        assert!(!missing.is_empty() && !shed.is_empty(), "{name}: one record is missing");
        read += 1;
    }
    assert!(read >= 6, "{read} streams");
}

#[test]
fn both_judgements_of_a_release_agree() {
    for file in files() {
        let stream: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        if stream["envelope"] == "none" {
            continue;
        }
        // All times of the records lie in this period.
        let period = Period { since_ms: 0, until_ms: 4_000_000_000_000, settle_ms: 0 };
        let mut completeness = Completeness::new(period);
        for data in records(&stream) {
            completeness.record(&data, 0);
        }
        let verdict = completeness.verdict("s");
        let expected =
            ["missing", "shed", "events"].map(|it| stream[it].as_array().unwrap().len() as u64);
        let found = [verdict.missing_events, verdict.shed_events, verdict.events];
        assert_eq!((found, verdict.unreadable), (expected, 0), "{}", file.display());
        assert_eq!(json!(verdict.duplicates), stream["duplicates"], "{}", file.display());
    }
}

#[test]
fn records_without_identities_are_read_line_by_line() {
    for file in files() {
        let stream: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        if stream["envelope"] != "none" {
            continue;
        }
        let lines = records(&stream).into_iter().flat_map(|data| record(&data));
        // Parts carry an identity in any case.
        let texts = lines.filter_map(|line| Event::without_identity(&line.err()?.line));
        let texts: Vec<String> = texts.map(|event| event.text).collect();
        for expected in stream["anonymous"].as_array().unwrap() {
            assert!(
                texts.iter().any(|text| Some(text.as_str()) == expected.as_str()),
                "{expected}"
            );
        }
    }
}

#[test]
fn what_a_ledger_counts_as_sampled_out_is_not_missing() {
    let ledger = json!({
        "type": "kinesis-telemetry.ledger",
        "record": {
            "instance": "i",
            "upTo": 1,
            "read": 99,
            "undecided": 7,
            "lateRemarkable": 1,
            "sampledOut": { "invocations": 9, "events": 90, "bytes": 40_000 },
        },
    });
    let mut gathering = Gathering::default();
    for (event, seq) in [(json!({ "type": "function", "record": "a line" }), 1), (ledger, 2)] {
        let event = event.to_string();
        let source = format!(r#""source":{{"instance":"i","seq":{seq}}}"#);
        let line = format!("{},{source}}}\n", event.strip_suffix('}').unwrap());
        for event in record(line.as_bytes()) {
            gathering.add(event.unwrap(), 0);
        }
    }
    let judged: Vec<_> = gathering.judged().collect();
    let [instance] = &*judged else { panic!("one instance, not {}", judged.len()) };
    assert_eq!((instance.arrivals.len(), instance.instance.last), (2, 2));
    assert!(instance.instance.is_whole(), "{:?}", instance.instance);
}
