//! The extension in AWS's Runtime Interface Emulator, in both of its modes.
//!
//! `cargo xtask test` sets the path of the emulator (`RIE`), and the command for the namespaces that it needs
//! (`UNSHARE`): the emulator looks for extensions only in `/opt/extensions`. No process outlives its test: all are in a
//! namespace whose first process ends with the pipe that the test holds.

mod api;
mod caller;
mod classic;
mod compare;
mod layer;
mod listener;
mod managed;
mod stream;

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use extension_sandbox::{Kinesis, Program};
use extension_spec::{ENV_PREFIX, EXTENSION_NAME};
use serde_json::Value;
use tokio::sync::watch;

use crate::http::{Answer, call};
use crate::test_environment::test_function;

const ROOM: &str = include_str!("rie/room.sh");
/// The longest wait for any action of the emulator.
const PATIENCE: Duration = Duration::from_secs(30);

/// The files of an environment: the texts of two files that the emulator starts.
#[derive(Clone, Copy)]
pub(crate) struct Files<'a> {
    /// The archive of a layer, which is unpacked instead of writing the extension's file.
    pub(crate) layer: Option<&'a str>,
    pub(crate) extension_name: &'a str,
    pub(crate) extension: &'a str,
    pub(crate) bootstrap: &'a str,
}

/// The extension and the test function. The emulator does not report how an extension ended, so its file does.
const REAL: Files<'_> = Files {
    layer: None,
    extension_name: EXTENSION_NAME,
    extension: "#!/bin/sh\n/var/extension\necho \"the extension ended with $?\"\n",
    bootstrap: "#!/bin/sh\nexec /var/function\n",
};
const ENDED: &str = "the extension ended with ";

/// A running emulator.
struct Rie {
    child: Child,
    /// Closing it ends the emulator, as SIGTERM does.
    stdin: Option<ChildStdin>,
    /// The lines that the emulator and its processes have printed. It is closed when all have ended.
    printed: watch::Receiver<Vec<String>>,
    apis: String,
    invocations: String,
}

impl Rie {
    /// Starts the emulator with these variables, which the function and the extension also see.
    async fn start(files: Files<'_>, variables: &[(&str, &str)]) -> Self {
        let emulator = std::env::var_os("RIE").expect("cargo xtask test sets it");
        let unshare = std::env::var("UNSHARE").expect("cargo xtask test sets it");
        let Program::File(function) = test_function() else { unreachable!("it is a program") };
        let (apis, invocations) = (free_address(), free_address());
        let mut unshare = unshare.split(' ');
        let mut child = Command::new(unshare.next().unwrap())
            .args(unshare)
            .args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"])
            .args(["/bin/sh", "-c", ROOM, "room"])
            .args([PathBuf::from(emulator), files.layer.unwrap_or(EXTENSION).into(), function])
            .args([files.extension_name, files.extension, files.bootstrap])
            .args([&apis, &invocations])
            .args(variables.iter().map(|(name, value)| format!("{name}={value}")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, printed) = watch::channel(Vec::new());
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in stdout.lines() {
                sender.send_modify(|lines| lines.push(line.unwrap()));
            }
        });
        let mut rie = Self { stdin: child.stdin.take(), child, printed, apis, invocations };
        rie.until_it_listens().await;
        rie
    }

    async fn until_it_listens(&mut self) {
        let listens = async {
            while tokio::net::TcpStream::connect(&self.invocations).await.is_err() {
                assert!(
                    self.printed.has_changed().is_ok(),
                    "the emulator ended: {:?}",
                    self.lines()
                );
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, listens).await.is_ok(), "{:?}", self.lines());
    }

    async fn invoke(&self, payload: &Value) -> Answer {
        self.invoke_with(&[], payload).await
    }

    async fn invoke_with(&self, headers: &[(&str, &str)], payload: &Value) -> Answer {
        let (path, payload) = ("/2015-03-31/functions/function/invocations", payload.to_string());
        loop {
            let answer = call(&self.invocations, "POST", path, headers, &payload).await;
            // On managed instances the function may not have asked for work yet. Lambda would try another instance.
            if answer.header("error-type") != Some("Runtime.Unavailable") {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Returns the lines that were printed so far.
    fn lines(&self) -> Vec<String> {
        self.printed.borrow().clone()
    }

    /// Counts the lines with this text.
    fn count_logged(&self, text: &str) -> usize {
        self.lines().iter().filter(|line| line.contains(text)).count()
    }

    /// Sends SIGTERM.
    fn terminate(&mut self) {
        drop(self.stdin.take());
    }

    /// Waits until all processes have ended. Returns the exit code.
    async fn ended(&mut self) -> Option<i32> {
        // The channel closes when no process can print any more.
        let end = async { while self.printed.changed().await.is_ok() {} };
        assert!(tokio::time::timeout(PATIENCE, end).await.is_ok(), "{:#?}", self.lines());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Rie {
    fn drop(&mut self) {
        self.terminate();
        // If the emulator belongs to root this fails, and the pipe ends it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const EXTENSION: &str = env!("CARGO_BIN_EXE_kinesis-telemetry-extension");

/// Returns an unused loopback address, with a port outside the range that the system assigns.
fn free_address() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        // Each process starts at another port.
        let port = 20_000 + std::process::id().wrapping_mul(64).wrapping_add(next) % 10_000;
        let address = format!("127.0.0.1:{port}");
        if TcpListener::bind(&address).is_ok() {
            return address;
        }
    }
}

/// Returns the variables with which the extension delivers to this Kinesis, with settings (names without prefix).
fn variables(kinesis: &Kinesis, settings: &[(&str, &str)]) -> Vec<(String, String)> {
    let fixed = [
        ("AWS_ENDPOINT_URL_KINESIS", kinesis.url()),
        ("AWS_ACCESS_KEY_ID", "ASIAIOSFODNN7EXAMPLE".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned()),
        ("AWS_SESSION_TOKEN", "example-session-token".to_owned()),
        ("AWS_REGION", "us-east-1".to_owned()),
    ];
    let settings = [("STREAM", "telemetry")].iter().chain(settings);
    let settings =
        settings.map(|(name, value)| (format!("{ENV_PREFIX}{name}"), (*value).to_owned()));
    fixed.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(settings).collect()
}
