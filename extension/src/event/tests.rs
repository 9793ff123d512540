use std::collections::BTreeMap;

use extension_spec::event::FIELDS;

use super::*;

const HEAD: &str = r#""source":{"function":"orders","version":"$LATEST","instance":"k3J9","seq":"#;

fn identified(object: &str) -> String {
    let event = Source::new("orders", "$LATEST", "k3J9").identify(object, 42, None, Instant::now());
    String::from_utf8(event.line.into_vec()).unwrap()
}

#[test]
fn source_becomes_the_last_member_and_all_other_bytes_stay() {
    let object = r#"{"time":"t","type":"function","record":"a\n\u00e9ü \"q\" 1.0e3"}"#;
    let own = object.strip_suffix('}').unwrap();
    assert_eq!(identified(object), format!("{own},{HEAD}42}}}}\n"));
}

#[test]
fn an_empty_object_gets_no_comma() {
    assert_eq!(identified("{}"), format!("{{{HEAD}42}}}}\n"));
    assert_eq!(identified("{ }"), format!("{{ {HEAD}42}}}}\n"));
}

#[test]
fn a_pretty_printed_event_becomes_one_line() {
    let line = identified("{\r\n  \"record\": {\n    \"a\": 1\n  }\n}");
    assert_eq!(line, format!("{{  \"record\": {{    \"a\": 1  }},{HEAD}42}}}}\n"));
    assert_eq!(line.matches('\n').count(), 1);
}

#[test]
fn names_with_quotes_stay_valid_json() {
    let source = Source::new("a\"b", "1", "i");
    let event = source.identify("{}", 1, None, Instant::now());
    let value: serde_json::Value = serde_json::from_slice(&event.line).unwrap();
    assert_eq!(value["source"]["function"], "a\"b");
}

#[test]
fn own_len_is_the_length_of_the_events_own_bytes() {
    let source = Source::new("orders", "$LATEST", "k3J9");
    for (object, own) in
        [(r#"{"a":1}"#, r#"{"a":1"#), ("{}", "{"), ("{\n\"a\":\n1 }\n", r#"{"a":1 "#)]
    {
        let event = source.identify(object, 1, Some("r-1"), Instant::now());
        assert_eq!(std::str::from_utf8(&event.line[..event.own_len]).unwrap(), own);
    }
}

#[test]
fn the_request_follows_the_number() {
    let event = Source::new("orders", "$LATEST", "k3J9").identify(
        "{}",
        42,
        Some("6d68ca91-49c9"),
        Instant::now(),
    );
    let line = String::from_utf8(event.line.into_vec()).unwrap();
    assert_eq!(line, format!("{{{HEAD}42,\"requestId\":\"6d68ca91-49c9\"}}}}\n"));
}

#[test]
fn events_have_exactly_the_documented_members_of_source() {
    let labels = ["account", "region"].map(|name| (name.to_owned(), "x".to_owned()));
    let source = Source::new("orders", "$LATEST", "k3J9x0QvT2aB").with_labels(labels.into());
    let source = source.of_tenant("blue").unwrap();
    let numbered = source.identify("{}", 7, Some("a-b"), Instant::now());
    let part = format!("{{{}}}", source.of_part(&numbered, 1, 2));
    let members = |text: &[u8]| -> BTreeMap<String, serde_json::Value> {
        let event: serde_json::Value = serde_json::from_slice(text).unwrap();
        serde_json::from_value(event["source"].clone()).unwrap()
    };
    let mut members_of_both = members(&numbered.line);
    members_of_both.extend(members(part.as_bytes()));
    members_of_both.extend(members(source.of_record(7, 2).as_bytes()));

    let documented = FIELDS.iter().filter_map(|field| Some((field.name.strip_prefix('.')?, field)));
    let documented: BTreeMap<_, _> = documented.collect();
    assert!(members_of_both.keys().map(String::as_str).eq(documented.keys().copied()));
    for (name, field) in &documented {
        let json = if members_of_both[*name].is_u64() { "number" } else { "string" };
        assert_eq!(field.json, json, "{name}");
    }
    let always = documented.values().filter(|field| field.always).count();
    let plain = Source::new("orders", "1", "i").identify("{}", 7, None, Instant::now());
    assert_eq!(members(&plain.line).len(), always);
}

#[test]
fn labels_precede_the_instance_and_are_escaped() {
    let labels =
        vec![("account".to_owned(), "1".to_owned()), ("team".to_owned(), "a\"b".to_owned())];
    let source = Source::new("orders", "1", "k3J9").with_labels(labels);
    let event = source.identify("{}", 7, None, Instant::now());
    let expected = r#"{"source":{"function":"orders","version":"1","account":"1","team":"a\"b","instance":"k3J9","seq":7}}"#;
    assert_eq!(std::str::from_utf8(&event.line).unwrap().trim_end(), expected);
    let source = source.of_instance("other").of_tenant("t").unwrap();
    assert!(
        source
            .of_record(1, 2)
            .contains(r#""tenantId":"t","account":"1","team":"a\"b","instance":"other""#)
    );
}
