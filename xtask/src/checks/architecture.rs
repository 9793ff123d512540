//! ARCHITECTURE.md's invariants about modules, as tests over the source.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::workspace;

/// Modules of the extension that are pure: values in, values out.
const PURE: [&str; 16] = [
    "attribution",
    "backoff",
    "breaker",
    "deadline",
    "event",
    "flush",
    "intake",
    "keys",
    "ledger",
    "level",
    "lifecycle",
    "metrics",
    "pack",
    "ranges",
    "sink",
    "stats",
];
/// What a pure module does without.
const IMPURE: [&str; 6] =
    ["tokio", "std::net", "std::env", "std::fs", "Instant::now", "SystemTime::now"];

/// The files of a crate's modules with their text, tests left out; each under its top module.
fn modules(package: &str) -> BTreeMap<String, Vec<(PathBuf, String)>> {
    let src = workspace::root().join(package).join("src");
    let mut modules: BTreeMap<String, Vec<_>> = BTreeMap::new();
    let mut folders = vec![src.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.extend((path.file_name().unwrap() != "tests").then_some(path));
            } else if path.file_name().is_some_and(|name| name != "tests.rs") {
                let text = fs::read_to_string(&path).unwrap();
                let text = text.split("#[cfg(test)]").next().unwrap().to_owned();
                modules.entry(top(&src, &path)).or_default().push((path, text));
            }
        }
    }
    modules
}

/// `lambda` for `lambda.rs` and for `lambda/telemetry.rs`.
fn top(src: &Path, path: &Path) -> String {
    let inner = path.strip_prefix(src).unwrap().with_extension("");
    inner.components().next().unwrap().as_os_str().to_string_lossy().into_owned()
}

/// Top modules of the crate that this text names.
fn named(text: &str) -> BTreeSet<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = code.collect::<Vec<_>>().join(" ");
    let word = |text: &str| {
        let part_of_name = |c: &char| c.is_ascii_lowercase() || *c == '_';
        text.trim_start().chars().take_while(part_of_name).collect::<String>()
    };
    let names = code.split("crate::").skip(1).flat_map(|rest| match rest.strip_prefix('{') {
        // `crate::{a, b::{c, d}, e}` names a, b and e.
        Some(group) => outer_items(group).iter().map(|item| word(item)).collect(),
        None => vec![word(rest)],
    });
    names.filter(|name| !name.is_empty()).collect()
}

/// What stands between the commas of a group, up to its closing brace; inner groups are left out.
fn outer_items(group: &str) -> Vec<String> {
    let mut depth = 0;
    let mut items = vec![String::new()];
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => items.push(String::new()),
            c if depth == 0 => items.last_mut().unwrap().push(c),
            _ => {}
        }
    }
    items
}

#[test]
fn modules_are_found_in_every_form_of_import() {
    let text = "use crate::a;\nuse crate::{b, c::{d, e}, f};\nlet x = crate::g::h();\n// crate::i";
    let names: Vec<String> = named(text).into_iter().collect();
    assert_eq!(names, ["a", "b", "c", "f", "g"]);
}

/// Fails if modules of this crate depend on each other in a circle.
fn has_no_circle(package: &str) {
    let modules = modules(package);
    let mut arrows: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (module, files) in
        modules.iter().filter(|(module, _)| !["lib", "main"].contains(&module.as_str()))
    {
        let named = files.iter().flat_map(|(_, text)| named(text));
        arrows.insert(
            module,
            named.filter(|name| name != module && modules.contains_key(name)).collect(),
        );
    }
    // Takes away modules that depend on none of the rest; what cannot be taken away is a circle.
    while let Some(leaf) = arrows.iter().find_map(|(module, to)| {
        to.iter().all(|to| !arrows.contains_key(to.as_str())).then_some(*module)
    }) {
        arrows.remove(leaf);
    }
    assert!(
        arrows.is_empty(),
        "modules of {package} depend on each other in a circle: {arrows:#?}"
    );
}

#[test]
fn modules_depend_on_each_other_without_circles() {
    for package in [
        "extension",
        "extension/spec",
        "extension/sandbox",
        "fuzz/checks",
        "xtask",
        "xtask/aws",
        "xtask/aws/cli",
        "xtask/bench",
        "xtask/stream",
        "xtask/synth",
    ] {
        has_no_circle(package);
    }
}

#[test]
fn pure_modules_stay_pure() {
    let modules = modules("extension");
    for module in PURE {
        for (path, text) in &modules[module] {
            let found = IMPURE.iter().find(|word| text.contains(**word));
            assert!(found.is_none(), "{} holds {}", path.display(), found.unwrap());
        }
    }
}

/// Files of the extension that hold this text, by top module.
fn holding(text: &str) -> BTreeSet<String> {
    let holds = |files: &Vec<(PathBuf, String)>| files.iter().any(|(_, it)| it.contains(text));
    modules("extension")
        .into_iter()
        .filter(|(_, files)| holds(files))
        .map(|(module, _)| module)
        .collect()
}

#[test]
fn only_the_loop_selects_only_the_clients_know_the_sdks_and_only_lambda_the_paths() {
    assert_eq!(holding("select!"), BTreeSet::from(["run".to_owned()]));
    assert_eq!(holding("aws_sdk_kinesis"), BTreeSet::from(["kinesis".to_owned()]));
    assert_eq!(holding("aws_sdk_sqs"), BTreeSet::from(["sqs".to_owned()]));
    assert_eq!(holding("/2020-01-01/"), BTreeSet::from(["lambda".to_owned()]));
    assert_eq!(holding("/2022-07-01/"), BTreeSet::from(["lambda".to_owned()]));
}
