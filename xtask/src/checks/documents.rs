//! Checks that documents agree with the code that they describe.

use std::collections::BTreeSet;
use std::fs;
use std::iter;
use std::path::{Path, PathBuf};

use crate::project::links::anchor;
use crate::support::workspace;

/// The text of every Rust and Python source.
fn code() -> String {
    let sources =
        ["extension/src", "extension/tests", "sandbox", "cli", "xtask", "consumers", "report"];
    let mut code = String::new();
    let mut folders: Vec<_> = sources.iter().map(|it| workspace::root().join(it)).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs" || kind == "py") {
                code.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }
    code
}

/// True if a function of this name is defined.
fn is_defined(code: &str, name: &str) -> bool {
    ["fn", "def"].iter().any(|word| code.contains(&format!("{word} {name}(")))
}

/// Returns the documents about the code, by name, with their text.
fn documents() -> impl Iterator<Item = (&'static str, String)> {
    let documents = [
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "docs/consuming.md",
        "docs/cost.md",
        "docs/deploying.md",
        "docs/flushing.md",
        "docs/function-order.md",
        "docs/generator.md",
        "docs/guarantees.md",
        "docs/lifecycle.md",
        "docs/operating.md",
        "docs/performance.md",
        "docs/reference.md",
        "docs/upgrading.md",
        "docs/verification.md",
    ];
    documents
        .into_iter()
        .map(|document| (document, fs::read_to_string(workspace::root().join(document)).unwrap()))
}

fn in_backquotes(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn documents_name_only_tests_that_exist() {
    let code = code();
    for (document, text) in documents() {
        // A test's name is a sentence: several underscores, in backquotes.
        let names = in_backquotes(&text).filter(|word| {
            word.matches('_').count() >= 3
                && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        });
        for name in names {
            assert!(is_defined(&code, name), "{document} names {name}, which is no test");
        }
    }
}

#[test]
fn documents_name_only_source_files_that_exist() {
    // A layer's file may be named as seen from the extension's sources.
    let roots = ["", "extension/src"].map(|it| workspace::root().join(it));
    let mut found = 0;
    for (document, text) in documents() {
        let paths = in_backquotes(&text).filter(|word| {
            let is_source = [".rs", ".ts", ".py"].iter().any(|kind| word.ends_with(kind));
            is_source && word.contains('/') && !word.contains(['<', '*', '{', ' ', ':'])
        });
        for path in paths {
            assert!(
                roots.iter().any(|root| root.join(path).is_file()),
                "{document} names {path}, which is no file"
            );
            found += 1;
        }
    }
    assert!(found > 30, "{found} paths");
}

#[test]
fn renamed_tests_are_there_under_their_new_names() {
    let code = code();
    let list = include_str!("renamed_tests.txt").lines().filter(|line| !line.starts_with('#'));
    for line in list {
        let (old, new) = line.split_once(' ').expect("an old name and a new one");
        assert!(is_defined(&code, new), "{new}, which was {old}, is no test");
        assert!(!is_defined(&code, old), "{old} is still there");
    }
}

/// Returns every heading of a document, without its number signs.
fn headings(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter_map(move |line| {
        is_code ^= line.trim_start().starts_with("```");
        let heading = line.trim_start_matches('#');
        (!is_code && heading.len() < line.len()).then(|| heading.strip_prefix(' ')).flatten()
    })
}

/// Returns the anchors of a document. GitHub numbers those of equal headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for heading in headings(text) {
        let first = anchor(heading.trim());
        let numbered = (1..).map(|n| format!("{first}-{n}"));
        let free = iter::once(first.clone()).chain(numbered).find(|it| !anchors.contains(it));
        anchors.extend(free);
    }
    anchors
}

/// Returns where the links of a document lead, except for addresses on the web.
fn relative_links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    targets.filter(|it| !it.contains("://") && !it.starts_with("mailto:"))
}

/// Returns the links of a document that lead to no file or to no heading. `path` is that of the document in the repository.
fn broken_links<'a>(path: &Path, text: &'a str) -> Vec<&'a str> {
    let is_broken = |link: &&str| {
        let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
        if file.is_empty() {
            return !anchors(text).contains(anchor);
        }
        let target = workspace::root().join(path.with_file_name(file));
        let is_document = target.extension().is_some_and(|it| it == "md");
        if anchor.is_empty() || !is_document {
            return !target.exists();
        }
        fs::read_to_string(target).map_or(true, |it| !anchors(&it).contains(anchor))
    };
    relative_links(text).filter(is_broken).collect()
}

#[test]
fn links_in_documents_lead_to_files_and_headings() {
    let folder = fs::read_dir(workspace::root().join("docs")).unwrap();
    let docs = folder.map(|it| Path::new("docs").join(it.unwrap().file_name()));
    let others = [
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "cdk/README.md",
        "cli/README.md",
        "consumers/node/README.md",
        "consumers/python/README.md",
        "consumers/rust/README.md",
        "sandbox/README.md",
    ];
    let paths = docs.filter(|it| it.extension().is_some_and(|kind| kind == "md"));
    let mut found = 0;
    for path in paths.chain(others.map(PathBuf::from)) {
        let text = fs::read_to_string(workspace::root().join(&path)).unwrap();
        assert_eq!(broken_links(&path, &text), Vec::<&str>::new(), "{}", path.display());
        found += relative_links(&text).count();
    }
    assert!(found > 50, "{found} links");
}

#[test]
fn a_broken_link_is_found() {
    let text = "## One: `two`\n```sh\n# code\n```\n## One two\n[](#one-two) [](#one-two-1) [](#code)\n\
        [](deploying.md) [](deploying.md#alarms) [](deploying.md#sirens) [](nowhere.md#one) [](nowhere.rs)\n\
        [](../Cargo.toml) [](https://example.com/nowhere#one)";
    let broken = ["#code", "deploying.md#sirens", "nowhere.md#one", "nowhere.rs"];
    assert_eq!(broken_links(Path::new("docs/operating.md"), text), broken);
}
