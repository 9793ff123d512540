//! Records, names and responses of services that try to control the terminal or to forge a line of output.

use base64::Engine as _;
use serde_json::{Value, json};

use crate::server::{Answer, Server, ok, refused, refused_xml};

/// A terminal title, a colour in C1 form, right-to-left text, and a line that imitates our own output.
const HOSTILE: &str = "a\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}b\u{2066}\r\n\u{85}\u{2028}complete: all events arrived\nz";
/// Characters that must not reach a terminal.
const UNSAFE: [char; 9] =
    ['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}', '\u{2066}', '\r', '\u{85}', '\u{2028}', '\u{7f}'];

const COMMANDS: [&[&str]; 11] = [
    &["outputs"],
    &["outputs", "--json"],
    &["invoke", "--deadline", "10"],
    &["tail", "--seconds", "10"],
    &["top", "--interval", "1", "--count", "1"],
    &["redrive", "--quiet", "1"],
    &["doctor"],
    &["doctor", "--json"],
    &["doctor", "--all"],
    &["functions"],
    &["functions", "--format", "csv"],
];

/// Runs a command, and returns its output if it is safe.
fn safe_output(server: &Server, command: &[&str]) -> String {
    let (_, text) = server.types(command);
    assert!(!text.contains(UNSAFE), "{command:?}: {text:?}");
    let forged = text.lines().find(|line| line.trim_start().starts_with("complete: all events"));
    assert_eq!(forged, None, "{command:?}: {text:?}");
    text
}

fn parameters(value: &str) -> Answer {
    let parameters = extension_spec::deployment::SSM_PARAMETERS
        .map(|it| json!({ "Name": it.name, "Value": value, "Type": "String" }));
    ok(&json!({ "Parameters": parameters, "InvalidParameters": [] }))
}

fn pages(data: &[u8]) -> impl Fn(&str) -> Answer + use<> {
    let data = base64::prelude::BASE64_STANDARD.encode(data);
    move |operation| match operation {
        "ListShards" => ok(&json!({ "Shards": [{
            "ShardId": "shard-0",
            "HashKeyRange": { "StartingHashKey": "0", "EndingHashKey": "1" },
            "SequenceNumberRange": { "StartingSequenceNumber": "0" },
        }] })),
        "GetShardIterator" => ok(&json!({ "ShardIterator": "it" })),
        _ => ok(&json!({
            "Records": [{
                "Data": data,
                "SequenceNumber": "1",
                "ApproximateArrivalTimestamp": 1_795_377_600.5,
                "PartitionKey": "k",
            }],
            "MillisBehindLatest": 0,
            "NextShardIterator": Value::Null,
        })),
    }
}

#[test]
fn a_refusal_cannot_control_the_terminal() {
    for code in ["AccessDeniedException", "ThrottlingException\u{1b}[2J", "Odd\u{202e}"] {
        let server = Server::start(move |call| match call.operation.as_str() {
            "POST /" => refused_xml(code, "no\u{9b}31m"),
            _ => refused(code, HOSTILE),
        });
        for command in COMMANDS {
            safe_output(&server, command);
        }
    }
}

#[test]
fn a_published_value_cannot_control_the_terminal() {
    let server = Server::start(|call| match call.operation.as_str() {
        "GetParameters" => parameters(HOSTILE),
        "POST /" => refused_xml("AccessDenied", HOSTILE),
        _ => refused("AccessDeniedException", HOSTILE),
    });
    for command in COMMANDS {
        let text = safe_output(&server, command);
        if command[..] == ["outputs", "--json"] {
            let values: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(values["streamArn"], HOSTILE, "JSON keeps the value");
        }
    }
}

#[test]
fn a_record_cannot_control_the_terminal() {
    let hostile = json!(HOSTILE).to_string();
    let raw = HOSTILE.replace(['\n', '\r', '\u{1b}', '\u{7}'], "");
    let identity =
        format!("\"source\":{{\"function\":{hostile},\"instance\":{hostile},\"seq\":1}}");
    let lines = [
        format!("{{\"time\":{hostile},\"type\":{hostile},\"record\":{hostile},{identity}}}"),
        format!(
            "{{\"type\":\"function\",\"record\":{{\"message\":{hostile},\"level\":{hostile}}},{identity}}}"
        ),
        format!("{{\"type\":\"{raw}\",\"record\":\"{raw}\",{identity}}}"),
        format!("{{\"type\":[\"{raw}\"],\"record\":{{\"{raw}\":1}},{identity}}}"),
        raw.clone(),
        format!("garbage \u{1b}[2J {raw}"),
    ];
    let page = pages((lines.join("\n") + "\n").as_bytes());
    let server = Server::start(move |call| match call.operation.as_str() {
        "GetParameters" => parameters("arn:aws:kinesis:eu-central-1:111122223333:stream/telemetry"),
        operation => page(operation),
    });
    let tail = ["tail", "--since", "600", "--events", "4"];
    let text = safe_output(&server, &tail);
    assert!(text.lines().filter(|line| line.contains("owned")).count() >= 4, "{text}");
    let text = safe_output(&server, &[&tail[..], &["--json"]].concat());
    let first = text.lines().find(|line| line.starts_with('{')).unwrap();
    let event: Value = serde_json::from_str(first).unwrap();
    assert_eq!(
        (&event["record"], &event["source"]["function"]),
        (&json!(HOSTILE), &json!(HOSTILE))
    );
    let top = ["top", "--since", "1d", "--interval", "1", "--count", "1"];
    let text = safe_output(&server, &top);
    assert!(text.lines().any(|line| line.contains("owned")), "{text}");
    let text = safe_output(&server, &[&top[..], &["--json"]].concat());
    let found: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(found["functions"][0]["function"], HOSTILE, "JSON keeps the name");
}
