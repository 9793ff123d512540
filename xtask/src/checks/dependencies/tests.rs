use super::{duplicates, forbidden, foreign_sources, licences};
use crate::tools::graph::Graph;

#[test]
fn the_dependencies_keep_the_rules() {
    super::check().unwrap();
}

/// `xtask` links `linked`, which is under `license` and comes from `source`; it tests with `tokio`.
fn graph(linked: &str, license: &str, source: &str) -> Graph {
    let json = serde_json::json!({
        "packages": [
            { "id": "xtask", "name": "xtask", "version": "0.0.0", "manifest_path": "" },
            { "id": "a", "name": linked, "version": "1.0.0", "manifest_path": "", "license": license, "source": source },
            { "id": "b", "name": "tokio", "version": "1.0.0", "manifest_path": "", "license": "MIT", "source": super::CRATES_IO },
        ],
        "workspace_members": ["xtask"],
        "resolve": { "nodes": [
            { "id": "xtask", "deps": [
                { "pkg": "a", "dep_kinds": [{ "kind": null }] },
                { "pkg": "b", "dep_kinds": [{ "kind": "dev" }] },
            ] },
            { "id": "a", "deps": [] },
            { "id": "b", "deps": [] },
        ] },
    });
    serde_json::from_value(json).unwrap()
}

#[test]
fn what_xtask_links_is_looked_at_and_what_it_tests_with_is_not() {
    assert!(forbidden(&graph("clap", "MIT", super::CRATES_IO)).is_empty());
    assert_eq!(
        forbidden(&graph("aws-config", "MIT", super::CRATES_IO)),
        [
            "xtask links aws-config 1.0.0: its first build must be quick; put what needs it into kinesis-telemetry"
        ]
    );
}

#[test]
fn another_source_than_crates_io_is_a_problem() {
    let git = "git+ssh://example/clap";
    assert_eq!(
        foreign_sources(&graph("clap", "MIT", git)),
        ["clap 1.0.0 comes from git+ssh://example/clap, not from crates.io"]
    );
}

#[test]
fn an_exception_holds_for_its_package_alone() {
    let problem = "clap 1.0.0 is under CDLA-Permissive-2.0, which is not allowed".to_owned();
    let other = licences(&graph("clap", "CDLA-Permissive-2.0", super::CRATES_IO));
    assert!(other.contains(&problem), "{other:?}");
    let own = licences(&graph("webpki-roots", "CDLA-Permissive-2.0", super::CRATES_IO));
    assert!(!own.iter().any(|it| it.contains("webpki-roots")), "{own:?}");
}

#[test]
fn an_exception_that_is_not_used_is_a_problem() {
    let unused = "webpki-roots needs no licence exception any more".to_owned();
    assert!(licences(&graph("clap", "MIT", super::CRATES_IO)).contains(&unused));
    let single = "the extension depends on one syn only by now".to_owned();
    assert!(
        duplicates(&graph("clap", "MIT", super::CRATES_IO), &[("syn", "it is used by macros")])
            .contains(&single)
    );
}
