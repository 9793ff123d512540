//! `attach`, `upgrade`, `detach` and `rollback` as a process, against a fake control plane with state.

use std::fmt::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use expect_test::expect_file;
use serde_json::{Value, json};
use tempfile::TempDir;

use kinesis_telemetry_control_plane::{
    CodeSigning, ControlPlane, Function, Request, layer, other_layer, signing_profile,
};

use crate::server::{Call, Server, code_and_text};

const HOSTILE: &str = "a\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}b\r\n5 changed";

/// A fake control plane behind a socket, and a folder for journals.
struct World {
    plane: Arc<ControlPlane>,
    server: Server,
    folder: TempDir,
}

impl World {
    fn new(functions: Vec<Function>) -> Self {
        let plane = Arc::new(ControlPlane::new(functions));
        plane.state().update = Duration::from_millis(100);
        let (answering, start) = (Arc::clone(&plane), Instant::now());
        let server = Server::start(move |call| {
            let answer = answering.answer(&request(call), start.elapsed());
            (answer.status, answer.body.into())
        });
        Self { plane, server, folder: tempfile::tempdir().unwrap() }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = self.server.command(words);
        command.args(["--rate", "15"]).env("XDG_STATE_HOME", self.folder.path());
        command.env("COLUMNS", "120").stdin(Stdio::null());
        command
    }

    fn types(&self, words: &[&str]) -> (i32, String) {
        code_and_text(&self.command(words).output().unwrap())
    }

    /// Runs a command, and returns the command line, the output and the exit code.
    fn session(&self, words: &[&str], columns: &str) -> String {
        let output = self.command(words).env("COLUMNS", columns).output().unwrap();
        let mut session = format!("$ kinesis-telemetry {}\n", words.join(" "));
        for (pipe, bytes) in [("", &output.stdout), ("stderr: ", &output.stderr)] {
            for line in String::from_utf8(bytes.clone()).unwrap().lines() {
                session += format!("{pipe}{line}").trim_end();
                session.push('\n');
            }
        }
        _ = writeln!(session, "exit code {}\n", output.status.code().unwrap());
        let folder = self.folder.path().to_str().unwrap();
        session.replace(self.server.url(), "http://SERVER").replace(folder, "/STATE")
    }
}

fn request(call: &Call) -> Request {
    let body = match &call.body {
        Value::String(text) => text.clone(),
        body => body.to_string(),
    };
    let (method, path, target) = match call.operation.split_once(' ') {
        Some((method, path)) => (method, path, None),
        None => ("POST", "/", Some(call.operation.clone())),
    };
    Request { method: method.to_owned(), path: path.to_owned(), target, body: body.into() }
}

/// Returns functions of every kind that the plan distinguishes.
fn shop() -> Vec<Function> {
    let five = ["a", "b", "c", "d", "e"].map(other_layer);
    let stack = "aws:cloudformation:stack-name";
    vec![
        Function::new("orders")
            .layers(&[other_layer("insights")])
            .variable("TABLE", "orders")
            .alias("live", "1"),
        Function::new("invoices").arm64().role("shop"),
        Function::new("reports")
            .role("shop")
            .layers(&[layer("x86_64", 9), other_layer("insights")]),
        Function::new("image").with("PackageType", json!("Image")),
        Function::new("full").layers(&five),
        Function::new("secret").layers(&[layer("x86_64", 11)]).unreadable(),
        Function::new("stacked").tag(stack, "shop-prod"),
    ]
}

#[test]
fn plans_and_results_are_as_reviewed() {
    for columns in ["80", "120"] {
        let world = World::new(shop());
        let mut text = String::new();
        for words in [
            &["attach", "--all"][..],
            &["attach", "--match", "nothing", "--yes"],
            &["attach", "--all", "--set", "SAMPLE=0.5", "--dry-run"],
            &["attach", "--all", "--set", "SAMPLE=0.5", "--yes"],
            &["attach", "--function", "orders", "--yes"],
            &["upgrade", "--all", "--yes"],
            &["detach", "--match", "^invoices", "--yes"],
            &["rollback", "--dry-run"],
            &["rollback", "--yes"],
            &["rollback", "--yes"],
        ] {
            text += &world.session(words, columns);
        }
        let file = format!("tests/scripted/snapshots/fleet-{columns}.txt");
        expect_file![Path::new(env!("CARGO_MANIFEST_DIR")).join(file)].assert_eq(&text);
    }
}

