//! An extension that is not ours, in another language, as a real process.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use extension_sandbox::{Options, Sandbox, Status};
use serde_json::Value;

use crate::client::Api;

/// A folder that goes when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("sandbox-{:016x}", fastrand::u64(..)));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// The extension, made executable by this machine's Python.
    fn extension(&self) -> PathBuf {
        let python = Command::new("python3")
            .args(["-c", "import sys; print(sys.executable)"])
            .output()
            .unwrap();
        let shebang = format!("#!{}", String::from_utf8(python.stdout).unwrap());
        let path = self.0.join("foreign-extension");
        std::fs::write(&path, shebang + include_str!("extension.py")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
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

/// The state of a process, as the kernel says: `T` is stopped.
fn state(process: i32) -> char {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    stat.rsplit(") ").next().unwrap().chars().next().unwrap()
}

#[tokio::test]
#[ignore = "needs Python 3: cargo xtask test"]
async fn an_extension_in_python_gets_every_event_and_only_lambdas_environment() {
    let folder = Folder::new();
    let out = folder.0.join("out.json");
    let mut sandbox = sandbox(&folder.extension(), &[("OUT", out.to_str().unwrap())]).await;
    assert_eq!(sandbox.init().await.status, Status::Success);
    for _ in 0..3 {
        assert_eq!(sandbox.invoke("{}").await.status, Status::Success);
    }
    let witness = sandbox.shutdown_with_witness().await;
    assert_eq!(witness.shutdown.exits[0].code, Some(0));
    assert_eq!(
        witness.printed,
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
    let out = folder.0.join("out.json");
    let mut sandbox = sandbox(&folder.extension(), &[("OUT", out.to_str().unwrap())]).await;
    sandbox.init().await;
    let process = sandbox.remote().process_ids()[0];
    for _ in 0..2 {
        while state(process) != 'T' {
            tokio::task::yield_now().await;
        }
        assert_eq!(sandbox.invoke("{}").await.status, Status::Success);
    }
    sandbox.shutdown().await;
    assert!(!Path::new(&format!("/proc/{process}")).exists());
}

#[tokio::test]
#[ignore = "needs Python 3: cargo xtask test"]
async fn an_extension_that_does_not_end_is_killed_at_the_deadline() {
    let folder = Folder::new();
    let out = folder.0.join("out.json");
    let variables = [("OUT", out.to_str().unwrap()), ("STUBBORN", "1")];
    let mut sandbox = sandbox(&folder.extension(), &variables).await;
    sandbox.init().await;
    let shutdown = sandbox.shutdown().await;
    assert_eq!(shutdown.exits[0].code, None, "a signal ended it");
    assert!(shutdown.exits[0].duration_ms >= 1_999.0, "{shutdown:?}");
}
