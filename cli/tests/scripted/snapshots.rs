//! The output of each command at 80 and 120 columns, in files that reviewers can compare.
//!
//! `UPDATE_EXPECT=1 cargo test -p kinesis-telemetry` writes them.

use std::fmt::Write as _;
use std::path::Path;

use expect_test::expect_file;
use serde_json::json;

use crate::formats;
use crate::server::{Server, deployed, ok, refused, refused_xml, xml};

const WIDTHS: [&str; 2] = ["80", "120"];
const COMMANDS: [&[&str]; 9] = [
    &["outputs"],
    &["invoke", "--deadline", "10"],
    &["tail", "--seconds", "10"],
    &["top", "--count", "1"],
    &["report", "--html", "/dev/null"],
    &["completeness"],
    &["functions"],
    &["redrive", "--quiet", "1"],
    &["doctor"],
];

/// Runs a command, and returns the command line, the output and the exit code.
fn session(server: &Server, command: &[&str], columns: &str) -> String {
    let output = server.command(command).env("COLUMNS", columns).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let mut session = format!("$ kinesis-telemetry {}\n", command.join(" "));
    for (pipe, bytes) in [("", &output.stdout), ("stderr: ", &output.stderr)] {
        let lines = text(bytes);
        session
            .extend(lines.lines().map(|line| format!("{pipe}{line}").trim_end().to_owned() + "\n"));
    }
    _ = writeln!(session, "exit code {}\n", output.status.code().unwrap());
    session.replace(server.url(), "http://SERVER")
}

/// Compares sessions with the files of this name, one for each width.
fn matches(name: &str, server: &Server, commands: &[&[&str]]) {
    for columns in WIDTHS {
        let text: String = commands.iter().map(|it| session(server, it, columns)).collect();
        let file = format!("tests/scripted/snapshots/{name}-{columns}.txt");
        expect_file![Path::new(env!("CARGO_MANIFEST_DIR")).join(file)].assert_eq(&text);
    }
}

#[test]
fn help_is_as_reviewed() {
    let server = Server::start(|call| panic!("{call:?}"));
    matches("help", &server, &[&["--help"]]);
    let commands = [
        "tail",
        "top",
        "report",
        "completeness",
        "doctor",
        "functions",
        "outputs",
        "invoke",
        "redrive",
        "attach",
        "upgrade",
        "detach",
        "rollback",
        "completions",
        "man",
    ];
    for command in commands {
        matches(&format!("help-{command}"), &server, &[&[command, "--help"]]);
    }
}

#[test]
fn outputs_are_as_reviewed() {
    let server = Server::start(|_| deployed());
    let snippet = |tool| ["outputs", "--snippet", tool];
    let tools = ["cdk", "cdk-python", "sam", "terraform", "cli"].map(snippet);
    matches("outputs", &server, &[&["outputs"], &["outputs", "--json"]]);
    let tools: Vec<&[&str]> = tools.iter().map(<[_; 3]>::as_slice).collect();
    matches("outputs-snippets", &server, &tools);
}

