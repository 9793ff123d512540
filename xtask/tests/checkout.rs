//! The checkout that a command works on: the one in which it runs, wherever the program was built.
//!
//! The cargo of these tests is a shell script that writes down where it was started.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod stub;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use stub::{path_with, script};

const CARGO: &str = "#!/bin/sh\npwd -P > \"$LOG\"\nexit 1\n";

/// A copied workspace, of which only the manifests matter here, and a folder outside of it.
struct Place {
    folder: tempfile::TempDir,
    copy: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().canonicalize().unwrap().join("copy");
        let original = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").unwrap());
        fs::create_dir_all(copy.join("xtask/src")).unwrap();
        fs::create_dir_all(copy.join("infra-cdk/lib")).unwrap();
        fs::copy(original.join("Cargo.toml"), copy.join("xtask/Cargo.toml")).unwrap();
        fs::copy(original.join("../Cargo.toml"), copy.join("Cargo.toml")).unwrap();
        Self { folder, copy }
    }

    fn run(&self, at: &Path, package: Option<&Path>) -> Output {
        let bin = self.folder.path().join("bin");
        fs::create_dir_all(&bin).unwrap();
        script(&bin, "node", "#!/bin/sh\necho v20.0.0\n");
        script(&bin, "npm", "#!/bin/sh\necho 10.0.0\n");
        let mut xtask = Command::new(env!("CARGO_BIN_EXE_xtask"));
        xtask.arg("demo").current_dir(at).env("PATH", path_with(&bin));
        xtask.env("CARGO", script(&bin, "cargo", CARGO)).env("LOG", self.log());
        match package {
            Some(package) => xtask.env("CARGO_MANIFEST_DIR", package),
            None => xtask.env_remove("CARGO_MANIFEST_DIR"),
        };
        xtask.output().unwrap()
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Asserts that a run at this place works on the copy.
    fn works_on_the_copy(&self, at: &Path, package: Option<&Path>) {
        let output = self.run(at, package);
        let root = fs::read_to_string(self.log()).unwrap_or_else(|_| panic!("{output:?}"));
        assert_eq!(Path::new(root.trim()), self.copy, "at {}", at.display());
        fs::remove_file(self.log()).unwrap();
    }
}

#[test]
fn a_copied_checkout_is_found_from_its_root_and_from_a_subfolder() {
    let place = Place::new();
    for at in ["", "infra-cdk/lib", "xtask/src"] {
        place.works_on_the_copy(&place.copy.join(at), None);
    }
}

#[test]
fn the_checkout_of_which_cargo_runs_the_package_comes_first() {
    let place = Place::new();
    place.works_on_the_copy(place.folder.path(), Some(&place.copy.join("xtask")));
}

#[test]
fn a_package_of_another_project_does_not_count() {
    let place = Place::new();
    let other = place.folder.path().join("other");
    fs::create_dir_all(&other).unwrap();
    fs::write(other.join("Cargo.toml"), "[workspace]\nmembers = [\"package\"]\n").unwrap();
    place.works_on_the_copy(&place.copy.join("infra-cdk"), Some(&other.join("package")));
}

#[test]
fn outside_of_every_checkout_the_error_says_where_to_run_it() {
    let place = Place::new();
    let output = place.run(place.folder.path(), None);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let error = String::from_utf8(output.stderr).unwrap();
    let folder = place.folder.path().canonicalize().unwrap();
    let words = format!("error: {} is not within a checkout of this project (", folder.display());
    assert!(error.starts_with(&words), "{error}");
    assert!(error.ends_with("change into one, and run cargo xtask there\n"), "{error}");
    assert!(!place.log().exists(), "nothing was started");
}

#[test]
fn commands_that_publish_need_no_checkout() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in
        [&["release", "--check", "."][..], &["unpublished", "npm", ".", "--into", "none"]]
    {
        let mut xtask = Command::new(env!("CARGO_BIN_EXE_xtask"));
        xtask.args(arguments).current_dir(folder.path()).env_remove("CARGO_MANIFEST_DIR");
        let output = xtask.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("checkout"), "{arguments:?}: {said}");
    }
}
