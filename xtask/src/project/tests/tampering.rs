//! Tests of generated files that a person edits or deletes, or that are left over.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::copy::{Copy, run};
use crate::project::MANIFEST;

/// Returns the generated files that the manifest lists.
fn files(copy: &Copy) -> Vec<String> {
    let manifest = copy.get(MANIFEST).unwrap();
    let entries = manifest.lines().filter(|line| !line.contains('#'));
    entries.map(str::to_owned).collect()
}

const FRESH: (bool, &str) = (true, "");

fn said((good, text): &(bool, String)) -> (bool, &str) {
    (*good, text)
}

#[test]
fn every_file_that_is_edited_is_reported_with_its_source_and_restored() {
    let copy = Copy::new();
    assert_eq!(said(&copy.check()), FRESH);
    for path in files(&copy) {
        let text = copy.get(&path).unwrap();
        copy.put(&path, &format!("{text}mine\n"));
        let (good, report) = copy.check();
        assert!(!good, "{path}");
        let headline = format!("{path} differs from its description (to change it, edit ");
        assert!(report.starts_with(&headline), "{report}");
        let source = report[headline.len()..].split([',', ')']).next().unwrap();
        assert!(copy.root().join(source).is_file(), "{path} names {source}");
        assert!(report.contains("\n  -mine\n"), "{report}");
        assert!(report.ends_with("run: cargo xtask synth\n"), "{report}");
        let (_, summary) = copy.synth();
        assert!(summary.contains(&format!("wrote {path}\n")), "{summary}");
        assert_eq!(copy.get(&path).unwrap(), text);
    }
    assert_eq!(said(&copy.check()), FRESH);
}

#[test]
fn every_file_that_is_deleted_is_reported_and_comes_back_read_only() {
    let copy = Copy::new();
    for path in files(&copy) {
        let text = copy.get(&path);
        fs::remove_file(copy.root().join(&path)).unwrap();
        let (good, report) = copy.check();
        assert!(!good && report.contains(&format!("{path} is missing (described in ")), "{report}");
        copy.synth();
        assert_eq!(copy.get(&path), text);
        assert!(fs::metadata(copy.root().join(&path)).unwrap().permissions().readonly(), "{path}");
    }
}

#[test]
fn a_region_that_is_edited_is_restored_and_the_prose_around_it_stays() {
    let copy = Copy::new();
    let page = copy.get("docs/settings.md").unwrap();
    let edited = page.replace("| `STREAM` |", "| `RIVER` |").replace("# Settings", "# My settings");
    copy.put("docs/settings.md", &edited);
    let (_, report) = copy.check();
    assert!(report.contains("\n  -| `RIVER` |") && !report.contains("My settings"), "{report}");
    copy.synth();
    let restored = copy.get("docs/settings.md").unwrap();
    assert_eq!(restored, page.replace("# Settings", "# My settings"));
}

#[test]
fn a_file_that_is_left_over_is_reported_and_deleted() {
    let copy = Copy::new();
    let workflow = copy.get(".github/workflows/ci.yml").unwrap();
    copy.put(".github/workflows/old.yml", &workflow);
    copy.put(MANIFEST, &(copy.get(MANIFEST).unwrap() + ".github/workflows/old.yml\n"));
    let (good, report) = copy.check();
    let words = ".github/workflows/old.yml is left over: nothing describes it any more\n";
    assert!(!good && report.contains(words), "{report}");
    copy.synth();
    assert_eq!(copy.get(".github/workflows/old.yml"), None);
    assert_eq!(said(&copy.check()), FRESH);
}

#[test]
fn a_second_run_has_nothing_to_do() {
    let copy = Copy::new();
    copy.synth();
    let (good, summary) = copy.synth();
    assert!(good && summary.ends_with(" files are as described; nothing to do\n"), "{summary}");
}

#[test]
fn a_document_without_the_fences_is_an_error_that_says_where_they_belong() {
    let copy = Copy::new();
    copy.put("docs/settings.md", "# My own words\n");
    let (good, error) = copy.synth();
    assert!(!good && error.starts_with("error: nothing was changed:\n"), "{error}");
    let words = "docs/settings.md: it has no line <!-- region:parameters -->; put the lines <!-- region:parameters --> and \
                 <!-- endregion:parameters --> where the text of extension/spec/src/params.rs, ";
    assert!(error.contains(words), "{error}");
    assert_eq!(copy.get("docs/settings.md").unwrap(), "# My own words\n");
}

fn git(folder: &Path, arguments: &[&str]) {
    let mut git = Command::new("git");
    // The settings of this machine do not matter.
    git.args([
        "-c",
        "user.name=test",
        "-c",
        "user.email=test@example.com",
        "-c",
        "commit.gpgsign=false",
    ]);
    let output = git.args(arguments).current_dir(folder).output().unwrap();
    assert!(
        output.status.success(),
        "git {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn a_fresh_clone_is_fresh_and_ignores_nothing_that_is_generated() {
    let copy = Copy::new();
    git(copy.root(), &["init", "--quiet"]);
    git(copy.root(), &["add", "--all"]);
    git(copy.root(), &["commit", "--quiet", "--no-verify", "--message", "all"]);
    let clones = tempfile::tempdir().unwrap();
    let clone = clones.path().join("clone");
    git(clones.path(), &["clone", "--quiet", copy.root().to_str().unwrap(), "clone"]);
    assert_eq!(said(&run(&clone, true)), FRESH);
    let (good, summary) = run(&clone, false);
    assert!(good && summary.ends_with("nothing to do\n"), "{summary}");
    git(&clone, &["diff", "--exit-code"]);
}

#[test]
fn a_subfolder_is_as_good_as_the_root() {
    let mut xtask = Command::new(env!("CARGO"));
    xtask.args(["run", "--quiet", "--locked", "--package", "xtask", "--", "synth", "--check"]);
    let output = xtask
        .current_dir(crate::support::workspace::root().join("infra-cdk/lib"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
}
