//! Services that accept a connection and never answer: every command gives up within ten seconds, with a reason.

use std::io::Read as _;
use std::net::{Ipv4Addr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::server::{Server, deployed, ok, said, xml};

/// What a person waits at most.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

/// Accepts every connection and never answers.
pub(crate) fn silent() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for connection in listener.incoming() {
            thread::spawn(move || connection.unwrap().read_to_end(&mut Vec::new()));
        }
    });
    url
}

const COMMANDS: [&[&str]; 12] = [
    &["outputs"],
    &["invoke", "--deadline", "60"],
    &["tail", "--seconds", "60"],
    &["tail", "--stream", "telemetry", "--seconds", "60"],
    &["tail", "--enhanced-fan-out", "--seconds", "60"],
    &["top", "--count", "1"],
    &["report", "--html", "/dev/null"],
    &["completeness"],
    &["functions"],
    &["doctor", "--all"],
    &["redrive", "--quiet", "20"],
    &["doctor"],
];

#[test]
fn every_command_gives_up_within_ten_seconds() {
    let account = Server::start(|call| match call.operation.as_str() {
        "GetParameters" => deployed(),
        "POST /" => xml("GetCallerIdentity", "<Arn>arn:aws:iam::111122223333:user/me</Arn>"),
        other => panic!("{other} is asked of the service that answers"),
    });
    let url = silent();
    // The services that are asked first are silent alone in one case each.
    let cases: [(&str, &[&str]); 3] = [
        ("all", &["AWS_ENDPOINT_URL"]),
        ("SSM", &["AWS_ENDPOINT_URL_SSM", "AWS_ENDPOINT_URL_STS"]),
        ("Kinesis and SQS", &["AWS_ENDPOINT_URL_KINESIS", "AWS_ENDPOINT_URL_SQS"]),
    ];
    thread::scope(|scope| {
        for (what, variables) in cases {
            for command in COMMANDS {
                let is_asked = match what {
                    "all" => true,
                    "SSM" => !command.contains(&"--stream"),
                    _ => !["outputs", "doctor", "functions"].contains(&command[0]),
                };
                if !is_asked {
                    continue;
                }
                let (account, url) = (&account, &url);
                scope.spawn(move || {
                    let mut process = account.command(command);
                    for variable in variables {
                        process.env(variable, url);
                    }
                    let began = Instant::now();
                    let (code, text) = said(&process.output().unwrap());
                    let took = began.elapsed();
                    assert!(took < LIMIT, "{what}, {command:?}: {took:?}: {text}");
                    assert!(
                        code == 2 || command[0] == "doctor" && code == 1,
                        "{what}, {command:?}: {text}"
                    );
                    assert!(text.contains("does not answer"), "{what}, {command:?}: {text}");
                });
            }
        }
    });
}

#[test]
fn readers_give_up_on_a_stream_that_stops_answering() {
    let readers: [&[&str]; 4] = [
        &["tail", "--seconds", "60"],
        &["top", "--count", "1"],
        &["report", "--html", "/dev/null"],
        &["completeness"],
    ];
    thread::scope(|scope| {
        for silent in ["GetShardIterator", "GetRecords"] {
            for command in readers {
                scope.spawn(move || {
                    let server = Server::start(move |call| match call.operation.as_str() {
                        operation if operation == silent => {
                            thread::sleep(2 * LIMIT);
                            ok(&json!({}))
                        }
                        "GetParameters" => deployed(),
                        "GetShardIterator" => ok(&json!({ "ShardIterator": "it" })),
                        _ => ok(&json!({ "Shards": [{
                            "ShardId": "shard-0",
                            "HashKeyRange": { "StartingHashKey": "0", "EndingHashKey": "1" },
                            "SequenceNumberRange": { "StartingSequenceNumber": "0" },
                        }] })),
                    });
                    let began = Instant::now();
                    let (code, text) = said(&server.command(command).output().unwrap());
                    let took = began.elapsed();
                    assert!(took < LIMIT && code == 2, "{silent}, {command:?}: {took:?}: {text}");
                    assert!(text.contains("does not answer"), "{silent}, {command:?}: {text}");
                });
            }
        }
    });
}
