//! Commands in a pseudo-terminal: keys and sizes in `top`, progress of `doctor`, and the restored terminal.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use nix::pty::{OpenptyResult, Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::unistd::Pid;

use crate::doctor::all::account;
use crate::server::{Server, refused};
use crate::silence::silent;
use crate::top::{lines, stream};

/// Longest time until a text is on the screen.
const DEADLINE: Duration = Duration::from_mins(1);
const TOP: [&str; 7] = ["top", "--stream", "telemetry", "--since", "600", "--interval", "1"];

/// A program in its own terminal.
struct Session {
    child: Child,
    master: File,
    slave: OwnedFd,
    output: Receiver<Vec<u8>>,
    parser: vt100::Parser,
    /// All bytes that the program has written.
    written: Vec<u8>,
}

impl Session {
    fn start(program: &Command) -> Self {
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        let OpenptyResult { master, slave } = openpty(&size, None).unwrap();
        let end = || Stdio::from(slave.try_clone().unwrap());
        // A separate session, so that the program cannot reach the terminal of the test.
        let mut command = Command::new("setsid");
        command.arg("--ctty").arg(program.get_program()).args(program.get_args());
        command.env("TERM", "xterm-256color").env_remove("NO_COLOR");
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        let master = File::from(master);
        let mut reader = master.try_clone().unwrap();
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4_096];
            while let Ok(length @ 1..) = reader.read(&mut bytes) {
                if sender.send(bytes[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        let parser = vt100::Parser::new(24.try_into().unwrap(), 80.try_into().unwrap(), 0);
        Self { child, master, slave, output, parser, written: Vec::new() }
    }

    /// Waits until the screen meets a condition.
    fn wait(&mut self, what: &str, is_so: impl Fn(&vt100::Screen) -> bool) {
        let until = Instant::now() + DEADLINE;
        while !is_so(self.parser.screen()) {
            let left = until.saturating_duration_since(Instant::now());
            let Ok(bytes) = self.output.recv_timeout(left) else {
                panic!("not {what}:\n{}", self.parser.screen().contents());
            };
            self.parser.process(&bytes);
            self.written.extend(bytes);
        }
    }

    fn wait_for(&mut self, text: &str) {
        self.wait(text, |screen| screen.contents().contains(text));
    }

    fn wait_without(&mut self, text: &str) {
        self.wait(text, |screen| !screen.contents().contains(text));
    }

    fn press(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    fn resize(&mut self, rows: u16, columns: u16) {
        let [height, width] = [rows, columns].map(|it| NonZeroU16::new(it).unwrap());
        self.parser.set_size(height, width);
        let (rows, columns) = (rows.to_string(), columns.to_string());
        let stty = Command::new("stty")
            .args(["rows", &rows, "cols", &columns])
            .stdin(self.slave.try_clone().unwrap())
            .status();
        assert!(stty.unwrap().success());
    }

    fn has_line_mode(&self) -> bool {
        let flags = tcgetattr(&self.slave).unwrap().local_flags;
        flags.contains(LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::ISIG)
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// Waits for the end, and checks that the terminal is restored. Returns the text on the screen.
    fn ends_with(mut self, code: i32) -> String {
        assert_eq!(self.child.wait().unwrap().code(), Some(code));
        self.wait("restored", |it| !it.alternate_screen() && !it.hide_cursor());
        assert!(self.has_line_mode(), "the terminal is raw");
        self.parser.screen().contents()
    }
}

#[test]
fn top_is_driven_by_keys_and_restores_the_terminal() {
    let server = Server::start(stream(&lines(), 30.0));
    let mut top = Session::start(&server.command(&TOP));
    top.wait_for("failed 1  missing 2");
    top.wait_for("orders ");
    assert!(top.parser.screen().alternate_screen() && top.parser.screen().hide_cursor());
    assert!(!top.has_line_mode(), "keys are read one by one");
    top.press("s");
    top.wait_for("order: bytes");
    top.press("x");
    top.wait_for("order: missing");
    top.press("/REF");
    top.wait_for("filter: REF_");
    top.wait_without("orders ");
    top.press("\r");
    top.wait_for("Enter instances");
    top.press("\r");
    top.wait_for("instances of refunds");
    top.wait_for("r-1 ");
    top.resize(40, 120);
    top.wait_for("LAG P50");
    top.press("\u{1b}");
    top.wait_for("filter: REF");
    top.press("\u{1b}");
    top.wait_for("orders ");
    top.press(" ");
    top.wait_for("paused");
    top.press("?");
    top.wait_for("numbers that have not arrived");
    top.press("?");
    top.wait_without("numbers that have not arrived");
    top.press("q");
    let left = top.ends_with(0);
    assert_eq!(left.trim(), "");
}

#[test]
fn a_signal_and_ctrl_c_restore_the_terminal() {
    let server = Server::start(stream(&lines(), 30.0));
    let end: [fn(&mut Session); 3] = [
        |top| top.signal(Signal::SIGTERM),
        |top| top.signal(Signal::SIGHUP),
        |top| top.press("\u{3}"),
    ];
    for end in end {
        let mut top = Session::start(&server.command(&TOP));
        top.wait_for("orders ");
        end(&mut top);
        top.ends_with(0);
    }
}

#[test]
fn a_dumb_terminal_gets_tables() {
    let server = Server::start(stream(&lines(), 30.0));
    let program = [&TOP[..], &["--count", "1"]].concat();
    let mut top = Session::start(server.command(&program).env("TERM", "dumb"));
    top.wait_for("orders ");
    assert!(!top.parser.screen().alternate_screen());
    assert!(top.ends_with(0).contains("FUNCTION"));
}

#[test]
fn an_error_is_shown_after_the_terminal_is_restored() {
    let has_expired = std::sync::Arc::new(AtomicBool::new(false));
    let (expired, answer) = (has_expired.clone(), stream(&lines(), 30.0));
    let server = Server::start(move |call| {
        if call.operation == "GetRecords" && expired.load(Ordering::Relaxed) {
            return refused("ExpiredTokenException", "The security token is expired");
        }
        answer(call)
    });
    let mut top = Session::start(&server.command(&TOP));
    top.wait_for("orders ");
    has_expired.store(true, Ordering::Relaxed);
    top.wait_for("error: ");
    let shown = top.ends_with(2);
    assert!(shown.contains("error: ") && !shown.contains("FUNCTION"), "{shown}");
}

#[test]
fn a_hostile_name_does_not_control_the_terminal() {
    let name = "a\u{1b}[2J\u{9b}31m\u{202e}b\u{1b}]0;owned\u{7}";
    let record = crate::top::line(name, name, 1, "function", &serde_json::json!("x"));
    let server = Server::start(stream(&record, 1.0));
    let mut top = Session::start(server.command(&TOP).env("NO_COLOR", "1"));
    // The parser omits U+FFFD.
    top.wait_for("a[2J31mb]");
    top.press("\r");
    top.wait_for("instances of a[2J31mb]0;owned");
    top.press("q");
    top.wait("restored", |screen| !screen.alternate_screen());
    let written = String::from_utf8(std::mem::take(&mut top.written)).unwrap();
    assert!(written.contains("a\u{fffd}[2J\u{fffd}31m\u{fffd}b\u{fffd}]0;owned\u{fffd}"));
    assert!(!written.contains(['\u{9b}', '\u{202e}', '\u{7}']) && !written.contains("\u{1b}]"));
    assert!(!written.contains("\u{1b}[31m"), "colours are off");
    top.ends_with(0);
}

#[test]
fn doctor_shows_the_running_checks() {
    let server = account();
    let mut program = server.command(&["doctor"]);
    program.env("AWS_ENDPOINT_URL_LAMBDA", silent());
    let mut doctor = Session::start(&program);
    doctor.wait_for("checking layers, function tester");
    doctor.wait_for("checks could not be made");
    let screen = doctor.ends_with(1);
    assert!(!screen.contains("checking "), "{screen}");
}
