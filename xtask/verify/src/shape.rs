//! The members of a record and their JSON types. Pure.

use std::collections::BTreeMap;

use serde_json::Value;

/// Members whose value is compared, because Lambda has an enumeration for each.
const WORDS: [&str; 5] = ["errorType", "initializationType", "phase", "state", "status"];

/// Returns each member by its path, with its JSON type, or its word if it has one of a list.
///
/// An element of an array is called by its `name`, as spans have one: `spans[responseLatency].durationMs`.
pub(crate) fn shape(record: &Value) -> BTreeMap<String, String> {
    let mut members = BTreeMap::new();
    add("record", record, &mut members);
    members
}

fn add(path: &str, value: &Value, members: &mut BTreeMap<String, String>) {
    let word = |text: &str| {
        let is_word = WORDS.iter().any(|it| path.ends_with(&format!(".{it}")));
        if is_word { format!("\"{text}\"") } else { "string".to_owned() }
    };
    let kind = match value {
        Value::Object(object) => {
            for (name, value) in object {
                add(&format!("{path}.{name}"), value, members);
            }
            if !object.is_empty() {
                return;
            }
            "object".to_owned()
        }
        Value::Array(elements) => {
            for element in elements {
                let name = element["name"].as_str().unwrap_or_default();
                add(&format!("{path}[{name}]"), element, members);
            }
            if !elements.is_empty() {
                return;
            }
            "array".to_owned()
        }
        Value::String(text) => word(text),
        Value::Number(_) => "number".to_owned(),
        Value::Bool(_) => "boolean".to_owned(),
        Value::Null => "null".to_owned(),
    };
    members.insert(path.to_owned(), kind);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::shape;

    #[test]
    fn values_are_left_out_but_for_words_of_lists() {
        let of = |record| shape(&record).into_iter().map(|(path, kind)| format!("{path}: {kind}"));
        let record = json!({
            "requestId": "x",
            "status": "success",
            "metrics": { "durationMs": 1.5 },
            "spans": [{ "name": "responseLatency", "durationMs": 1 }],
            "types": ["a", "b"],
            "events": [],
        });
        assert_eq!(
            of(record).collect::<Vec<_>>(),
            [
                "record.events: array",
                "record.metrics.durationMs: number",
                "record.requestId: string",
                "record.spans[responseLatency].durationMs: number",
                "record.spans[responseLatency].name: string",
                "record.status: \"success\"",
                "record.types[]: string",
            ]
        );
        assert_eq!(of(json!("line")).collect::<Vec<_>>(), ["record: string"]);
    }
}
