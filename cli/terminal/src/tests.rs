use std::io::{self, ErrorKind, Write};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use super::{StatusLine, has_colors};

/// A writer that keeps what is written to it.
#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Screen {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A pipe whose reader is gone.
struct Broken;

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(ErrorKind::BrokenPipe.into())
    }
}

/// Returns the output of a command that uses every method.
fn written(is_live: bool) -> String {
    let screen = Screen::default();
    let line = StatusLine::new(screen.clone(), is_live);
    line.set("building");
    line.report("1 of 2");
    line.report("1 of 2");
    line.print("a warning");
    line.report("2 of 2");
    line.clear();
    line.print("done");
    drop(line);
    screen.text()
}

#[test]
fn output_is_plain_when_it_is_not_a_terminal() {
    assert!(!has_colors(false, |_| None));
    assert_eq!(written(false), "1 of 2\na warning\n2 of 2\ndone\n");
}

#[test]
fn a_status_line_is_overwritten_in_place() {
    assert!(has_colors(true, |_| None));
    let expected = "building|1 of 2|a warning\n1 of 2|2 of 2||done\n";
    assert_eq!(written(true).trim_start_matches(super::ERASE).replace(super::ERASE, "|"), expected);
}

#[test]
fn no_color_is_respected() {
    let with = |name: &'static str, value: &'static str| {
        has_colors(true, move |asked| (asked == name).then(|| value.into()))
    };
    assert!(!with("NO_COLOR", "1"));
    assert!(with("NO_COLOR", ""), "an empty value does not count");
    assert!(!with("TERM", "dumb"));
    assert!(with("TERM", "xterm-256color"));
}

#[test]
fn dropping_a_status_line_erases_it() {
    let screen = Screen::default();
    StatusLine::new(screen.clone(), true).set("1 of 2");
    assert!(screen.text().ends_with(super::ERASE), "{:?}", screen.text());
}

#[test]
fn a_broken_pipe_is_not_an_error() {
    for is_live in [false, true] {
        let line = StatusLine::new(Broken, is_live);
        line.report("1 of 2");
        line.print("a warning");
        line.clear();
    }
}

/// The variable that is set in the process that [`a_closed_stderr_is_not_an_error`] starts.
const CLOSED: &str = "TEST_WITH_CLOSED_STDERR";

#[test]
fn a_closed_stderr_is_not_an_error() {
    if std::env::var_os(CLOSED).is_some() {
        super::note("a warning");
        StatusLine::default().report("1 of 2");
        return;
    }
    // The shell closes stderr; this test runs again in it.
    let exit = Command::new("sh")
        .args([
            "-c",
            r#"exec "$0" --exact tests::a_closed_stderr_is_not_an_error --nocapture 2>&-"#,
        ])
        .arg(std::env::current_exe().unwrap())
        .env(CLOSED, "1")
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(exit.success(), "{exit}");
}
