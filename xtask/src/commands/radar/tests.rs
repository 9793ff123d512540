//! Checks the table against the repository, and the comparison with models that are made of the table.

mod models_of;

use std::collections::BTreeSet;

use models_of::{changed, models, without};

use super::compare::{between, with_repository};
use super::facts::{Place, Sources, Subject, What};
use super::text::Value;
use super::*;

fn texts(findings: &[Finding<'_>]) -> Vec<String> {
    findings.iter().map(ToString::to_string).collect()
}

#[test]
fn every_place_of_the_table_states_its_value() {
    let facts = facts::all();
    let sources = facts::sources(&facts).unwrap();
    let places =
        facts.iter().flat_map(|it| it.places.iter().map(|place| place.value(it.what, &sources)));
    let wrong: Vec<String> = places.filter_map(|it| Some(format!("{:#}", it.err()?))).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(facts.len() > 50 && facts.iter().all(|it| !it.places.is_empty()));
}

#[test]
fn matching_models_give_no_finding() {
    let facts = facts::all();
    let sources = facts::sources(&facts).unwrap();
    let same = models(&facts, &sources, |_, value| value);
    assert_eq!(texts(&with_repository(&same, &facts, &sources).unwrap()), [""; 0]);
    assert_eq!(texts(&between(&same, &same, &facts)), [""; 0]);
}

#[test]
fn each_changed_fact_is_found_with_values_and_places() {
    let facts = facts::all();
    let sources = facts::sources(&facts).unwrap();
    let old = models(&facts, &sources, |_, value| value);
    for fact in &facts {
        let new = models(
            &facts,
            &sources,
            |it, value| if it == fact.key() { changed(&value) } else { value },
        );
        let about = format!("{}: {}, {}: ", fact.service, fact.subject, fact.what);
        let places: Vec<String> = fact.places.iter().map(|it| format!("\n    {it}")).collect();

        let change = old.value(fact.service, fact.subject, fact.what).unwrap();
        let change = change.change_to(&changed(&change));
        let found = texts(&between(&old, &new, &facts));
        let [found] = found.as_slice() else { panic!("{about}{found:#?}") };
        assert!(found.starts_with(&format!("{about}{change}")), "{found}");
        assert!(places.iter().all(|it| found.contains(it)), "{found}");

        let found = texts(&with_repository(&new, &facts, &sources).unwrap());
        assert!(!found.is_empty() && found.iter().all(|it| it.starts_with(&about)), "{found:#?}");
        let found = found.concat();
        assert!(places.iter().all(|it| found.contains(it)), "{places:?}: {found}");
    }
}

#[test]
fn each_subject_that_is_gone_is_found() {
    let facts = facts::all();
    let sources = facts::sources(&facts).unwrap();
    let old = models(&facts, &sources, |_, value| value);
    for fact in &facts {
        let new = without(&facts, &sources, fact);
        for found in [with_repository(&new, &facts, &sources).unwrap(), between(&old, &new, &facts)]
        {
            let found = texts(&found);
            let about = format!("{}: {}, {}: ", fact.service, fact.subject, fact.what);
            let found = found.iter().find(|it| it.starts_with(&about)).expect(&about);
            assert!(found.contains("there is no such "), "{found}");
            assert!(found.contains(&fact.places[0].to_string()), "{found}");
        }
    }
}

#[test]
fn unrepeated_limit_of_a_watched_shape_is_found() {
    let facts = facts::all();
    let timeout = |min: u64| {
        let shape = serde_json::json!({ "max": 5_400, "min": min });
        let model = serde_json::json!({ "shapes": { "Timeout": shape } });
        models_of::read("1.0.0", &[("lambda", model)], &facts)
    };
    let found = texts(&between(&timeout(1), &timeout(2), &facts));
    let [found] = found.as_slice() else { panic!("{found:#?}") };
    assert!(found.starts_with("lambda: Timeout, min: 1 → 2\n"), "{found}");
    assert!(found.contains("MANAGED_FUNCTION_TIMEOUT_MS"), "{found}");
}

#[test]
fn timeout_of_functions_is_reported_as_it_changed_in_2026() {
    let facts = facts::all();
    let stating = |version: &str, longest: &str| {
        let text = format!(
            "<p>The amount of time (in seconds). The default is 3 seconds, and the maximum allowed value is {longest} \
             seconds. For functions using Lambda Managed Instances, asynchronous invocations support a maximum allowed \
             value of 5,400 seconds (90 minutes).</p>"
        );
        let member = serde_json::json!({ "shape": "Timeout", "documentation": text });
        let shape = serde_json::json!({ "type": "structure", "members": { "Timeout": member } });
        let model = serde_json::json!({ "shapes": { "CreateFunctionRequest": shape } });
        models_of::read(version, &[("lambda", model)], &facts)
    };
    let found = texts(&between(&stating("1.44.6", "900"), &stating("1.44.7", "1,800"), &facts));
    expect_test::expect![[r#"
        lambda: CreateFunctionRequest.Timeout, "the maximum allowed value is # seconds": 900 → 1,800
            extension/spec/src/limits.rs: const FUNCTION_TIMEOUT_MS: u64 = #;
            docs/lifecycle.md: timeout that Lambda allows (# s,"#]]
    .assert_eq(&found.join("\n"));
}

#[test]
fn newest_version_of_an_api_counts_packed_or_not() {
    let facts = facts::all();
    let model = |max: u64| {
        let shapes = serde_json::json!({ "PartitionKey": { "max": max } });
        serde_json::to_vec(&serde_json::json!({ "shapes": shapes })).unwrap()
    };
    for kind in ["json", "json.gz"] {
        let packed = |max| if kind == "json" { model(max) } else { models_of::gzip(&model(max)) };
        let path = |date: &str| format!("botocore/data/kinesis/{date}/service-2.{kind}");
        let wheel = crate::tools::wheel::packed(&[
            (&path("2033-12-02"), &packed(512)),
            (&path("2013-12-02"), &packed(256)),
            ("botocore-9.1.0.dist-info/METADATA", b""),
        ]);
        let models = Models::read(&wheel, &facts).unwrap();
        assert_eq!(models.version, "botocore 9.1.0");
        let max = models.value("kinesis", Subject::Shape("PartitionKey"), What::Max);
        assert_eq!(max.unwrap(), Value::Number(512.0));
    }
}

#[test]
fn wheel_that_holds_no_models_is_refused() {
    let facts = facts::all();
    let of = |files: &[(&str, &[u8])]| {
        let read = Models::read(&crate::tools::wheel::packed(files), &facts);
        format!("{:#}", read.err().unwrap())
    };
    assert_eq!(of(&[("a", b"")]), "the wheel states no version");
    let other = of(&[("other-1.0.dist-info/METADATA", b"")]);
    assert_eq!(other, "the wheel is other 1.0, not botocore");
    let damaged = of(&[
        ("botocore-1.0.dist-info/METADATA", b""),
        ("botocore/data/sqs/2012-11-05/service-2.json", b"{"),
    ]);
    assert!(damaged.contains("sqs/2012-11-05/service-2.json is not JSON"), "{damaged}");
}

/// Constants with limits of which AWS's models state nothing.
const IN_NO_MODEL: [&str; 10] = [
    "DEAD_LETTER_PIECES",
    "INIT_MS",
    "MAX_ATTRIBUTES",
    "PAYLOAD_UNIT_BYTES",
    "TELEMETRY_MAX_BYTES",
    "TELEMETRY_MAX_ITEMS",
    "TELEMETRY_RESERVED_PORT",
    "TELEMETRY_SCHEMAS",
    "TELEMETRY_TIMEOUT_MS",
    "DECLARED_IN",
];

#[test]
fn every_limit_that_a_model_states_is_in_the_table() {
    let facts = facts::all();
    let places: Vec<String> =
        facts.iter().flat_map(|it| &it.places).map(ToString::to_string).collect();
    let mut unwatched = BTreeSet::new();
    for file in [
        "extension/spec/src/limits.rs",
        "sandbox/src/kinesis/request.rs",
        "sandbox/src/sqs/batch.rs",
    ] {
        let text = fs::read_to_string(workspace::root().join(file)).unwrap();
        let constants =
            text.lines().filter_map(|line| line.split_once("const ")?.1.split_once(':'));
        for (name, _) in
            constants.filter(|it| it.0.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        {
            let row = format!("{file}: const {name}: ");
            if !places.iter().any(|it| it.starts_with(&row)) {
                unwatched.insert(name.to_owned());
            }
        }
    }
    let expected: BTreeSet<String> = IN_NO_MODEL.map(str::to_owned).into();
    assert_eq!(unwatched, expected, "add a row to the table, or the name to the list");
}

#[test]
#[ignore = "needs Python: cargo xtask test"]
fn pinned_models_state_what_the_repository_repeats() {
    let facts = facts::all();
    let dir = workspace::target_dir().unwrap().join("radar-pinned");
    let _one_at_a_time = locked(&dir.with_extension("lock")).unwrap();
    let requirements = workspace::root().join("xtask/pins/models/requirements.txt");
    let models = Models::read(&python::wheel(&dir, &requirements).unwrap(), &facts).unwrap();
    assert_eq!(models.version, format!("botocore {}", pins::BOTOCORE.version));
    assert_eq!(
        texts(&with_repository(&models, &facts, &facts::sources(&facts).unwrap()).unwrap()),
        [""; 0]
    );
}
