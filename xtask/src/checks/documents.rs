//! What documents repeat, held against where it is said.

use std::fs;

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

/// The documents that speak of the code, by name, with their text.
fn documents() -> impl Iterator<Item = (&'static str, String)> {
    let documents = [
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "SECURITY.md",
        "docs/consuming.md",
        "docs/cost.md",
        "docs/deploying.md",
        "docs/flushing.md",
        "docs/function-order.md",
        "docs/generator.md",
        "docs/lifecycle.md",
        "docs/operating.md",
        "docs/performance.md",
        "docs/reference.md",
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
