//! What documents repeat, held against where it is said.

use std::fs;

use crate::support::workspace;

#[test]
fn documents_name_only_tests_and_modules_that_exist() {
    let sources = ["extension/src", "extension/tests", "sandbox", "cli", "xtask", "consumers"];
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
    let in_docs = [
        "docs/consuming.md",
        "docs/deploying.md",
        "docs/generator.md",
        "docs/operating.md",
        "docs/reference.md",
    ];
    for document in ["README.md", "ARCHITECTURE.md"].into_iter().chain(in_docs) {
        let text = fs::read_to_string(workspace::root().join(document)).unwrap();
        // A test's name is a sentence: several underscores, in backquotes.
        let names = text.split('`').skip(1).step_by(2).filter(|word| {
            word.matches('_').count() >= 3
                && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        });
        for name in names {
            assert!(
                ["fn", "def"].iter().any(|word| code.contains(&format!("{word} {name}("))),
                "{document} names {name}, which is no test"
            );
        }
    }
}
