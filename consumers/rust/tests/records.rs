//! Records that releases of the extension have written, and what this crate makes of them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use kinesis_telemetry_consumer::{Event, Gathering, record};
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
        let (mut texts, mut missing) = (BTreeMap::new(), Vec::new());
        for judged in gathering.judged() {
            let instance = judged.instance;
            for arrival in judged.arrivals {
                let Event { source, text, .. } = arrival.event.into_owned();
                texts.insert((source.instance, source.seq), text);
            }
            let numbers = instance.missing.iter().flat_map(|(from, to)| *from..=*to);
            missing.extend(numbers.map(|number| json!([instance.name, number])));
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
        let known = [&stream["missing"], &stream["shed"]].map(|it| it.as_array().unwrap().clone());
        assert!(missing.iter().all(|it| known.concat().contains(it)), "{name}: {missing:?}");
        assert!(!missing.is_empty(), "{name}: one record is missing");
        read += 1;
    }
    assert!(read >= 6, "{read} streams");
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
