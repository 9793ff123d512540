use proptest::prelude::*;

use super::*;

const LIMITS: Limits =
    Limits { record_bytes: 400, target_bytes: 300, request_bytes: 1_000, request_records: 3 };

fn source() -> Source {
    Source::new("orders", "$LATEST", "k3J9x0QvT2aB")
}

/// Events whose own text is `{"record":"<text>"}`, numbered from 1.
fn events(texts: &[&str]) -> VecDeque<Event> {
    let object = |text: &&str| serde_json::json!({ "record": text }).to_string();
    let identify =
        |(object, seq): (String, u64)| source().identify(&object, seq, None, Instant::now());
    texts.iter().map(object).zip(1..).map(identify).collect()
}

fn pack(limits: Limits, texts: &[&str], scope: Scope) -> (Vec<Record>, usize) {
    let (mut events, mut records) = (events(texts), VecDeque::new());
    Packer::new(limits, source()).pack(&mut events, scope, &mut records);
    (records.into(), events.len())
}

/// What a consumer does: splits lines, joins parts, removes `source`.
fn unpack(records: &[Record]) -> Vec<String> {
    let mut texts = Vec::new();
    let mut joined = String::new();
    for record in records {
        let data = std::str::from_utf8(&record.data).unwrap();
        assert!(data.ends_with('\n'));
        for line in data.lines() {
            let mut value: serde_json::Value = serde_json::from_str(line).unwrap();
            let source = value["source"].take();
            if value["type"] == event_type::PART {
                joined.push_str(value["record"].as_str().unwrap());
                if source["part"] == source["parts"] {
                    let event: serde_json::Value = serde_json::from_str(&joined).unwrap();
                    texts.push(event["record"].as_str().unwrap().to_owned());
                    joined.clear();
                }
            } else {
                texts.push(value["record"].as_str().unwrap().to_owned());
            }
        }
    }
    texts
}

#[test]
fn events_share_a_record_up_to_the_target_in_their_order() {
    let (records, left) = pack(LIMITS, &["a", "b", "c", "d", "e"], Scope::All);
    assert_eq!(records.iter().map(|it| it.events).collect::<Vec<_>>(), [2, 2, 1]);
    assert_eq!((unpack(&records), left), (["a", "b", "c", "d", "e"].map(String::from).into(), 0));
}

#[test]
fn only_full_records_leave_the_last_events_waiting() {
    let (records, left) = pack(LIMITS, &["a", "b", "c", "d", "e"], Scope::Full);
    assert_eq!((records.len(), left), (2, 1));
    assert_eq!(pack(LIMITS, &["a"], Scope::Full), (vec![], 1));
}

#[test]
fn an_event_over_the_target_has_a_record_of_its_own() {
    let long = "x".repeat(200);
    let (records, _) = pack(LIMITS, &["a", &long, "b"], Scope::All);
    assert_eq!(records.len(), 3);
    assert_eq!(unpack(&records), ["a", &long, "b"]);
}

#[test]
fn a_record_may_reach_its_limit_to_the_byte_and_not_exceed_it() {
    let room = 400 - pack(LIMITS, &[""], Scope::All).0[0].size();
    let (exact, _) = pack(LIMITS, &[&"x".repeat(room)], Scope::All);
    assert_eq!(exact.iter().map(Record::size).collect::<Vec<_>>(), [400]);
    let (over, _) = pack(LIMITS, &[&"x".repeat(room + 1)], Scope::All);
    assert_eq!(over.len(), 2);
    assert!(over.iter().all(|record| record.size() <= 400));
}

#[test]
fn an_event_too_large_for_a_record_is_split_and_can_be_joined() {
    let huge = "naïve \"quoted\" \\ tab\t 🦀 ".repeat(200);
    let (records, left) = pack(LIMITS, &["a", &huge, "b"], Scope::All);
    assert!(records.iter().all(|record| record.size() <= 400));
    assert_eq!((unpack(&records), left), (vec!["a".into(), huge, "b".into()], 0));
    assert_eq!(records.iter().map(|record| record.events).sum::<u64>(), 3);
}

#[test]
fn a_split_event_joins_to_its_own_bytes() {
    let object = format!(r#"{{ "n": 1.00e2 , "s": "{}\u00e9" }}"#, "y".repeat(500));
    let event = source().identify(&object, 7, None, Instant::now());
    let mut records = VecDeque::new();
    Packer::new(LIMITS, source()).pack(&mut [event].into(), Scope::All, &mut records);
    let mut parts: Vec<serde_json::Value> =
        records.iter().map(|it| serde_json::from_slice(&it.data).unwrap()).collect();
    parts.sort_by_key(|it| it["source"]["part"].as_u64());
    let joined: String = parts.iter().map(|it| it["record"].as_str().unwrap()).collect();
    assert_eq!(joined, object);
    assert!(parts.iter().all(|it| it["source"]["seq"] == 7));
}

#[test]
fn a_request_takes_what_fits_by_count_and_by_bytes() {
    let record = |len: usize| Record {
        data: vec![b'x'; len].into(),
        key: "k".into(),
        events: 1,
        oldest: Instant::now(),
        part_of: None,
    };
    let fit = |lens: &[usize]| {
        super::fit(&lens.iter().map(|len| record(*len)).collect::<Vec<_>>(), &LIMITS)
    };
    assert_eq!(fit(&[]), 0);
    assert_eq!(fit(&[9, 9, 9, 9]), 3);
    assert_eq!(fit(&[499, 499]), 2, "exactly 1,000 bytes with their keys");
    assert_eq!(fit(&[499, 500]), 1);
}

proptest! {
    #[test]
    fn whatever_is_packed_unpacks_to_the_same_and_respects_every_limit(
        texts in prop::collection::vec("(?s).{0,300}", 0..40),
        target in 200_usize..400,
    ) {
        let limits = Limits { target_bytes: target, ..LIMITS };
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let (records, left) = pack(limits, &texts, Scope::All);
        prop_assert_eq!(left, 0);
        prop_assert!(records.iter().all(|record| record.size() <= limits.record_bytes));
        prop_assert_eq!(records.iter().map(|it| it.events).sum::<u64>(), texts.len() as u64);
        prop_assert_eq!(unpack(&records), texts);
    }
}