#[test]
fn objections_of_code_signing_are_as_reviewed() {
    for columns in ["80", "120"] {
        let config = |is_enforced, allowed: &str| CodeSigning {
            is_enforced,
            allowed: vec![signing_profile(allowed)],
        };
        let world = World::new(vec![
            Function::new("allows").code_signing("csc-allows"),
            Function::new("other").code_signing("csc-other"),
            Function::new("unsigned").arm64().code_signing("csc-allows"),
            Function::new("warns").arm64().code_signing("csc-warns"),
        ]);
        {
            let mut state = world.plane.state();
            state.code_signing.insert("csc-allows".to_owned(), config(true, "layers"));
            state.code_signing.insert("csc-other".to_owned(), config(true, "shop"));
            state.code_signing.insert("csc-warns".to_owned(), config(false, "layers"));
            state.signers.insert(layer("x86_64", 12), signing_profile("layers"));
        }
        let mut text = world.session(&["attach", "--all", "--yes"], columns);
        // Without the permissions, Lambda itself decides.
        world.plane.state().denied = vec!["ListCodeSigningConfigs", "GetFunctionCodeSigningConfig"];
        text += &world.session(&["attach", "--function", "unsigned", "--yes"], columns);
        let file = format!("tests/scripted/snapshots/fleet-signing-{columns}.txt");
        expect_file![Path::new(env!("CARGO_MANIFEST_DIR")).join(file)].assert_eq(&text);
    }
}

#[test]
fn json_has_a_result_and_a_reason_for_each() {
    let world = World::new(shop());
    let before = world.plane.picture();
    let output = world.command(&["attach", "--all", "--json", "--yes"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = report["functions"].as_array().unwrap();
    let row = |name: &str| rows.iter().find(|it| it["name"] == name).unwrap();
    assert_eq!(
        (&row("orders")["result"], &row("orders")["reason"]),
        (&json!("changed"), &Value::Null)
    );
    for (name, reason) in [
        ("image", "image"),
        ("full", "five-layers"),
        ("secret", "variables-unreadable"),
        ("stacked", "managed"),
    ] {
        assert_eq!(
            (&row(name)["result"], &row(name)["reason"]),
            (&json!("skipped"), &json!(reason))
        );
    }
    assert_eq!(rows.len(), 7);
    let journal = report["journal"].as_str().unwrap();
    assert!(journal.ends_with("/kinesis-telemetry/111122223333.jsonl"), "{journal}");
    let (code, text) = world.types(&["rollback", "--journal", journal, "--json", "--yes"]);
    assert_eq!(code, 0, "{text}");
    assert_eq!(world.plane.picture(), before);
}

#[test]
fn a_plan_is_confirmed_or_not_applied() {
    let world = World::new(shop());
    let before = world.plane.picture();
    for (words, reason) in [
        (&["attach", "--all"][..], "stdin is not a terminal"),
        (&["attach", "--all", "--json"], "--json prints only the result"),
    ] {
        let (code, text) = world.types(words);
        assert_eq!((code, text.lines().count()), (2, 1), "{text}");
        assert!(text.contains(reason) && text.contains("--yes"), "{text}");
    }
    assert!(world.server.asked().iter().all(|it| !it.starts_with("PUT")));
    assert_eq!(world.plane.picture(), before);
}

#[test]
fn other_commands_work_in_one_region() {
    let world = World::new(shop());
    let words = ["outputs", "--region", "eu-west-1", "--region", "eu-west-2"];
    let (code, text) = code_and_text(&world.server.command(&words).output().unwrap());
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("use --region only once"), "{text}");
}

#[test]
fn snippets_are_printed_instead_of_changes() {
    let world = World::new(shop());
    let (code, text) = world.types(&["attach", "--emit", "terraform", "--name", "blue"]);
    assert!(code == 0 && text.contains("/telemetry/kinesis/blue/stream/arn"), "{text}");
    assert!(world.server.asked().is_empty());
}

#[test]
fn hostile_answers_cannot_control_the_terminal() {
    let functions = vec![
        Function::new("f")
            .variable("KINESIS_TELEMETRY_STREAM", HOSTILE)
            .layers(&[layer("x86_64", 1)]),
        Function::new("g").with("State", json!("Failed")).with("StateReason", json!(HOSTILE)),
        Function::new("h").tag("aws:cloudformation:stack-name", HOSTILE),
        Function::new("i").with("FunctionName", json!(HOSTILE)),
        Function::new("j")
            .layers(&[format!("{}{HOSTILE}:1", other_layer("x"))])
            .alias(HOSTILE, "1"),
    ];
    let world = World::new(functions);
    for words in [
        &["attach", "--all", "--dry-run"][..],
        &["attach", "--all", "--yes"],
        &["detach", "--all", "--yes"],
        &["rollback", "--yes", "--json"],
    ] {
        let (_, text) = world.types(words);
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}', '\r']), "{text:?}");
        assert!(!text.lines().any(|it| it.starts_with("5 changed")), "{text:?}");
    }
}

