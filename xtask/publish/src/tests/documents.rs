//! Compares the permissions in docs/releasing.md with the calls.

use std::collections::BTreeSet;

use serde_json::Value;

const SOURCES: [&str; 5] = [
    include_str!("../canary.rs"),
    include_str!("../layer.rs"),
    include_str!("../open.rs"),
    include_str!("../signing.rs"),
    include_str!("../signing/bucket.rs"),
];
const RELEASING: &str = include_str!("../../../../docs/releasing.md");

/// Returns the permissions that errors name.
fn named() -> BTreeSet<String> {
    let words = SOURCES.iter().flat_map(|it| it.split('"').skip(1).step_by(2));
    let is_permission = |it: &&str| {
        let parts = it.split_once(':');
        parts.is_some_and(|(service, action)| {
            ["lambda", "signer", "s3"].contains(&service)
                && !action.is_empty()
                && action.chars().all(char::is_alphanumeric)
        })
    };
    words.filter(is_permission).map(str::to_owned).collect()
}

/// Returns the policies in the document.
fn policies() -> Vec<Value> {
    let blocks = RELEASING.split("```json\n").skip(1);
    blocks.map(|it| serde_json::from_str(it.split("```").next().unwrap()).unwrap()).collect()
}

#[test]
fn the_policy_allows_exactly_what_the_program_does() {
    let policies = policies();
    let statements = policies[1]["Statement"].as_array().unwrap();
    let mut allowed = BTreeSet::new();
    for statement in statements {
        let actions = match &statement["Action"] {
            Value::Array(actions) => actions.clone(),
            action => vec![action.clone()],
        };
        allowed.extend(actions.iter().map(|it| it.as_str().unwrap().to_owned()));
    }
    let named = named();
    assert!(named.len() > 10, "{named:?}");
    // Lambda asks for the one, Signer for the other (their guides).
    for of_others in ["iam:PassRole", "s3:GetObjectVersion"] {
        assert!(allowed.remove(of_others), "{of_others}");
    }
    assert_eq!(allowed, named);
}
