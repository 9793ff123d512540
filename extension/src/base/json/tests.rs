use proptest::prelude::*;
use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};

use super::*;

/// Reads the members of an object with `serde_json`.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(&'de str, &'de str)>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((name, value)) = map.next_entry::<&RawValue, &RawValue>()? {
            members.push((name.get(), value.get()));
        }
        Ok(members)
    }
}

/// Compares the members of a text with those that `serde_json` finds. A text that it rejects has none.
fn compare(json: &str) {
    let expected = serde_json::Deserializer::from_str(json).deserialize_map(Members);
    let found = value(json);
    if json.trim_start().starts_with('{') {
        assert_eq!(found.is_some(), expected.is_ok(), "{json}");
    }
    let Some(found) = found else { return };
    assert_eq!(members(found).collect::<Vec<_>>(), expected.unwrap_or_default(), "{json}");
    for (name, value) in members(found) {
        for part in [name, value] {
            let expected = serde_json::from_str::<String>(part).ok();
            assert_eq!(text(part).as_deref(), expected.as_deref(), "{part}");
        }
    }
}

/// Events as Lambda writes them, and unusual texts that are valid JSON.
const EVENTS: [&str; 12] = [
    r#"{"time":"2026-08-09T12:34:56.789Z","type":"function","record":"a \"b\" \\ \\\" {[,:"}"#,
    r#"{"time":"2026-08-09T12:34:56.789Z","type":"platform.runtimeDone","record":{"requestId":"r-1","spans":[{"name":"a","durationMs":0.41}],"metrics":{"n":-1.5e+3}}}"#,
    r#"{ "type" : "function" , "record" : { "level" : "INFO" , "a" : [ 1 , { } , [ ] ] } , "x" : null }"#,
    r#"{"\u0074ype":"func\u0074ion","record":"\ud83e\udd80 \u00e9 é 🦀"}"#,
    r#"{"type":"function","type":7,"record":true,"record":false,"time":{}}"#,
    r#"{"\ud800":1,"type":"kinesis-telemetry.ledger\ud800"}"#,
    "{\n\"a\"\r:\t1\n,\r\"b\"\t:\n-0.0\r}\t",
    r#"{"":"","a":{"b":{"c":[[[[{"d":"}]"}]]]]}}} trailing"#,
    "{}",
    "{ }",
    r#"{"n":12345678901234567890123,"m":1e999,"k":true}"#,
    r#"[{"type":"function"}]"#,
];

#[test]
fn members_are_those_of_serde_json() {
    EVENTS.into_iter().for_each(compare);
    let deep = format!(r#"{{"a":{}1{},"b":2}}"#, "[".repeat(50_000), "]".repeat(50_000));
    assert_eq!(members(value(&deep).unwrap()).count(), 2);
}

#[test]
fn damaged_events_have_the_members_that_serde_json_finds() {
    for event in EVENTS {
        let ends = (0..=event.len()).filter(|at| event.is_char_boundary(*at));
        ends.clone().for_each(|at| compare(&event[..at]));
        for byte in ["\"", "\\", "{", "}", "[", "]", ",", ":", " ", "0", "\n", "é", "u"] {
            for at in ends.clone() {
                compare(&format!("{}{byte}{}", &event[..at], &event[at..]));
                let rest = event[at..].chars().next().map_or(at, |it| at + it.len_utf8());
                compare(&format!("{}{byte}{}", &event[..at], &event[rest..]));
            }
        }
    }
}

proptest! {
    #[test]
    fn accepted_json_has_the_members_that_serde_json_finds(
        inner in "([\\[\\]{}\":,\\\\ \n]|\"[a-e\\\\\"u0-9]{0,3}\"|:|,|[0-9a-e.-]|true|null|é){0,24}"
    ) {
        compare(&format!("{{{inner}}}"));
        compare(&inner);
    }

    #[test]
    fn odd_names_and_values_have_the_members_that_serde_json_finds(
        parts in prop::collection::vec(
            (
                "[ \n]?\"([a-c]|\\\\[\"\\\\n/]|\\\\u[0d][08]{3}|é){0,4}\"[ \t]?",
                "[ \r]?(-?[1-9][0-9]?(\\.[0-9])?(e[+-][1-9])?|null|\"([a\\[\\]{},:]|\\\\[\"\\\\])*\"|\\[\\{\"a\":\\[\\]\\}, 1\\]|\\{\"\\}\": \\{\\}\\})[ \n]?"
            ),
            0..5
        )
    ) {
        let parts: Vec<String> = parts.into_iter().map(|(name, value)| format!("{name}:{value}")).collect();
        let json = format!("{{{}}}", parts.join(","));
        prop_assert!(value(&json).is_some(), "{}", json);
        compare(&json);
    }
}
