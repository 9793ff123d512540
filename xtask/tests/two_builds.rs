//! Two builds at a time: both succeed, and what they install is installed once. The programs of this test are shell scripts.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod stub;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use stub::{path_with, script};

const CARGO: &str = r#"#!/bin/sh
case "$1" in
metadata)
  echo "{\"target_directory\":\"$DIR/$CHECKOUT\",\"packages\":[],\"workspace_members\":[],\"resolve\":{\"nodes\":[]}}"
  ;;
esac
"#;
const RUSTC: &str = r#"#!/bin/sh
case "$*" in
*target-libdir*) for last; do :; done; echo "$DIR/libraries/$last" ;;
*) echo "$DIR" ;;
esac
"#;
/// A rustup that fails if two of them install the same target.
const RUSTUP: &str = r#"#!/bin/sh
mkdir "$DIR/busy" || { echo "could not rename component file" >&2; exit 1; }
sleep 0.2
mkdir -p "$DIR/libraries/$3"
echo "$3" >> "$DIR/added"
rmdir "$DIR/busy"
"#;
const PYTHON: &str = r#"#!/bin/sh
case "$*" in
--version) echo "Python 3.11.0" ;;
*venv*)
  for last; do :; done
  mkdir -p "$last/bin"
  cp "$0" "$last/bin/python3"
  cp "$0" "$last/bin/pip"
  cp "$0" "$last/bin/cargo-zigbuild"
  ;;
esac
"#;

fn build(dir: &Path, checkout: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["build"])
        .env("CARGO", dir.join("bin/cargo"))
        .env("PATH", path_with(&dir.join("bin")))
        .env("RUSTUP_HOME", dir.join("rustup"))
        .env("DIR", dir)
        .env("CHECKOUT", checkout)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn two_builds_at_a_time_add_each_target_once_and_both_succeed() {
    // Of one checkout, which share the folder `target`, and of two, which share rustup alone.
    for checkouts in [["one", "one"], ["one", "two"]] {
        let dir = tempfile::tempdir().unwrap();
        let bin = dir.path().join("bin");
        fs::create_dir(&bin).unwrap();
        for (name, text) in
            [("cargo", CARGO), ("rustc", RUSTC), ("rustup", RUSTUP), ("python3", PYTHON)]
        {
            script(&bin, name, text);
        }
        // rustc's own programs are next to its folder of libraries.
        let own = dir.path().join("libraries/bin");
        fs::create_dir_all(&own).unwrap();
        for name in ["rust-lld", "rust-objcopy"] {
            script(&own, name, "#!/bin/sh\n");
        }
        for build in checkouts.map(|checkout| build(dir.path(), checkout)) {
            let output = build.wait_with_output().unwrap();
            assert!(output.status.success(), "{output:?}");
        }
        let added = fs::read_to_string(dir.path().join("added")).unwrap();
        let mut added: Vec<&str> = added.lines().collect();
        added.sort_unstable();
        assert_eq!(added, ["aarch64-unknown-linux-musl", "x86_64-unknown-linux-musl"]);
    }
}
