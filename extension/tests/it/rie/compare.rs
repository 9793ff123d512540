//! Our sandbox against AWS's own code: what was seen of each, as facts by name, and the differences that are meant.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// What was seen, by what it was seen of.
pub(super) type Facts = BTreeMap<String, String>;

/// A difference that is meant.
pub(super) struct Difference {
    /// The name of the fact; its end, where the same is meant of several.
    pub(super) of: &'static str,
    /// What the sandbox has; nothing where it has no such fact.
    pub(super) sandbox: Option<&'static str>,
    /// The same of AWS's emulator.
    pub(super) emulator: Option<&'static str>,
    pub(super) reason: &'static str,
}

/// Every fact must be the same, or differ as it is meant to; and what is meant to differ must do so still.
#[track_caller]
pub(super) fn assert_same(sandbox: &Facts, emulator: &Facts, differences: &[Difference]) {
    let names: BTreeSet<&String> = sandbox.keys().chain(emulator.keys()).collect();
    let meant = |name: &str| differences.iter().find(|it| name.ends_with(it.of));
    let mut problems = Vec::new();
    for name in names.iter().copied() {
        let seen = [sandbox, emulator].map(|facts| facts.get(name).map(String::as_str));
        match (seen[0] == seen[1], meant(name)) {
            (true, None) => {}
            (false, Some(it)) if seen == [it.sandbox, it.emulator] => {}
            (_, Some(Difference { sandbox, emulator, reason, .. })) => problems.push(format!(
                "{name}: {seen:?}, where {:?} are meant, because {reason}",
                [sandbox, emulator]
            )),
            (false, None) => problems
                .push(format!("{name}:\n    sandbox   {:?}\n    emulator  {:?}", seen[0], seen[1])),
        }
    }
    for Difference { of, .. } in differences {
        if !names.iter().any(|name| name.ends_with(of)) {
            problems.push(format!("{of}: is meant to differ, and was not seen"));
        }
    }
    assert!(problems.is_empty(), "the sandbox is not as AWS's emulator:\n{}", problems.join("\n"));
}

/// Every leaf of a JSON value as a fact; `kind` replaces what is made up anew each time, by the name of its member.
pub(super) fn flatten(
    facts: &mut Facts,
    name: &str,
    value: &Value,
    kind: &impl Fn(&str, &Value) -> Option<String>,
) {
    match value {
        Value::Object(members) => {
            for (member, value) in members {
                let name = format!("{name} {member}");
                match kind(member, value) {
                    Some(kind) => _ = facts.insert(name, kind),
                    None => flatten(facts, &name, value, kind),
                }
            }
        }
        Value::Array(items) => {
            facts.insert(format!("{name} length"), items.len().to_string());
            for (n, item) in items.iter().enumerate() {
                flatten(facts, &format!("{name} {n}"), item, kind);
            }
        }
        _ => _ = facts.insert(name.to_owned(), value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Difference, Facts, assert_same};

    const MEANT: Difference =
        Difference { of: "a", sandbox: Some("1"), emulator: None, reason: "it is a test" };

    fn facts<const N: usize>(facts: [(&str, &str); N]) -> Facts {
        facts.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    #[test]
    fn what_is_the_same_or_differs_as_it_is_meant_to_passes() {
        assert_same(&facts([("a", "1"), ("b", "2")]), &facts([("b", "2")]), &[MEANT]);
    }

    #[test]
    #[should_panic(expected = "b:\n    sandbox   None\n    emulator  Some(\"2\")")]
    fn a_difference_that_is_not_meant_is_told() {
        assert_same(&facts([]), &facts([("b", "2")]), &[]);
    }

    #[test]
    #[should_panic(expected = "are meant, because it is a test")]
    fn a_difference_that_is_gone_is_told() {
        assert_same(&facts([("a", "1")]), &facts([("a", "1")]), &[MEANT]);
    }

    #[test]
    #[should_panic(expected = "a: is meant to differ, and was not seen")]
    fn a_difference_that_nobody_looks_for_any_more_is_told() {
        assert_same(&facts([]), &facts([]), &[MEANT]);
    }
}
