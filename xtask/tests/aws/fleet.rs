//! Existing functions get the extension, get a newer version of it, and lose it again.
//!
//! Other people's: ministack and botocore. Ours: `kinesis-telemetry`, and where a function runs what `end_to_end` says. What ministack lacks is tested against a control plane of our own
//! (`cli/tests/scripted/control_plane`).

use std::path::Path;
use std::process::{Command, Stdio};

use extension_spec::deployment::Architecture;
use serde_json::{Value, json};

use crate::end_to_end::{programs, zips};
use crate::ministack::Ministack;

/// A person with the program and a folder for journals.
struct Person<'a> {
    aws: &'a Ministack,
    program: &'a Path,
    folder: &'a Path,
}

impl Person<'_> {
    /// Runs a command without questions, and returns its result.
    fn types(&self, code: i32, arguments: &[&str]) -> Value {
        let mut command = Command::new(self.program);
        command.args(arguments).stdin(Stdio::null());
        if arguments[0] != "tail" {
            command.args(["--yes", "--json"]);
        }
        self.aws.credentials(&mut command);
        let output = command.env("XDG_STATE_HOME", self.folder).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{said}\n{}", self.aws.log());
        let mut documents = serde_json::Deserializer::from_slice(&output.stdout).into_iter();
        documents.next().unwrap().unwrap()
    }

    /// Returns layers, variables and policies.
    fn sees(&self, what: &str) -> Value {
        self.aws.python("tests/aws/existing.py", &[what])
    }
}

fn result<'a>(report: &'a Value, name: &str) -> [&'a Value; 2] {
    let rows = report["functions"].as_array().unwrap();
    let row = rows.iter().find(|it| it["name"] == name).unwrap();
    [&row["result"], &row["reason"]]
}

#[test]
#[ignore = "needs Python 3: cargo xtask test"]
fn existing_functions_get_the_extension_and_lose_it_again() {
    let aws = Ministack::start();
    let folder = tempfile::tempdir().unwrap();
    let program = &programs(&["kinesis-telemetry"])["kinesis-telemetry"];
    let person = Person { aws: &aws, program, folder: folder.path() };
    let before = person.sees("setup");

    let report = person.types(1, &["attach", "--all", "--set", "SAMPLE=0.5"]);
    assert_eq!(result(&report, "orders"), [&json!("changed"), &Value::Null]);
    assert_eq!(result(&report, "stacked"), [&json!("skipped"), &json!("managed")]);
    let attached = person.sees("state");
    let layers = ["zeta:1", "alpha:1", "kinesis-telemetry-extension-x86_64:1"];
    assert_eq!(attached["orders"]["layers"], json!(layers));
    assert_eq!(attached["invoices"]["layers"], json!(["kinesis-telemetry-extension-arm64:1"]));
    assert_eq!(attached["orders"]["variables"]["TABLE"], "orders");
    assert_eq!(attached["orders"]["variables"].as_object().unwrap().len(), 3);
    assert_eq!(attached["shared role"], json!(["telemetry"]));

    person.sees("newer");
    person.types(0, &["upgrade", "--all"]);
    let layers = ["zeta:1", "alpha:1", "kinesis-telemetry-extension-x86_64:2"];
    assert_eq!(person.sees("state")["orders"]["layers"], json!(layers));

    person.types(0, &["detach", "--function", "plain"]);
    let detached = person.sees("state");
    assert_eq!((&detached["plain"], &detached["plain role"]), (&before["plain"], &json!([])));
    assert_eq!(detached["shared role"], json!(["telemetry"]));

    person.types(0, &["rollback"]);
    assert_eq!(person.sees("state"), before);
}

#[test]
#[ignore = "needs Python 3: cargo xtask test"]
fn telemetry_of_an_attached_function_arrives() {
    let aws = Ministack::start();
    let folder = tempfile::tempdir().unwrap();
    let names =
        ["kinesis-telemetry", "kinesis-telemetry-extension", "test-function", "sandbox-bootstrap"];
    let programs = programs(&names);
    zips(&aws, folder.path(), &programs);
    let person =
        Person { aws: &aws, program: &programs["kinesis-telemetry"], folder: folder.path() };
    person.sees("setup");
    let zip = |name: String| folder.path().join(format!("{name}.zip")).display().to_string();
    let (layer, function) = (Architecture::X86_64.layer(), Architecture::X86_64.test_function());
    let before = aws.python("tests/aws/existing.py", &["lively", &zip(layer), &zip(function)]);

    person.types(0, &["attach", "--function", "lively", "--set", "FLUSH_TIMEOUT_MS=5000"]);
    let sandbox = programs["sandbox-bootstrap"].to_str().unwrap();
    let stand_in = aws.python("pins/ministack/stand_in.py", &["lively", sandbox]);
    assert_eq!(stand_in["files"][0], "extensions/kinesis-telemetry-extension");
    aws.python("tests/aws/existing.py", &["invoke", "lively"]);
    let tail = ["tail", "--stream", "telemetry", "--since", "600", "--function", "lively"];
    let one = ["--type", "function", "--events", "1", "--seconds", "60", "--json"];
    let event = person.types(0, &[&tail[..], &one].concat());
    assert_eq!(event["source"]["function"], "lively", "{event}");

    person.types(0, &["upgrade", "--all"]);
    person.types(0, &["rollback"]);
    assert_eq!(person.sees("state"), before);
}
