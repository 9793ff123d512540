//! Compares the sandbox with AWS's emulator: observed facts by name, and the expected differences.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Observed values by the name of the fact.
pub(super) type Facts = BTreeMap<String, String>;

/// An expected difference.
pub(super) struct Difference {
    /// The name of the fact, or its end if several facts differ in the same way.
    pub(super) of: &'static str,
    /// The sandbox's value; none if it has no such fact.
    pub(super) sandbox: Option<&'static str>,
    /// The emulator's value; none if it has no such fact.
    pub(super) emulator: Option<&'static str>,
    pub(super) reason: &'static str,
}

/// Checks that every fact is equal or differs as expected, and that every expected difference exists.
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
                "{name}: {seen:?}, expected {:?}, because {reason}",
                [sandbox, emulator]
            )),
            (false, None) => problems
                .push(format!("{name}:\n    sandbox   {:?}\n    emulator  {:?}", seen[0], seen[1])),
        }
    }
    for Difference { of, .. } in differences {
        if !names.iter().any(|name| name.ends_with(of)) {
            problems.push(format!("{of}: an expected difference was not seen"));
        }
    }
    assert!(
        problems.is_empty(),
        "the sandbox differs from AWS's emulator:\n{}",
        problems.join("\n")
    );
}

/// Adds every leaf of a JSON value as a fact. `kind` replaces values that differ each time, by the name of their
/// member.
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
    fn equal_facts_and_expected_differences_pass() {
        assert_same(&facts([("a", "1"), ("b", "2")]), &facts([("b", "2")]), &[MEANT]);
    }

    #[test]
    #[should_panic(expected = "b:\n    sandbox   None\n    emulator  Some(\"2\")")]
    fn an_unexpected_difference_is_reported() {
        assert_same(&facts([]), &facts([("b", "2")]), &[]);
    }

    #[test]
    #[should_panic(expected = "because it is a test")]
    fn an_expected_difference_that_is_gone_is_reported() {
        assert_same(&facts([("a", "1")]), &facts([("a", "1")]), &[MEANT]);
    }

    #[test]
    #[should_panic(expected = "a: an expected difference was not seen")]
    fn an_expected_difference_without_facts_is_reported() {
        assert_same(&facts([]), &facts([]), &[MEANT]);
    }
}