#[test]
fn killed_processes_are_continued_and_undone() {
    let killed = |delay: u64| {
        let world = World::new(shop());
        let before = world.plane.picture();
        let words = ["attach", "--all", "--yes", "--include-managed"];
        let mut child =
            world.command(&words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::park_timeout(Duration::from_millis(delay));
        child.kill().unwrap();
        let signal = child.wait().unwrap().signal();
        let (_, text) = world.types(&words);
        for name in ["orders", "invoices", "reports", "stacked"] {
            let layers = world.plane.function(name).layers;
            assert!(layers.iter().any(|it| it.ends_with(":12")), "{delay} ms: {text}");
        }
        let (code, text) = world.types(&["rollback", "--yes"]);
        assert_eq!(code, 0, "{delay} ms: {text}");
        assert_eq!(world.plane.picture(), before, "{delay} ms");
        signal.is_some()
    };
    let delays = [150, 600, 1_000, 1_300, 1_600, 1_800, 2_000, 2_200, 2_500, 3_000];
    let killed = thread::scope(|scope| {
        let threads = delays.map(|delay| scope.spawn(move || killed(delay)));
        threads.map(|it| it.join().unwrap())
    });
    assert!(killed.iter().filter(|it| **it).count() >= 3, "{killed:?}");
}

#[test]
fn a_full_disk_stops_the_run_and_leaves_a_whole_journal() {
    let full = |blocks: usize| {
        let world = World::new(shop());
        let before = world.plane.picture();
        let words = ["attach", "--all", "--yes", "--include-managed"];
        let command = world.command(&words);
        // The last entry is written in part.
        let mut limited = Command::new("sh");
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        limited.args(["-c", &script]).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => limited.env(name, value),
                None => limited.env_remove(name),
            };
        }
        let (code, text) = code_and_text(&limited.stdin(Stdio::null()).output().unwrap());
        assert!(code == 1 && text.contains("111122223333.jsonl cannot be written"), "{text}");
        let journal = world.folder.path().join("kinesis-telemetry/111122223333.jsonl");
        let journal = std::fs::read_to_string(journal).unwrap();
        assert!(journal.ends_with("}\n") && journal.len() <= blocks * 1_024, "{journal}");
        assert!(journal.lines().all(|it| serde_json::from_str::<Value>(it).is_ok()), "{journal}");
        let (_, text) = world.types(&words);
        assert!(world.plane.function("orders").layers.contains(&layer("x86_64", 12)), "{text}");
        let (code, text) = world.types(&["rollback", "--yes"]);
        assert_eq!(code, 0, "{text}");
        assert_eq!(world.plane.picture(), before);
    };
    thread::scope(|scope| {
        let threads = [1, 2, 3, 4].map(|blocks| scope.spawn(move || full(blocks)));
        threads.map(|it| it.join().unwrap())
    });
}

#[test]
fn a_file_that_is_no_journal_stays_as_it_is() {
    let world = World::new(shop());
    let path = world.folder.path().join("token");
    std::fs::write(&path, "secret").unwrap();
    for words in [&["attach", "--all", "--yes"][..], &["attach", "--all", "--dry-run"]] {
        let words = [words, &["--journal", path.to_str().unwrap()]].concat();
        let (code, text) = world.types(&words);
        assert!(code == 2 && text.contains("token is not a journal: choose another"), "{text}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "secret");
    }
}
