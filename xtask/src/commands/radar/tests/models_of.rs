//! Models that state what the table says of them, in wheels.

use std::collections::BTreeMap;
use std::io::Write as _;

use serde_json::{Value as Json, json};

use super::{Fact, Models, Sources, Subject, Value, What};
use crate::tools::wheel;

/// The subject of a fact.
pub(super) type Key = (&'static str, Subject, What);

impl Fact {
    pub(super) fn key(&self) -> Key {
        (self.service, self.subject, self.what)
    }
}

/// A value that is no place's, and that no place may have beyond.
pub(super) fn changed(value: &Value) -> Value {
    match value {
        Value::Number(_) => Value::Number(0.0),
        Value::Words(_) => Value::words(["Other"]),
    }
}

/// Models that state what the repository repeats, each fact as `state` makes it.
pub(super) fn models(
    facts: &[Fact],
    sources: &Sources,
    state: impl Fn(Key, Value) -> Value,
) -> Models {
    let services = services(facts, sources, state);
    let services: Vec<(&str, Json)> = services.into_iter().collect();
    read("1.0.0", &services, facts)
}

/// Returns the models without the subject of one fact.
pub(super) fn without(facts: &[Fact], sources: &Sources, gone: &Fact) -> Models {
    let mut services = services(facts, sources, |_, value| value);
    let model = services.get_mut(gone.service).unwrap();
    let (parent, name) = match gone.subject {
        Subject::Shape(name) => (&mut model["shapes"], name),
        Subject::Member(shape, member) => (&mut model["shapes"][shape]["members"], member),
        Subject::Operation(name) => (&mut model["operations"], name),
    };
    parent.as_object_mut().unwrap().remove(name);
    let services: Vec<(&str, Json)> = services.into_iter().collect();
    read("1.0.0", &services, facts)
}

fn services(
    facts: &[Fact],
    sources: &Sources,
    state: impl Fn(Key, Value) -> Value,
) -> BTreeMap<&'static str, Json> {
    let mut services = BTreeMap::new();
    for fact in facts {
        let model = services.entry(fact.service).or_insert_with(|| json!({}));
        let described = match fact.subject {
            Subject::Shape(name) => &mut model["shapes"][name],
            Subject::Member(shape, member) => &mut model["shapes"][shape]["members"][member],
            Subject::Operation(name) => &mut model["operations"][name],
        };
        let value = state(fact.key(), repeated(fact, sources));
        let (name, stated) = match (fact.what, value) {
            (What::Min, Value::Number(it)) => ("min", json!(it)),
            (What::Max, Value::Number(it)) => ("max", json!(it)),
            (What::Enum, Value::Words(it)) => ("enum", it.into_values().collect()),
            (What::Errors, Value::Words(it)) => {
                ("errors", it.into_values().map(|it| json!({ "shape": it })).collect())
            }
            (What::Says(pattern), value) => {
                let before = described["documentation"].as_str().unwrap_or_default();
                let text = marked_up(pattern).replace('#', &value.to_string());
                ("documentation", json!(format!("{before}<p>{text}. </p>")))
            }
            (What::Names(pattern), Value::Words(it)) => {
                let words: Vec<String> =
                    it.into_values().map(|it| format!("<code>{it}</code>")).collect();
                let pattern = marked_up(pattern);
                ("documentation", json!(pattern.replace('#', &words.join(" or "))))
            }
            (what, value) => panic!("{what} is not {value}"),
        };
        described[name] = stated;
    }
    services
}

fn marked_up(pattern: &str) -> String {
    pattern.replacen('`', "<code>", 1).replacen('`', "</code>", 1)
}

/// Returns a value that every place may repeat: the one that all places share that must agree with AWS.
fn repeated(fact: &Fact, sources: &Sources) -> Value {
    let own = |place: &super::Place| place.value(fact.what, sources).unwrap();
    let own: Vec<Value> = fact.places.iter().map(own).collect();
    let fits = |value: &Value| {
        fact.places.iter().zip(&own).all(|(place, own)| place.difference(own, value).is_none())
    };
    let words = own.iter().flat_map(|it| match it {
        Value::Words(words) => words.values().cloned().collect(),
        Value::Number(_) => Vec::new(),
    });
    let all = Value::words(words);
    own.iter().chain([&all]).find(|it| fits(it)).unwrap_or_else(|| panic!("{own:?}")).clone()
}

/// Reads these models out of a wheel of this version.
pub(super) fn read(version: &str, services: &[(&str, Json)], facts: &[Fact]) -> Models {
    let metadata = format!("botocore-{version}.dist-info/METADATA");
    let mut files: Vec<(String, Vec<u8>)> = vec![(metadata, Vec::new())];
    for (service, model) in services {
        let path = format!("botocore/data/{service}/2020-01-01/service-2.json.gz");
        files.push((path, gzip(model.to_string().as_bytes())));
    }
    let files: Vec<(&str, &[u8])> =
        files.iter().map(|it| (it.0.as_str(), it.1.as_slice())).collect();
    Models::read(&wheel::packed(&files), facts).unwrap()
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}