/// Serves a stream with a failed invocation, and a line that is not an event.
pub(crate) fn invocation() -> Server {
    let lines = [
        r#"{"time":"2026-11-28T21:00:00.001Z","type":"platform.initStart","record":{"initializationType":"on-demand","phase":"init","runtimeVersion":"python:3.13.v44"}"#,
        r#"{"time":"2026-11-28T21:00:00.201Z","type":"platform.start","record":{"requestId":"6d68ca91-49c9-448d-89b8-7ca3e6dc66aa","version":"$LATEST"}"#,
        r#"{"time":"2026-11-28T21:00:00.210Z","type":"function","record":"[INFO]\t2026-11-28T21:00:00.210Z\t6d68ca91-49c9-448d-89b8-7ca3e6dc66aa\torder 17 accepted\n""#,
        r#"{"time":"2026-11-28T21:00:00.230Z","type":"function","record":{"timestamp":"2026-11-28T21:00:00.230Z","level":"WARN","requestId":"6d68ca91-49c9-448d-89b8-7ca3e6dc66aa","message":"payment is slow","elapsedMs":230,"customer":"a b"}"#,
        r#"{"time":"2026-11-28T21:00:00.250Z","type":"function","record":"[ERROR] ValueError: no such order\nTraceback (most recent call last):\n  File \"/var/task/index.py\", line 7, in handler\n    raise ValueError(\"no such order\")\n""#,
        r#"{"time":"2026-11-28T21:00:00.260Z","type":"platform.runtimeDone","record":{"requestId":"6d68ca91-49c9-448d-89b8-7ca3e6dc66aa","status":"error","errorType":"ValueError","metrics":{"durationMs":58.12}}"#,
        r#"{"time":"2026-11-28T21:00:01.000Z","type":"platform.report","record":{"requestId":"6d68ca91-49c9-448d-89b8-7ca3e6dc66aa","status":"error","errorType":"ValueError","metrics":{"durationMs":61.4,"billedDurationMs":62,"memorySizeMB":128,"maxMemoryUsedMB":71,"initDurationMs":198.2}}"#,
        r#"{"type":"kinesis-telemetry.ledger","record":{"upTo":7,"delivered":0,"held":8}"#,
    ];
    let line = |(at, open): (usize, &&str)| {
        let seq = at + 1;
        format!(
            "{open},\"source\":{{\"function\":\"orders\",\"version\":\"$LATEST\",\"instance\":\"a\",\"seq\":{seq},\"requestId\":\"6d68ca91-49c9-448d-89b8-7ca3e6dc66aa\"}}}}\n"
        )
    };
    let record: String = lines.iter().enumerate().map(line).collect();
    formats::stream(&[record.into_bytes(), b"garbage\n".to_vec()])
}

#[test]
fn tail_is_as_reviewed() {
    let tail = ["tail", "--stream", "telemetry", "--since", "2026-01-01", "--seconds", "1"];
    let with = |more: &[&'static str]| [&tail[..], more].concat();
    let commands = [
        with(&[]),
        with(&["--color", "always"]),
        with(&["--format", "text"]),
        with(&["--level", "warn", "--type", "function"]),
        with(&["--grep", "order \\d+", "--json"]),
        with(&["--format", "raw", "--events", "2"]),
        with(&["--grep", "a("]),
        with(&["--format", "raw", "--grep", "order"]),
    ];
    let server = invocation();
    matches("tail", &server, &commands.iter().map(Vec::as_slice).collect::<Vec<_>>());
}

#[test]
fn refusals_are_as_reviewed() {
    let nothing = Server::start(|call| match call.operation.as_str() {
        "POST /" => xml("GetCallerIdentity", "<Arn>arn:aws:iam::111122223333:user/me</Arn>"),
        _ => ok(&json!({ "Parameters": [], "InvalidParameters": [] })),
    });
    matches("refusals-not-deployed", &nothing, &COMMANDS);
    for (name, code, message) in [
        (
            "denied",
            "AccessDeniedException",
            "User: arn:aws:iam::111122223333:user/me is not authorized",
        ),
        (
            "expired",
            "ExpiredTokenException",
            "The security token included in the request is expired",
        ),
    ] {
        let server = Server::start(move |call| match call.operation.as_str() {
            "POST /" => refused_xml(code, message),
            _ => refused(code, message),
        });
        matches(&format!("refusals-{name}"), &server, &COMMANDS);
    }
    let no_stream =
        Server::start(|_| refused("ResourceNotFoundException", "Stream orders not found"));
    let of_stream = |command| [command, "--stream", "orders"];
    let commands = [of_stream("tail").to_vec(), [&of_stream("report")[..], &["--json"]].concat()];
    matches(
        "refusals-no-stream",
        &no_stream,
        &commands.iter().map(Vec::as_slice).collect::<Vec<_>>(),
    );
}

#[test]
fn bad_arguments_are_as_reviewed() {
    let server = Server::start(|call| panic!("{call:?}"));
    let commands: [&[&str]; 8] = [
        &[],
        &["tial"],
        &["tail", "--since", "soon"],
        &["tail", "--stream", "a/b"],
        &["tail", "--level", "loud"],
        &["report"],
        &["redrive", "--also-to", "telemetry"],
        &["outputs", "--name", "a/b"],
    ];
    matches("bad-arguments", &server, &commands);
}
