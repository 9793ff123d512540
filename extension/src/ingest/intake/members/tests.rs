use proptest::prelude::*;

use super::*;

/// Returns the pieces of a body: values as they are, `!` and the bytes of invalid pieces, `…` for an unfinished array.
fn pieces(body: &[u8]) -> Vec<String> {
    let text = |(piece, _)| match piece {
        Piece::Value(text) => text.to_owned(),
        Piece::Invalid { bytes, .. } => format!("!{}", escaped(bytes)),
        Piece::Unfinished => "…".to_owned(),
    };
    members(body).expect("it begins an array").map(text).collect()
}

fn escaped(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string().replace("\\\"", "\"")
}

const A: &str = r#"{"time":"1","type":"function","record":"a"}"#;
const B: &str = r#"{"type":"platform.runtimeDone","record":{"requestId":"b"}}"#;

#[test]
fn an_invalid_member_affects_only_itself() {
    let bad: [&[u8]; 23] = [
        b"{\"record\":\"\xe9\"}",
        b"{\"record\":\"\xed\xa0\x80\"}",
        b"{\"record\":\"a\x00b\"}",
        b"{\"record\":\"a\nb\"}",
        b"{\"record\":\"a\tb\"}",
        b"{\"record\":NaN}",
        b"NaN",
        b"-Infinity",
        b"undefined",
        b"{\"record\":01}",
        b"{\"record\":1.}",
        b"{\"record\":+1}",
        b"{\"record\":\"\\x41\"}",
        b"{\"record\":\"\\u12\"}",
        b"{\"record\":tru}",
        b"{'record':'a'}",
        b"{record:1}",
        b"{\"record\":1,}",
        b"{\"record\" 1}",
        b"{\"record\":[1,2,],\"x\":[{\"type\":1},{\"type\":2}]}",
        b"{\"record\":[{\"time\":1},{\"time\":2},NaN]}",
        b"{\"record\":(1)}",
        b"\xff\xfe\x00",
    ];
    for member in bad {
        let body = [b"[", A.as_bytes(), b" , ", member, b",", B.as_bytes(), b"]"].concat();
        let expected = [A.to_owned(), format!("!{}", escaped(member)), B.to_owned()];
        assert_eq!(pieces(&body), expected);
    }
}

#[test]
fn a_member_with_an_uncertain_end_affects_no_other_event() {
    for bad in [
        r#"{"record":"a " b"}"#,
        r#"{"record":"C:\"}"#,
        r#"{"record":"a}"#,
        r#"{"record":{"a":1}"#,
        r#"{"record":[[1]}"#,
        r#"{"record":"a" "b"}"#,
        r#"{"record"#,
        "[[[[",
        "\"",
    ] {
        let body = format!("[{A},{bad},{B},{bad},{A}]");
        let found = pieces(body.as_bytes());
        let good: Vec<&String> = found.iter().filter(|it| !it.starts_with(['!', '…'])).collect();
        assert_eq!(good, [A, B, A], "{bad}");
    }
}

