//! Ctrl-C leaves no process of `demo --full`, which runs more of them than any other command.
//!
//! The processes are found in `/proc`, even if their parents have ended.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, pipe};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Programs may have to be built before the story begins.
const STORY: Duration = Duration::from_mins(10);
/// The limit is longer than the time that the demo gives its children to end by themselves.
const END: Duration = Duration::from_secs(20);

struct Demo {
    child: Child,
    /// The lines of both pipes; they end when no process holds either of them.
    lines: Receiver<String>,
}

impl Demo {
    fn start(arguments: &[&str]) -> Self {
        let (reader, stdout) = pipe().unwrap();
        let stderr = stdout.try_clone().unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(["demo", "--full"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        thread::spawn(move || {
            BufReader::new(reader).lines().map_while(Result::ok).try_for_each(|it| sender.send(it))
        });
        Self { child, lines }
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().try_into().unwrap())
    }

    /// Returns the folder of the demo.
    fn folder(&self) -> PathBuf {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        target.join(format!("demo/full-{}", self.child.id()))
    }

    fn wait_for(&self, words: &str) {
        let deadline = Instant::now() + STORY;
        let mut said = String::new();
        while !said.lines().last().is_some_and(|line| line.contains(words)) {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left);
            said += &line.unwrap_or_else(|_| panic!("it does not say {words:?}:\n{said}"));
            said.push('\n');
        }
    }

    /// Returns all lines until every process has closed its pipes.
    fn last_words(&self) -> Vec<String> {
        let deadline = Instant::now() + END;
        let mut said = Vec::new();
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => said.push(line),
                Err(RecvTimeoutError::Disconnected) => return said,
                Err(RecvTimeoutError::Timeout) => panic!("it does not end: {said:?}"),
            }
        }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // Where the test fails. The demo ends what it has started.
        _ = kill(self.pid(), Signal::SIGTERM);
        _ = self.child.wait();
    }
}

/// A process, which is no other one that has its id later.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    parent: u32,
    /// The start in ticks since the machine started.
    started: u64,
    /// The command; `None` if the process has ended and its parent has not read its status.
    command: Option<String>,
}

fn seen(id: u32) -> Option<Seen> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name stands in parentheses and may hold anything; what follows is numbered from field 3 on.
    let (_, fields) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let command = fs::read_to_string(format!("/proc/{id}/cmdline")).ok()?;
    let command = (fields[0] != "Z").then(|| command.replace('\0', " "));
    Some(Seen { parent: fields[1].parse().ok()?, started: fields[19].parse().ok()?, command })
}

/// Returns all processes that this process has started, directly or not.
fn descendants(of: u32) -> BTreeMap<u32, Seen> {
    let ids = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut others: BTreeMap<u32, Seen> =
        ids.filter_map(|id| id.parse().ok()).filter_map(|id| Some((id, seen(id)?))).collect();
    let mut found = BTreeMap::new();
    let mut parents = vec![of];
    while let Some(parent) = parents.pop() {
        for (id, child) in others.extract_if(.., |_, it| it.parent == parent) {
            parents.push(id);
            found.insert(id, child);
        }
    }
    found
}

/// Returns those that still run. A guardian of the sandbox works after the sandbox has ended, so this waits for them.
fn survivors(of: &BTreeMap<u32, Seen>) -> Vec<&Seen> {
    let deadline = Instant::now() + END;
    loop {
        let runs = |id: u32, it: &Seen| {
            seen(id).is_some_and(|now| now.started == it.started && now.command.is_some())
        };
        let running: Vec<&Seen> =
            of.iter().filter(|(id, it)| runs(**id, it)).map(|(_, it)| it).collect();
        if running.is_empty() || Instant::now() >= deadline {
            return running;
        }
        thread::park_timeout(Duration::from_millis(20));
    }
}

fn is_interrupted_when(words: &str, signal: Signal, programs: &[&str]) {
    let mut demo = Demo::start(&["--invocations", "1000", "--lines", "20000"]);
    demo.wait_for(words);
    let started = descendants(demo.child.id());
    for program in programs {
        let runs = |it: &Seen| it.command.as_ref().is_some_and(|it| it.contains(program));
        assert!(started.values().any(runs), "{program}: {started:#?}");
    }
    assert!(demo.folder().is_dir(), "{}", demo.folder().display());

    kill(demo.pid(), signal).unwrap();
    let last = demo.last_words();
    assert_eq!(demo.child.wait().unwrap().code(), Some(130), "{last:#?}");
    assert_eq!(last.last().map(String::as_str), Some("interrupted"), "{last:#?}");
    assert_eq!(last.iter().filter(|line| *line == "interrupted").count(), 1, "{last:#?}");
    assert!(!demo.folder().exists(), "{}", demo.folder().display());
    assert_eq!(survivors(&started), [] as [&Seen; 0]);
}

#[test]
#[ignore = "needs Node and Python 3: cargo xtask test"]
fn a_story_that_is_interrupted_leaves_neither_a_process_nor_a_file() {
    is_interrupted_when(
        "deploying... [1/2]",
        Signal::SIGINT,
        &["bin/ministack", "xtask deploy dev", "aws-cdk/bin/cdk deploy"],
    );
    is_interrupted_when(
        "1 of 1000 invocations",
        Signal::SIGTERM,
        &[
            "bin/ministack",
            "kinesis-telemetry invoke",
            "/bootstrap ",
            "/function ",
            "/kinesis-telemetry-extension ",
        ],
    );
}
