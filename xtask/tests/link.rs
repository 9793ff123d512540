//! The program as rustc's linker. The linker behind it is a shell script here.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[allow(dead_code, reason = "other tests use all of it")]
mod stub;

use std::fs;
use std::process::Command;

use stub::script;

/// Notes its arguments, and writes a map where it is asked for one.
const LINKER: &str = r#"#!/bin/sh
echo "$*" >> "$DIR/calls"
for argument; do
  case "$argument" in
  -Map=*) printf ' 1 1 5a 1 a.o:(.text)\n 1 1 5a 1 late\n 1 1 5a 1 early\n' > "${argument#-Map=}" ;;
  esac
done
"#;

#[test]
fn the_second_link_gets_the_symbols_of_the_first_in_the_lists_order() {
    let dir = tempfile::tempdir().unwrap();
    let (list, first_link) = (dir.path().join("list"), dir.path().join("first-link/program"));
    fs::write(&list, "# By hand.\nearly\ngone\nlate\n").unwrap();
    script(dir.path(), "linker", LINKER);
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["-flavor", "gnu", "a.o", "-o", "program", "--strip-all"])
        .env("DIR", dir.path())
        .env("XTASK_LINKER", dir.path().join("linker"))
        .env("XTASK_LINK_LIST", &list)
        .env("XTASK_FIRST_LINK", &first_link)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(fs::read_to_string(first_link.with_extension("order")).unwrap(), "early\nlate\n");
    let calls = fs::read_to_string(dir.path().join("calls")).unwrap();
    let [first, second] = calls.lines().collect::<Vec<_>>().try_into().unwrap();
    assert!(first.starts_with("-flavor gnu a.o -o program -o ") && !first.contains("strip"));
    assert!(second.starts_with("-flavor gnu a.o -o program --strip-all --symbol-ordering-file="));
}

#[test]
fn a_link_that_no_build_prepared_says_what_does() {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["-flavor", "gnu"])
        .env_remove("XTASK_LINKER")
        .output()
        .unwrap();
    assert!(!output.status.success());
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("XTASK_LINKER") && error.contains("cargo xtask build"), "{error}");
}
