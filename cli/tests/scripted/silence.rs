//! Services that accept a connection but never answer. Every command fails within ten seconds, with a reason.

use std::io::Read as _;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::doctor::all::account;
use crate::doctor::{LAYER, healthy_but};
use crate::server::{Server, code_and_text, deployed, ok, xml};

/// Longest time until a command fails.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

/// Starts a server that accepts every connection and never answers, and returns its URL.
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

/// Number of commands that run concurrently. More would slow each other down.
const AT_ONCE: usize = 10;

/// A command that calls silent services.
struct Run<'a> {
    account: &'a Server,
    /// The variables of the silent services' endpoints.
    variables: &'a [&'a str],
    command: &'a [&'a str],
}

impl Run<'_> {
    /// Runs the command, and checks that it fails in time with this reason.
    fn check(&self, silent: &str, reason: &str) {
        let mut process = self.account.command(self.command);
        for variable in self.variables {
            process.env(variable, silent);
        }
        let began = Instant::now();
        let (code, text) = code_and_text(&process.output().unwrap());
        let took = began.elapsed();
        let what = format!("{:?}, {:?}", self.variables, self.command);
        assert!(took < LIMIT, "{what}: {took:?}: {text}");
        assert!(code == 2 || self.command[0] == "doctor" && code == 1, "{what}: {text}");
        assert!(text.contains(reason), "{what}: {text}");
    }
}

fn check_all(runs: &[Run<'_>], silent: &str, reason: &str) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(run) = runs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    run.check(silent, reason);
                }
            });
        }
    });
}

#[test]
fn every_command_fails_within_ten_seconds() {
    let account = Server::start(|call| match call.operation.as_str() {
        "GetParameters" => deployed(),
        "POST /" => xml("GetCallerIdentity", "<Arn>arn:aws:iam::111122223333:user/me</Arn>"),
        other => panic!("{other} is asked of the service that answers"),
    });
    // Each service that is called first is the only silent one in one case.
    let cases: [&[&str]; 3] = [
        &["AWS_ENDPOINT_URL"],
        &["AWS_ENDPOINT_URL_SSM", "AWS_ENDPOINT_URL_STS"],
        &["AWS_ENDPOINT_URL_KINESIS", "AWS_ENDPOINT_URL_SQS"],
    ];
    let mut runs = Vec::new();
    for variables in cases {
        for command in COMMANDS {
            let is_asked = match variables[0] {
                "AWS_ENDPOINT_URL" => true,
                "AWS_ENDPOINT_URL_SSM" => !command.contains(&"--stream"),
                _ => !["outputs", "doctor", "functions"].contains(&command[0]),
            };
            if is_asked {
                runs.push(Run { account: &account, variables, command });
            }
        }
    }
    check_all(&runs, &silent(), "does not answer");
}

#[test]
fn all_checks_together_fail_within_ten_seconds() {
    const LAMBDA: &str = "AWS_ENDPOINT_URL_LAMBDA";
    const IAM: &str = "AWS_ENDPOINT_URL_IAM";
    const KINESIS: &str = "AWS_ENDPOINT_URL_KINESIS";
    const KMS: &str = "AWS_ENDPOINT_URL_KMS";
    const SQS: &str = "AWS_ENDPOINT_URL_SQS";
    const LOGS: &str = "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS";
    let account = account();
    let cases: [&[&str]; 10] = [
        &[LAMBDA, IAM, KINESIS, KMS, SQS, LOGS],
        &[LAMBDA],
        &[IAM],
        &[KINESIS],
        &[KMS],
        &[SQS],
        &[LOGS],
        // These are called after others.
        &[KMS, IAM],
        &[KINESIS, IAM],
        &[KINESIS, LOGS],
    ];
    let mut runs = Vec::new();
    for variables in cases {
        for command in [&["doctor"][..], &["doctor", "--all"], &["functions"]] {
            if command[0] == "doctor" || variables.contains(&LAMBDA) {
                runs.push(Run { account: &account, variables, command });
            }
        }
    }
    let silent = silent();
    check_all(&runs, &silent, &format!("{silent} (region eu-central-1) does not answer"));
}

#[test]
fn silent_tags_and_aliases_are_noted_within_ten_seconds() {
    let account = with_functions(1, |path| path.contains("/tags/") || path.contains("/aliases"));
    let began = Instant::now();
    let (code, text) = account.types(&["functions"]);
    let took = began.elapsed();
    assert!(took < LIMIT, "{took:?}: {text}");
    assert_eq!(code, 0, "{text}");
    for column in ["managed by", "aliases"] {
        assert!(text.contains(&format!("note: \"{column}\" is ? for 1 function")), "{text}");
    }
}

#[test]
fn silent_configurations_cost_one_timeout() {
    let account = with_functions(20, |path| path.ends_with("/configuration"));
    let began = Instant::now();
    let (code, text) = account.types(&["doctor", "--all"]);
    let took = began.elapsed();
    assert!(took < LIMIT, "{took:?}: {text}");
    assert_eq!(code, 1, "{text}");
    assert!(text.ends_with("20 functions checked: 20 checks could not be made\n"), "{text}");
}

/// Serves an account with `count` functions that have the layer. Calls for which `is_silent` is true are never answered.
fn with_functions(count: usize, is_silent: fn(&str) -> bool) -> Server {
    let function = |n| {
        json!({
            "FunctionName": format!("orders-{n}"),
            "FunctionArn": format!("arn:aws:lambda:eu-central-1:111122223333:function:orders-{n}"),
            "Layers": [{ "Arn": LAYER }],
        })
    };
    let functions: Vec<_> = (0..count).map(function).collect();
    let functions = json!({ "Functions": functions });
    healthy_but(move |call| {
        let path = call.operation.split('?').next()?;
        while is_silent(path) {
            thread::park();
        }
        path.trim_end_matches('/').ends_with("/functions").then(|| ok(&functions))
    })
}

#[test]
fn readers_fail_when_a_stream_stops_answering() {
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
                            let (_held, never) = channel::<()>();
                            _ = never.recv_timeout(2 * LIMIT);
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
                    let (code, text) = code_and_text(&server.command(command).output().unwrap());
                    let took = began.elapsed();
                    assert!(took < LIMIT && code == 2, "{silent}, {command:?}: {took:?}: {text}");
                    assert!(text.contains("does not answer"), "{silent}, {command:?}: {text}");
                });
            }
        }
    });
}
