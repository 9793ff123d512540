//! Runs the commands against a real Kinesis API: kinesis-local, which `cargo xtask test` installs.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use aws_config::{BehaviorVersion, Region};
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::PutRecordsRequestEntry;
use serde_json::{Value, json};

const REGION: &str = "eu-central-1";
const STREAM: &str = "telemetry";
const ARN: &str = "arn:aws:kinesis:eu-central-1:000000000000:stream/telemetry";
const LINES: u32 = 40;

/// An emulator with a stream of two shards.
struct Emulator {
    node: Child,
    endpoint: String,
}

impl Emulator {
    fn start() -> Self {
        let dir = std::env::var_os("EMULATOR_DIR").expect("cargo xtask test sets EMULATOR_DIR");
        let mut node = Command::new("node")
            .args(["--require", "./loopback.cjs", "node_modules/kinesis-local/main.js"])
            .current_dir(dir)
            .env("INITIALIZE_STREAMS", format!("{STREAM}:2:{REGION}"))
            .env("LOG_LEVEL", "ERROR")
            // The emulator ends when this pipe closes, and so when this process ends.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(node.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ports: Value = serde_json::from_str(&line).unwrap();
        Self { node, endpoint: format!("http://127.0.0.1:{}", ports["plain"]) }
    }

    async fn put(&self, records: Vec<String>) {
        let keys = aws_sdk_kinesis::config::Credentials::new("local", "local", None, None, "test");
        let config = aws_config::defaults(BehaviorVersion::latest())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .region(Region::new(REGION))
            .endpoint_url(&self.endpoint)
            .credentials_provider(keys)
            .load()
            .await;
        let entry = |(i, data): (usize, String)| {
            let entry = PutRecordsRequestEntry::builder().data(Blob::new(data));
            entry.partition_key(format!("key {i}")).build().unwrap()
        };
        let put = Client::new(&config).put_records().stream_name(STREAM);
        let entries = records.into_iter().enumerate().map(entry).collect();
        let put = put.set_records(Some(entries)).send().await.unwrap();
        let shards: Vec<_> = put.records.iter().map(|record| record.shard_id.as_deref()).collect();
        assert!(shards.iter().any(|shard| *shard != shards[0]), "both shards are used: {shards:?}");
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_kinesis-telemetry-stream"))
            .args(arguments)
            .env("AWS_ENDPOINT_URL_KINESIS", &self.endpoint)
            .env("AWS_REGION", REGION)
            .env("AWS_ACCESS_KEY_ID", "local")
            .env("AWS_SECRET_ACCESS_KEY", "local")
            .output()
            .unwrap()
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.node.stdin.take());
        self.node.wait().unwrap();
    }
}

fn event(n: u32) -> String {
    format!(r#"{{"time":"2026-11-22T20:00:00.000Z","type":"function","record":"line {n} ü 1.0"}}"#)
}

/// Returns records of three numbered events each; the last event is split into two parts.
fn records() -> Vec<String> {
    let spliced = |event: &str, source: &str| {
        let open = event.strip_suffix('}').unwrap();
        format!("{open},\"source\":{{\"function\":\"f\",\"instance\":\"a\",{source}}}}}\n")
    };
    let whole = |n| spliced(&event(n), &format!("\"seq\":{n}"));
    let mut lines: Vec<String> = (1..LINES).map(whole).collect();
    let last = event(LINES);
    for (part, fragment) in [(2, &last[20..]), (1, &last[..20])] {
        let line = json!({ "type": "kinesis-telemetry.part", "record": fragment }).to_string();
        lines.push(spliced(&line, &format!("\"seq\":{LINES},\"part\":{part},\"parts\":2")));
    }
    lines.chunks(3).map(<[String]>::concat).collect()
}

fn journal(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let lines = (1..=LINES).map(|n| format!("{{\"event\":{},\"accepted\":true}}\n", event(n)));
    fs::write(&path, lines.collect::<String>()).unwrap();
    path
}

#[tokio::test]
#[ignore = "needs Node: cargo xtask test"]
async fn a_stream_is_read_from_all_its_shards_by_name_and_by_arn() {
    let emulator = Emulator::start();
    emulator.put(records()).await;
    let journal = journal("complete.ndjson");
    for stream in [STREAM, ARN] {
        let verify =
            ["verify", "--stream", stream, "--journal", journal.to_str().unwrap(), "--json"];
        let output = emulator.run(&verify);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["arrived"], LINES);
        assert_eq!(report["instances"][0]["last"], LINES);

        let output = emulator.run(&["read", "--stream", stream]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let mut read: Vec<&str> = str::from_utf8(&output.stdout).unwrap().lines().collect();
        let records = records().concat();
        let mut expected: Vec<&str> = records.lines().collect();
        read.sort_unstable();
        expected.sort_unstable();
        assert_eq!(read, expected);
    }
}

#[tokio::test]
#[ignore = "needs Node: cargo xtask test"]
async fn a_lost_record_and_a_duplicate_are_reported() {
    let emulator = Emulator::start();
    let mut records = records();
    records[1] = records[2].clone();
    emulator.put(records).await;
    let journal = journal("broken.ndjson");
    let journal = journal.to_str().unwrap();
    let output = emulator.run(&["verify", "--stream", STREAM, "--journal", journal, "--wait", "0"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("sequence broken: 1…40 of instance a: missing 4…6; duplicates 7…9"),
        "{text}"
    );
    assert!(text.contains("NOT COMPLETE: 3 of 40 acknowledged events missing"), "{text}");
}

#[tokio::test]
#[ignore = "needs Node: cargo xtask test"]
async fn an_unacknowledged_event_fails_unless_allowed() {
    let emulator = Emulator::start();
    emulator.put(records()).await;
    let journal = journal("unacknowledged.ndjson");
    let never = format!("{{\"event\":{},\"accepted\":false}}\n", event(LINES + 1));
    fs::write(&journal, fs::read_to_string(&journal).unwrap() + &never).unwrap();
    let verify = ["verify", "--stream", STREAM, "--journal", journal.to_str().unwrap()];

    let output = emulator.run(&verify);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let never = "1 event was generated and never acknowledged by the extension\n";
    assert!(text.contains(&format!("NOT COMPLETE: {never}")), "{text}");
    assert!(text.contains("line 41"), "it is named: {text}");

    let output = emulator.run(&[&verify[..], &["--allow-unacknowledged"]].concat());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("all of the 40 events that the extension acknowledged"), "{text}");
    assert!(text.contains(&format!("; overlooked: {never}")), "{text}");
}

#[tokio::test]
#[ignore = "needs Node: cargo xtask test"]
async fn a_missing_stream_is_reported_with_its_endpoint() {
    let emulator = Emulator::start();
    let output = emulator.run(&["read", "--stream", "nowhere"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    let place =
        format!("error: no stream \"nowhere\" at {} (region {REGION}): ", emulator.endpoint);
    assert!(text.starts_with(&place) && text.lines().count() == 1, "{text}");
}

#[test]
fn an_unreachable_endpoint_is_reported() {
    // Port 1 is reserved for a service that has been obsolete for decades.
    let endpoint = "http://127.0.0.1:1";
    let output = Command::new(env!("CARGO_BIN_EXE_kinesis-telemetry-stream"))
        .args(["read", "--stream", "demo"])
        .env("AWS_ENDPOINT_URL_KINESIS", endpoint)
        .env("AWS_REGION", REGION)
        .env("AWS_ACCESS_KEY_ID", "local")
        .env("AWS_SECRET_ACCESS_KEY", "local")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains(endpoint) && text.contains("cannot be reached"), "{text}");
}
