//! `tail` and `report` on recorded streams with every format, envelope and compression, and with hostile records.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::server::{Server, ok};

/// Text that must not reach a terminal, lines that are not events, and records that cannot be decoded.
const HOSTILE: [&[u8]; 4] = [
    b"{\"type\":\"function\",\"record\":\"\\u001b[2J\\u202e</script>\",\"source\":{\"function\":\"<b>\",\"instance\":\"h\",\"seq\":1}}\n",
    b"\xff\xfe garbage\n{\"unfinished\":",
    b"\x1f\x8b not gzip",
    b"",
];

/// Serves a stream of one shard with these records.
pub(crate) fn stream(records: &[Vec<u8>]) -> Server {
    let records: Vec<Value> = records
        .iter()
        .enumerate()
        .map(|(at, data)| {
            json!({
                "Data": BASE64_STANDARD.encode(data),
                "SequenceNumber": at.to_string(),
                "ApproximateArrivalTimestamp": 1_790_000_000.5,
                "PartitionKey": "k",
            })
        })
        .collect();
    Server::start(move |call| match call.operation.as_str() {
        "ListShards" => ok(&json!({ "Shards": [{
            "ShardId": "shard-0",
            "HashKeyRange": { "StartingHashKey": "0", "EndingHashKey": "1" },
            "SequenceNumberRange": { "StartingSequenceNumber": "0" },
        }] })),
        "GetShardIterator" => ok(&json!({ "ShardIterator": "it" })),
        "GetRecords" => {
            ok(&json!({ "Records": records, "MillisBehindLatest": 0, "NextShardIterator": null }))
        }
        other => panic!("{other}"),
    })
}

/// Checks all recorded streams concurrently, because each check waits for the end of `tail`.
fn each(check: impl Fn(&str, &Value, &Server) + Sync) {
    std::thread::scope(|scope| {
        for (name, recorded, server) in recorded() {
            let check = &check;
            scope.spawn(move || check(&name, &recorded, &server));
        }
    });
}

/// Returns the recorded streams by name, with hostile records before and after each.
fn recorded() -> Vec<(String, Value, Server)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../consumers/records/0.1.0");
    let files = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    let mut streams = Vec::new();
    for file in files {
        let recorded: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        let good = recorded["records"].as_array().unwrap().iter();
        let good = good.map(|it| BASE64_STANDARD.decode(it["data"].as_str().unwrap()).unwrap());
        let hostile = || HOSTILE.iter().map(|it| it.to_vec());
        let records: Vec<Vec<u8>> = hostile().chain(good).chain(hostile()).collect();
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        streams.push((name, recorded, stream(&records)));
    }
    assert!(streams.len() >= 10, "{} streams", streams.len());
    streams
}

#[test]
fn tail_shows_every_event_of_every_format() {
    each(|name, recorded, server| {
        let tail = ["tail", "--stream", "s", "--since", "2026-01-01", "--json", "--seconds", "1"];
        let output = server.command(&tail).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{name}: {output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        let shown: Vec<Value> = text.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
        for event in recorded["events"].as_array().unwrap() {
            let expected: Value = serde_json::from_str(event["text"].as_str().unwrap()).unwrap();
            let is_it = |shown: &&Value| {
                let mut shown = (*shown).clone();
                let source = shown.as_object_mut().unwrap().remove("source");
                let has_number =
                    event["seq"].is_null() || source.is_some_and(|it| it["seq"] == event["seq"]);
                // An event may have its own `source`, before that of the extension.
                has_number
                    && expected
                        .as_object()
                        .unwrap()
                        .iter()
                        .all(|(key, value)| key == "source" || shown.get(key) == Some(value))
            };
            assert!(shown.iter().any(|it| is_it(&it)), "{name}: {event}");
        }
    });
}

#[test]
fn no_format_lets_a_record_control_the_terminal() {
    each(|name, _, server| {
        for format in ["pretty", "text", "json"] {
            let tail =
                ["tail", "--stream", "s", "--since", "1d", "--seconds", "1", "--format", format];
            let (code, text) = server.types(&tail);
            assert_eq!(code, 0, "{name}: {text}");
            assert!(!text.contains(['\u{1b}', '\u{202e}', '\r']), "{name}, {format}: {text:?}");
            assert!(text.contains("unreadable: "), "{name}, {format}: {text}");
        }
    });
}

#[test]
fn a_report_counts_unreadable_records() {
    let folder = tempfile::tempdir().unwrap();
    each(|name, recorded, server| {
        let file = folder.path().join(format!("{name}.html"));
        let file_name = file.to_string_lossy();
        let report =
            ["report", "--stream", "s", "--since", "2026-01-01", "--json", "--html", &file_name];
        let output = server.command(&report).output().unwrap();
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(output.status.code().is_some_and(|code| code < 2), "{name}: {output:?}");
        assert!(found["unreadable"].as_u64().unwrap() >= 4, "{name}: {found}");
        let instances = found["instances"].as_array().unwrap();
        if recorded["envelope"] != "none" {
            assert!(instances.len() >= 2, "{name}: {found}");
        }
        let page = fs::read_to_string(&file).unwrap();
        assert!(page.contains("</html>") && !page.contains("\u{202e}"), "{name}");
        assert!(!page.contains("[2J</script>"), "{name}: the text cannot end the script");
    });
}
