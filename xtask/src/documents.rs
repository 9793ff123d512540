//! What documents repeat, held against where it is said.

use std::fmt::Write as _;
use std::fs;

use extension_spec::{Config, ENV_PREFIX, Kind, Param};

use crate::workspace;

/// The table of parameters in README.md.
fn parameters() -> String {
    let mut table =
        String::from("| variable | default | allowed | meaning |\n| --- | --- | --- | --- |\n");
    for param in Config::PARAMS {
        let Param { name, default, doc, .. } = param;
        let default = if default.is_empty() { "–".to_owned() } else { format!("`{default}`") };
        let allowed = allowed(param);
        writeln!(table, "| `{name}` | {default} | {allowed} | {} |", doc.join(" ")).unwrap();
    }
    table
}

fn allowed(param: &Param) -> String {
    let unit = match param.kind {
        Kind::Millis => " ms",
        Kind::Bytes => " bytes",
        Kind::Count => "",
        Kind::Flag => return "true, false".to_owned(),
        Kind::Choice(words) => return words.join(", "),
        Kind::Stream => return "name or ARN".to_owned(),
        Kind::Types => return "comma-separated".to_owned(),
    };
    param.range.map_or_else(String::new, |range| format!("{} to {}{unit}", range.min, range.max))
}

#[test]
fn the_readme_shows_every_parameter_as_it_is() {
    let readme = fs::read_to_string(workspace::root().join("README.md")).unwrap();
    let table = parameters();
    assert!(readme.contains(&table), "README.md should hold:\n{table}");
    assert!(readme.contains(&format!("`{ENV_PREFIX}`")));
}

#[test]
fn documents_name_only_tests_and_modules_that_exist() {
    let sources =
        ["extension/src", "extension/tests", "extension/sandbox", "xtask/src", "xtask/tests"];
    let mut code = String::new();
    let mut folders: Vec<_> = sources.iter().map(|it| workspace::root().join(it)).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                code.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }
    for document in ["README.md", "ARCHITECTURE.md"] {
        let text = fs::read_to_string(workspace::root().join(document)).unwrap();
        // A test's name is a sentence: several underscores, in backquotes.
        let names = text.split('`').skip(1).step_by(2).filter(|word| {
            word.matches('_').count() >= 3
                && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        });
        for name in names {
            assert!(
                code.contains(&format!("fn {name}(")),
                "{document} names {name}, which is no test"
            );
        }
    }
}
