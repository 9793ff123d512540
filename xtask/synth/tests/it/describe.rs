//! What a description may not say, and what may not stand in its way.

use xtask_synth::Comments;

use crate::folder::{Folder, of, project};

const HERE: &str = "(described in xtask/synth/tests/it/folder.rs)";

#[test]
fn two_files_at_one_path_are_refused() {
    let folder = Folder::new();
    let refusal = folder.refusal(&of(&["a", "a"]));
    assert!(refusal.contains("a: it is described twice; keep one of the two"), "{refusal}");
    assert!(refusal.ends_with(HERE), "{refusal}");
    assert_eq!(folder.get("a"), None, "nothing was changed");
}

#[test]
fn two_paths_that_are_one_where_capitals_do_not_count_are_refused() {
    let refusal = Folder::new().refusal(&of(&["README", "readme"]));
    assert!(refusal.contains("it is the same file as README"), "{refusal}");
}

#[test]
fn a_file_cannot_be_another_ones_folder() {
    for paths in [["a", "a/b"], ["a/b", "a"]] {
        let refusal = Folder::new().refusal(&of(&paths));
        assert!(refusal.contains("cannot both be: one would be a folder"), "{refusal}");
    }
}

#[test]
fn a_path_that_leads_outside_is_refused_in_every_kind_of_file() {
    let mut project = of(&["../a"]);
    project.json("/etc/passwd", &1).facts_from("b.rs");
    project.listing("a/./b", Comments::HASH, |_| String::new());
    project.region(".git/config", "x", "");
    let refusal = Folder::new().refusal(&project);
    assert_eq!(refusal.lines().count(), 5, "all of them together: {refusal}");
    for path in ["../a", "/etc/passwd", "a/./b", ".git/config"] {
        assert!(
            refusal.contains(&format!("{path:?} is no path for a generated file")),
            "{refusal}"
        );
    }
}

#[test]
fn the_manifest_is_a_path_like_any_other() {
    let refusal = Folder::new().refusal(&of(&["generated.txt"]));
    assert!(refusal.contains("generated.txt: it is described twice"), "{refusal}");
    let project = xtask_synth::Project::new("make files", "../list");
    assert!(Folder::new().refusal(&project).contains("\"../list\" is no path"));
}

#[test]
fn a_value_without_a_place_for_the_marker_is_refused() {
    let mut project = project();
    project.json("list.json", &[1, 2]);
    let refusal = Folder::new().refusal(&project);
    assert!(refusal.contains("list.json: it is not a JSON object"), "{refusal}");
    assert!(refusal.ends_with("(described in xtask/synth/tests/it/describe.rs)"), "{refusal}");
}

#[test]
fn a_value_that_the_format_cannot_hold_is_refused() {
    let mut project = project();
    project.toml("a.toml", &"a document is a table");
    assert!(Folder::new().refusal(&project).contains("a.toml: "));
}

#[test]
#[cfg(unix)]
fn symbolic_links_are_not_followed() {
    use std::os::unix::fs::symlink;
    let (folder, elsewhere) = (Folder::new(), Folder::new());
    elsewhere.put("b", "not ours");
    symlink(elsewhere.path(), folder.path().join("a")).unwrap();
    symlink(elsewhere.path().join("b"), folder.path().join("c")).unwrap();
    let refusal = folder.refusal(&of(&["a/b", "c"]));
    assert!(refusal.contains("a/b: a is a symbolic link"), "{refusal}");
    assert!(refusal.contains("c: c is a symbolic link"), "{refusal}");
    assert_eq!(elsewhere.get("b").unwrap(), "not ours");
}

#[test]
fn a_folder_in_a_files_place_and_a_file_in_a_folders_are_named() {
    let folder = Folder::new();
    folder.put("a/x", "");
    folder.put("b", "");
    let refusal = folder.refusal(&of(&["a", "b/c"]));
    assert!(refusal.contains("a: it is not a file; move a away"), "{refusal}");
    assert!(refusal.contains("b/c: b is not a folder; move b away"), "{refusal}");
}
