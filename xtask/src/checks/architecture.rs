//! ARCHITECTURE.md's invariants about modules, as tests over the source.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::support::workspace;

/// The modules of `extension/src`, layer by layer from the top. A module uses the layers below it, and no other module of its own
/// layer.
const EXTENSION: [&[&str]; 7] = [
    &["control"],
    &["ingest"],
    &["delivery", "report"],
    &["policy", "buffer"],
    &["pack"],
    &["event", "lambda"],
    &["base"],
];
/// The modules of `xtask/src`, in the same form.
const XTASK: [&[&str]; 5] = [&["commands"], &["checks"], &["project"], &["tools"], &["support"]];
/// Pure folders and modules: values in, values out. A module is listed if its folder also does I/O.
const PURE: [&str; 10] = [
    "buffer/ledger",
    "buffer/ranges",
    "buffer/stats",
    "event",
    "ingest/attribution",
    "ingest/intake",
    "ingest/selection",
    "pack",
    "policy",
    "report/metrics",
];
/// The crates and modules that a pure module must not use.
const IMPURE: [&str; 6] =
    ["tokio", "std::net", "std::env", "std::fs", "Instant::now", "SystemTime::now"];

/// The source files of a package, by their path below `src` without its ending, with their text; tests are left out.
fn sources(package: &str) -> BTreeMap<String, String> {
    let src = workspace::root().join(package).join("src");
    let mut sources = BTreeMap::new();
    let mut folders = vec![src.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.extend((path.file_name().unwrap() != "tests").then_some(path));
            } else if path.file_name().is_some_and(|name| name != "tests.rs") {
                let text = fs::read_to_string(&path).unwrap();
                let text = text.split("#[cfg(test)]").next().unwrap().to_owned();
                let name = path.strip_prefix(&src).unwrap().with_extension("");
                sources.insert(name.to_string_lossy().into_owned(), text);
            }
        }
    }
    sources
}

/// `lambda` for `lambda` and for `lambda/telemetry`.
fn room(source: &str) -> &str {
    source.split('/').next().unwrap()
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

/// Returns the items of a group up to its closing brace, without those of inner groups.
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

/// Fails if a module of this package imports one that is not in a layer below its own.
fn only_goes_down(package: &str, floors: &[&[&str]]) {
    let floor = |room: &str| floors.iter().position(|floor| floor.contains(&room));
    let mut upward = Vec::new();
    for (source, text) in sources(package) {
        let from = room(&source);
        if ["lib", "main"].contains(&from) {
            continue;
        }
        let own = floor(from).unwrap_or_else(|| panic!("{source} is in no room of {floors:?}"));
        for to in named(&text).iter().filter(|to| *to != from) {
            if floor(to).is_none_or(|to| to <= own) {
                upward.push(format!("{source} imports crate::{to}"));
            }
        }
    }
    assert!(upward.is_empty(), "{upward:#?}");
}

#[test]
fn imports_within_the_extension_only_go_down() {
    only_goes_down("extension", &EXTENSION);
}

#[test]
fn imports_within_xtask_only_go_down() {
    only_goes_down("xtask", &XTASK);
}

/// Fails if modules of this package depend on each other in a cycle.
fn has_no_circle(package: &str) {
    let sources = sources(package);
    let rooms: BTreeSet<&str> = sources.keys().map(|source| room(source)).collect();
    let mut arrows: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (source, text) in &sources {
        let from = room(source);
        if !["lib", "main"].contains(&from) {
            let named = named(text).into_iter();
            let to = named.filter(|to| to != from && rooms.contains(to.as_str()));
            arrows.entry(from).or_default().extend(to);
        }
    }
    // Removes modules that depend on none of the rest. The modules that cannot be removed form a cycle.
    while let Some(leaf) = arrows.iter().find_map(|(room, to)| {
        to.iter().all(|to| !arrows.contains_key(to.as_str())).then_some(*room)
    }) {
        arrows.remove(leaf);
    }
    assert!(arrows.is_empty(), "rooms of {package} depend on each other in a circle: {arrows:#?}");
}

#[test]
fn rooms_depend_on_each_other_without_circles() {
    for package in [
        "cli",
        "cli/args",
        "cli/stream",
        "cli/terminal",
        "consumers/rust",
        "extension",
        "extension/spec",
        "fuzz/checks",
        "report",
        "sandbox",
        "xtask",
        "xtask/bench",
        "xtask/model",
        "xtask/publish",
        "xtask/synth",
        "xtask/verify",
    ] {
        has_no_circle(package);
    }
}

#[test]
fn policy_and_every_other_pure_place_stay_pure() {
    let sources = sources("extension");
    for place in PURE {
        let mut found = 0;
        let is_within = |source: &str| source == place || source.starts_with(&format!("{place}/"));
        for (source, text) in sources.iter().filter(|(source, _)| is_within(source)) {
            let impure = IMPURE.iter().find(|word| text.contains(**word));
            assert!(impure.is_none(), "{source} holds {}", impure.unwrap());
            found += 1;
        }
        assert!(found > 0, "{place} does not exist");
    }
}

/// Sources of the extension that hold this text: the first two steps of their paths.
fn holding(text: &str) -> BTreeSet<String> {
    let holds = sources("extension").into_iter().filter(|(_, it)| it.contains(text));
    holds.map(|(source, _)| source.split('/').take(2).collect::<Vec<_>>().join("/")).collect()
}

#[test]
fn only_the_loop_selects_only_the_clients_know_the_sdks_and_only_lambda_the_paths() {
    let only = |place: &str| BTreeSet::from([place.to_owned()]);
    assert_eq!(holding("select!"), only("control/run"));
    assert_eq!(holding("aws_sdk_kinesis"), only("delivery/kinesis"));
    assert_eq!(holding("aws_sdk_sqs"), only("delivery/sqs"));
    assert_eq!(holding("/2020-01-01/"), only("lambda/extensions"));
    assert_eq!(holding("/2022-07-01/"), only("lambda/telemetry"));
}
