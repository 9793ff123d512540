//! The pictures of terminals in docs/, made from the program's output.
//!
//! `UPDATE_EXPECT=1 cargo test -p kinesis-telemetry pictures` writes them.

use std::path::Path;

use anstyle_svg::Term;
use expect_test::expect_file;

use crate::doctor;
use crate::server::Server;
use crate::snapshots::invocation;

/// Number of columns of a picture, so that it is readable in a document.
const COLUMNS: &str = "128";

/// Compares a picture of what a command prints on stdout with the file in docs/.
pub(crate) fn shows(name: &str, server: &Server, typed: &str, command: &[&str]) {
    let arguments = [command, &["--color", "always"]].concat();
    let output = server.command(&arguments).env("COLUMNS", COLUMNS).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let printed = printed
        .replace(&format!("{} (region eu-central-1)", server.url()), "AWS in region eu-central-1");
    let term = Term::new().min_width_px(860);
    let picture =
        term.render_svg(&format!("\u{1b}[1m$ kinesis-telemetry {typed}\u{1b}[0m\n{printed}"));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../docs/{name}.svg"));
    expect_file![file].assert_eq(&picture);
}

#[test]
fn the_picture_of_tail_is_fresh() {
    let tail = ["tail", "--stream", "telemetry", "--since", "2026-01-01", "--seconds", "1"];
    shows("tail", &invocation(), "tail --since 5m", &tail);
}

#[test]
fn the_picture_of_doctor_is_fresh() {
    shows("doctor", &doctor::denied_to_write(), "doctor --function orders", &doctor::ORDERS);
}
