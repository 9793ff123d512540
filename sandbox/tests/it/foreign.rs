//! Tests a third-party extension in another language, as a real process.

use std::path::{Path, PathBuf};
use std::process::Command;

use extension_sandbox::{Options, Sandbox, Status};
use serde_json::Value;

use crate::client::Api;
use crate::folder::{Folder, state, until};

/// The extension, made executable by this machine's Python.
fn extension(folder: &Folder) -> PathBuf {
    let python =
        Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output().unwrap();
    let shebang = format!("#!{}", String::from_utf8(python.stdout).unwrap());
    folder.program("foreign-extension", &(shebang + include_str!("extension.py")))
}

async fn sandbox(extension: &Path, variables: &[(&str, &str)]) -> Sandbox {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let options = Options {
        extensions: vec![extension.into()],
        environment: variables.iter().map(own).collect(),
        ..Options::default()
    };
    let sandbox = Sandbox::new(options).await.unwrap();
    Api::new(sandbox.remote().address()).run_function();
    sandbox
}

#[tokio::test]
#[ignore = "needs Python 3: cargo xtask test"]
async fn an_extension_in_python_gets_every_event_and_only_lambdas_environment() {
    let folder = Folder::new();
    let out = folder.path().join("out.json");
    let mut sandbox = sandbox(&extension(&folder), &[("OUT", out.to_str().unwrap())]).await;
    assert_eq!(sandbox.init().await.status, Status::Success);
    for _ in 0..3 {
        assert_eq!(sandbox.invoke("{}").await.status, Status::Success);
    }
    let recording = sandbox.shutdown_with_recording().await;
    assert_eq!(recording.shutdown.exits[0].code, Some(0));
    assert_eq!(
        recording.printed,
        [("foreign-extension".to_owned(), "python extension is ready".to_owned())]
    );
    let out: Value = serde_json::from_str(&std::fs::read_to_string(&out).unwrap()).unwrap();
    let events = out["events"].as_array().unwrap();
    for event_type in ["platform.start", "platform.runtimeDone"] {
        assert_eq!(
            events.iter().filter(|event| event["type"] == event_type).count(),
            3,
            "{event_type}"
        );
    }
    assert!(events.iter().any(|event| event["record"] == "python extension is ready"));
    let environment = out["environment"].as_object().unwrap();
    assert!(environment.contains_key("AWS_SESSION_TOKEN"));
    for hidden in ["HOME", "CARGO_MANIFEST_DIR", "_HANDLER", "AWS_LAMBDA_LOG_STREAM_NAME"] {
        assert!(!environment.contains_key(hidden), "{hidden}");
    }
}

#[tokio::test]
#[ignore = "needs Python 3: cargo xtask test"]
async fn between_invocations_the_process_is_stopped() {
    let folder = Folder::new();
    let out = folder.path().join("out.json");
    let mut sandbox = sandbox(&extension(&folder), &[("OUT", out.to_str().unwrap())]).await;
    sandbox.init().await;
    let process = sandbox.remote().process_ids()[0];
    for _ in 0..2 {
        until("the process is stopped", || state(process) == Some('T')).await;
        assert_eq!(sandbox.invoke("{}").await.status, Status::Success);
    }
    sandbox.shutdown().await;
    assert_eq!(state(process), None);
}

#[tokio::test]
#[ignore = "needs Python 3: cargo xtask test"]
async fn an_extension_that_does_not_end_is_killed_at_the_deadline() {
    let folder = Folder::new();
    let out = folder.path().join("out.json");
    let variables = [("OUT", out.to_str().unwrap()), ("STUBBORN", "1")];
    let mut sandbox = sandbox(&extension(&folder), &variables).await;
    sandbox.init().await;
    let shutdown = sandbox.shutdown().await;
    assert_eq!(shutdown.exits[0].code, None, "a signal ended it");
    assert!(shutdown.exits[0].duration_ms >= 1_999.0, "{shutdown:?}");
}