#[test]
fn bytes_between_members_are_invalid() {
    for (body, expected) in [
        ("[{},,{}]", &["{}", "!,", "{}"][..]),
        ("[,{}]", &["!,", "{}"]),
        ("[{},]", &["{}", "!,"]),
        ("[{}, , ,]", &["{}", "!, ,"]),
        ("[{}{}]", &["{}", "{}"]),
        ("[{} x {} y]", &["{}", "!x", "{}", "!y"]),
        ("[{}} , {}]", &["{}", "!}", "{}"]),
        (r#"[{"a":1]},{}]"#, &[r#"!{"a":1]}"#, "{}"]),
        ("[1 2]", &["!1 2"]),
        ("[{}] x", &["{}", "!x"]),
        ("[{}]]", &["{}", "!]"]),
        ("[{}][{}]", &["{}", "[{}]"]),
        ("[{}\u{c}]", &["{}", "!\\x0c"]),
        ("[{},{}", &["{}", "{}", "…"]),
        ("[{},", &["{}", "…"]),
        (r#"[{},{"a"#, &["{}", r#"!{"a"#, "…"]),
        ("[]", &[]),
        (" [ ] \n", &[]),
    ] {
        assert_eq!(pieces(body.as_bytes()), expected, "{body}");
    }
}

#[test]
fn a_body_that_starts_no_array_has_no_members() {
    for body in ["", " ", "{}", "no json", "[", " [ ", "\u{feff}[]", "\"[\""] {
        assert!(members(body.as_bytes()).is_none(), "{body}");
    }
}

/// Splits hostile bodies. Quadratic time would take minutes in an unoptimised test.
#[test]
fn hostile_bodies_take_linear_time() {
    for unit in [
        "{",
        "[",
        "\"",
        "\\\"",
        "{\"",
        "[{\"time\":\"",
        ",{\"time\":\"",
        ",{\"time\":[\"a\" ",
        "{}x",
        ",",
        "}",
        "]",
    ] {
        let body = format!("[{}", unit.repeat(128 * 1024 / unit.len()));
        let start = std::time::Instant::now();
        let _ = members(body.as_bytes()).unwrap().count();
        assert!(start.elapsed().as_secs() < 10, "{unit}");
    }
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        "(\\PC|[\\\\\"\\[\\]{},\n])*".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::btree_map("[a-z\"\\\\,]{0,4}", inner, 0..5)
                .prop_map(|it| serde_json::Value::Object(it.into_iter().collect())),
        ]
    })
}

fn space() -> impl Strategy<Value = String> {
    "[ \t\r\n]{0,2}"
}

proptest! {
    #[test]
    fn generated_arrays_are_split_as_serde_json_does(members_of in prop::collection::vec((value(), space(), space()), 0..6), outer in space()) {
        let members_of: Vec<String> = members_of.iter().map(|(it, a, b)| format!("{a}{it}{b}")).collect();
        let body = format!("{outer}[{outer}{}]{outer}", members_of.join(","));
        let expected: Vec<&RawValue> = serde_json::from_str(&body).unwrap();
        let expected: Vec<&str> = expected.into_iter().map(RawValue::get).collect();
        prop_assert_eq!(pieces(body.as_bytes()), expected);
    }

    #[test]
    fn accepted_bodies_are_split_as_serde_json_does(body in "\\[[\\[\\]{}\",:\\\\0-9a-e. -]{0,24}\\]") {
        if let Ok(expected) = serde_json::from_str::<Vec<&RawValue>>(&body) {
            let expected: Vec<&str> = expected.into_iter().map(RawValue::get).collect();
            prop_assert_eq!(pieces(body.as_bytes()), expected);
        }
    }

    #[test]
    fn no_byte_is_lost(mut body in "\\[[\\[\\]{}\",:\\\\0-9a-e. \u{e9}\n-]{1,48}", at in any::<prop::sample::Index>(), byte: u8) {
        body += A;
        let mut body = body.into_bytes();
        let at = 1 + at.index(body.len() - 1);
        body[at] = byte;
        let Some(found) = members(&body) else { return Ok(()) };
        let (mut at, mut ended) = (0, false);
        for (piece, _) in found {
            prop_assert!(!ended);
            let bytes = match piece {
                Piece::Value(text) => text.as_bytes(),
                Piece::Invalid { bytes, .. } => bytes,
                Piece::Unfinished => { ended = true; continue }
            };
            let start = bytes.as_ptr() as usize - body.as_ptr() as usize;
            prop_assert!(!bytes.is_empty() && start >= at);
            prop_assert!(body[at..start].iter().all(|byte| b" \t\r\n,[]".contains(byte)));
            at = start + bytes.len();
        }
        prop_assert!(body[at..].iter().all(|byte| b" \t\r\n,[]".contains(byte)));
    }

    #[test]
    fn a_damaged_member_affects_no_other(at in any::<prop::sample::Index>(), byte: u8) {
        let mut member = A.as_bytes().to_vec();
        let at = at.index(member.len());
        // These bytes would move the boundaries of a member.
        prop_assume!(!b",[]{}".contains(&byte));
        member[at] = byte;
        let body = [b"[", A.as_bytes(), b",", &member, b",", B.as_bytes(), b"]"].concat();
        let found = pieces(&body);
        prop_assert_eq!(&*found[0], A);
        prop_assert!(found.iter().any(|it| it == B), "{:?}", found);
    }
}
