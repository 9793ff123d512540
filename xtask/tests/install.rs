//! Tests the message for a machine on which npm cannot install the emulator. The programs of this test are shell
//! scripts.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod stub;

use std::fs;
use std::path::Path;
use std::process::Command;

use stub::{path_with, script};

/// A cargo that has built everything, into the folder of the test.
const CARGO: &str = r#"#!/bin/sh
case "$1" in
metadata) echo "{\"target_directory\":\"$TARGET\"}" ;;
esac
"#;
const NPM: &str = r#"#!/bin/sh
case "$1" in
ci) echo 'npm error code ENOTFOUND' >&2; exit 1 ;;
*) echo 10.0.0 ;;
esac
"#;

#[test]
fn where_npm_fails_the_error_is_one_line_and_npms_own_words_are_in_a_file() {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("install");
    fs::create_dir_all(&dir).unwrap();
    script(&dir, "node", "#!/bin/sh\necho v20.0.0\n");
    script(&dir, "npm", NPM);
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("demo")
        .env("CARGO", script(&dir, "cargo", CARGO))
        .env("TARGET", &dir)
        .env("PATH", path_with(&dir))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    let log = dir.join("npm.log");
    let error = format!(
        "error: npm could not install the emulator; check the network or npm's proxy settings \
         (npm's own words: {})\n",
        log.display()
    );
    assert!(text.ends_with(&error), "{text}");
    assert_eq!(fs::read_to_string(log).unwrap(), "npm error code ENOTFOUND\n");
}
