use std::time::Instant;

use extension_spec::packing;
use proptest::prelude::*;

use super::*;
use kinesis_telemetry_consumer::strict::{self, Arrived};

/// Limits with an unbounded request.
const LIMITS: Limits = Limits {
    record_bytes: 400,
    target_bytes: 300,
    inflated_bytes: 100_000,
    request_bytes: 1_000_000,
    request_records: 500,
};

fn source() -> Source {
    Source::new("orders", "$LATEST", "k3J9x0QvT2aB")
}

/// Returns events whose own text is `{"record":"<text>"}`, numbered from 1.
fn events(texts: &[&str]) -> VecDeque<Event> {
    let object = |text: &&str| serde_json::json!({ "record": text }).to_string();
    let identify =
        |(object, seq): (String, u64)| source().identify(&object, seq, None, Instant::now());
    texts.iter().map(object).zip(1..).map(identify).collect()
}

fn pack(limits: Limits, texts: &[&str], scope: Scope) -> (Vec<Record>, usize) {
    pack_as(Packing::default(), limits, events(texts), scope)
}

/// Packs until nothing is left to pack.
fn pack_as(
    packing: Packing,
    limits: Limits,
    mut events: VecDeque<Event>,
    scope: Scope,
) -> (Vec<Record>, usize) {
    let source = source().in_envelope(packing.envelope);
    let mut packer = Packer::new(limits, packing, source);
    let mut records = Vec::new();
    loop {
        let more = packer.pack(&mut events, scope);
        if more.is_empty() {
            return (records, events.len());
        }
        records.extend(more);
    }
}

/// Returns the numbers and texts that arrive.
fn arrived(records: &[Record]) -> Vec<(u64, String)> {
    let arrived = Arrived::of(records.iter().map(|record| &record.data));
    assert_eq!(arrived.duplicates, 0);
    let text = |event: &String| {
        let event: serde_json::Value = serde_json::from_str(event).unwrap();
        event["record"].as_str().unwrap_or_default().to_owned()
    };
    arrived.events.iter().map(|((_, seq), event)| (*seq, text(event))).collect()
}

fn unpack(records: &[Record]) -> Vec<String> {
    arrived(records).into_iter().map(|(_, text)| text).collect()
}

#[test]
fn events_share_a_record_up_to_the_target_in_order() {
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
fn a_record_may_reach_its_limit_exactly() {
    let room = 400 - pack(LIMITS, &[""], Scope::All).0[0].size();
    let (exact, _) = pack(LIMITS, &[&"x".repeat(room)], Scope::All);
    assert_eq!(exact.iter().map(Record::size).collect::<Vec<_>>(), [400]);
    let (over, _) = pack(LIMITS, &[&"x".repeat(room + 1)], Scope::All);
    assert_eq!(over.len(), 2);
    assert!(over.iter().all(|record| record.size() <= 400));
}

#[test]
fn a_large_event_is_split_and_can_be_joined() {
    let huge = "naïve \"quoted\" \\ tab\t 🦀 ".repeat(200);
    let (records, left) = pack(LIMITS, &["a", &huge, "b"], Scope::All);
    assert!(records.iter().all(|record| record.size() <= 400));
    assert_eq!((unpack(&records), left), (vec!["a".into(), huge, "b".into()], 0));
    assert_eq!(
        records.iter().map(|record| record.events).sum::<u64>(),
        2,
        "a part is not an event"
    );
}

#[test]
fn a_split_event_joins_to_its_own_bytes() {
    let object = format!(r#"{{ "n": 1.00e2 , "s": "{}\u00e9" }}"#, "y".repeat(500));
    let event = source().identify(&object, 7, None, Instant::now());
    let mut packer = Packer::new(LIMITS, Packing::default(), source());
    let records = packer.pack(&mut [event].into(), Scope::All);
    let mut parts: Vec<serde_json::Value> =
        records.iter().map(|it| serde_json::from_slice(&it.data).unwrap()).collect();
    parts.sort_by_key(|it| it["source"]["part"].as_u64());
    let joined: String = parts.iter().map(|it| it["record"].as_str().unwrap()).collect();
    assert_eq!(joined, object);
    assert!(parts.iter().all(|it| it["source"]["seq"] == 7));
}

#[test]
fn each_part_names_the_invocation_of_its_event() {
    let object = format!(r#"{{"requestId":"own","s":"{}"}}"#, "y".repeat(500));
    for (request, expected) in [(Some("6d68ca91-49c9"), "6d68ca91-49c9"), (None, "")] {
        let event = source().identify(&object, 7, request, Instant::now());
        let mut packer = Packer::new(LIMITS, Packing::default(), source());
        let records = packer.pack(&mut [event].into(), Scope::All);
        assert!(records.len() > 1);
        for record in &records {
            let part: serde_json::Value = serde_json::from_slice(&record.data).unwrap();
            assert_eq!(part["source"]["requestId"].as_str().unwrap_or_default(), expected);
        }
    }
}

#[test]
fn no_more_is_packed_than_fits_into_a_request() {
    let limits = Limits { request_records: 3, ..LIMITS };
    let mut events = events(&["a"; 20]);
    let mut packer = Packer::new(limits, Packing::default(), source());
    assert_eq!(packer.pack(&mut events, Scope::All).len(), 3);
    let limits = Limits { request_bytes: 500, ..LIMITS };
    let mut packer = Packer::new(limits, Packing::default(), source());
    let bytes: usize = packer.pack(&mut events, Scope::All).iter().map(Record::size).sum();
    assert!((500..800).contains(&bytes), "{bytes}: enough to fill the request");
}

#[test]
fn format_event_packs_one_event_per_record() {
    let packing = Packing { format: RecordFormat::Event, ..Packing::default() };
    let (records, _) = pack_as(packing, LIMITS, events(&["a", "b", "c"]), Scope::Full);
    assert_eq!(records.iter().map(|it| it.events).collect::<Vec<_>>(), [1, 1, 1]);
    assert_eq!(unpack(&records), ["a", "b", "c"]);
}

#[test]
fn a_record_with_an_identity_line_has_consecutive_numbers() {
    let packing = Packing { envelope: Envelope::Record, ..Packing::default() };
    let source = source().in_envelope(Envelope::Record);
    let events = [1, 2, 5, 6].map(|seq| source.identify("{}", seq, None, Instant::now()));
    let (records, _) = pack_as(packing, LIMITS, events.into(), Scope::All);
    let seqs: Vec<u64> = arrived(&records).into_iter().map(|it| it.0).collect();
    assert_eq!(seqs, [1, 2, 5, 6]);
    for record in &records {
        let identities = strict::text(&record.data).matches("\"instance\"").count();
        assert_eq!(identities, 1, "stated once");
    }
    assert_eq!(
        records.iter().map(|it| (it.span.first, it.span.last)).collect::<Vec<_>>(),
        [(1, 2), (5, 6)]
    );
}

#[test]
fn records_by_request_hold_one_invocation_and_have_its_key() {
    let packing = Packing { partition_key: PartitionKey::Request, ..Packing::default() };
    let mut events = events(&["a", "b", "c"]);
    events[1].request = Some("r-1".into());
    events[2].request = Some("r-1".into());
    let (records, _) = pack_as(packing, LIMITS, events, Scope::All);
    let keys: Vec<&str> = records.iter().map(|record| &*record.key).collect();
    assert_eq!(keys, ["k3J9x0QvT2aB", "r-1"]);
}

#[test]
fn compressed_records_are_filled_up_to_the_target() {
    for compression in [Compression::Gzip, Compression::Zstd] {
        let limits = Limits { record_bytes: 40_000, target_bytes: 10_000, ..LIMITS };
        let limits = Limits { inflated_bytes: 1_000_000, ..limits };
        let packing = Packing { compression, ..Packing::default() };
        let line = |n: u64| format!("order {} accepted in {} ms", n * 7_919 % 100_003, n % 977);
        let lines: Vec<String> = (0..5_000).map(line).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let (records, _) = pack_as(packing, limits, events(&lines), Scope::All);
        let sizes: Vec<usize> = records.iter().map(Record::size).collect();
        let settled = &sizes[3..sizes.len() - 1];
        assert!(!settled.is_empty());
        assert!(settled.iter().all(|size| (8_000..14_000).contains(size)), "{sizes:?}");
    }
}

/// Yields every valid combination of settings.
fn packings() -> impl Strategy<Value = Packing> {
    let all = packing::COMBINATIONS.iter().flat_map(|it| {
        it.compressions.iter().flat_map(|compression| {
            it.envelopes.iter().map(|envelope| Packing {
                format: it.format,
                compression: *compression,
                envelope: *envelope,
                partition_key: PartitionKey::Instance,
            })
        })
    });
    prop::sample::select(all.collect::<Vec<_>>())
}

proptest! {
    #[test]
    fn every_packing_unpacks_to_the_same_within_every_limit(
        packing in packings(),
        texts in prop::collection::vec("(?s).{0,300}", 0..40),
        target in 200_usize..400,
    ) {
        // Leaves room for a part with its identity.
        let limits = Limits { record_bytes: 600, target_bytes: target, ..LIMITS };
        let source = source().in_envelope(packing.envelope);
        let object = |text: &String| serde_json::json!({ "record": text }).to_string();
        let events: VecDeque<Event> = texts
            .iter()
            .zip(1..)
            .map(|(text, seq)| source.identify(&object(text), seq, None, Instant::now()))
            .collect();
        let (records, left) = pack_as(packing, limits, events, Scope::All);
        prop_assert_eq!(left, 0);
        prop_assert!(records.iter().all(|record| record.size() <= limits.record_bytes));
        let arrived = arrived(&records);
        if packing.envelope != Envelope::None {
            prop_assert!(arrived.iter().map(|it| it.0).eq(1..=texts.len() as u64));
            prop_assert!(arrived.iter().map(|it| &it.1).eq(&texts));
        }
        let sorted = |mut texts: Vec<String>| {
            texts.sort_unstable();
            texts
        };
        let arrived = arrived.into_iter().map(|it| it.1).collect();
        prop_assert_eq!(sorted(arrived), sorted(texts));
    }
}

#[test]
fn a_record_holds_no_more_events_than_consumers_accept() {
    let limits = Limits { record_bytes: 1 << 20, target_bytes: 1 << 20, ..LIMITS };
    let packing = Packing { envelope: Envelope::None, ..Packing::default() };
    let source = source().in_envelope(Envelope::None);
    let events = (1..=50_000).map(|seq| source.identify("{}", seq, None, Instant::now())).collect();
    let (records, left) =
        pack_as(packing, Limits { inflated_bytes: 1 << 20, ..limits }, events, Scope::All);
    let counts: Vec<u64> = records.iter().map(|record| record.events).collect();
    assert_eq!((counts, left), (vec![40_000, 10_000], 0));
}

#[test]
fn an_identity_line_covers_no_more_events_than_consumers_accept() {
    let limits =
        Limits { record_bytes: 1 << 20, target_bytes: 1 << 20, inflated_bytes: 1 << 20, ..LIMITS };
    let packing = Packing { envelope: Envelope::Record, ..Packing::default() };
    let function = "f".repeat(4_000);
    let source = Source::new(&function, "1", "i").in_envelope(Envelope::Record);
    let mut events: VecDeque<Event> =
        (1..=10_000).map(|seq| source.identify("{}", seq, None, Instant::now())).collect();
    let records = Packer::new(limits, packing, source).pack(&mut events, Scope::All);
    assert!(records.iter().all(|it| it.events < 4_200), "{}", records[0].events);
    let read = records.iter().flat_map(|it| kinesis_telemetry_consumer::record(&it.data));
    assert_eq!(read.flatten().count(), 10_000);
}

#[test]
fn an_aggregate_under_another_key_stays_within_its_limit() {
    let limits = Limits { record_bytes: 4_096, target_bytes: 4_096, ..LIMITS };
    let packing = Packing { format: RecordFormat::Kpl, ..Packing::default() };
    let now = Instant::now();
    let mut moved = 0;
    for len in 1_800..2_100_usize {
        let text = "x".repeat(len);
        let (mut records, _) = pack_as(packing, limits, events(&[&text, &text]), Scope::All);
        let record = &mut records[0];
        if !record.is_aggregate {
            continue;
        }
        let mut keys = crate::pack::partition_keys::PartitionKeys::new(PartitionKey::Instance);
        keys.throttled(&record.base_key.clone(), now);
        keys.assign(record, limits.record_bytes, now);
        assert!(record.size() <= limits.record_bytes, "{} bytes", record.size());
        moved += usize::from(record.key != record.base_key);
    }
    assert!(moved > 0);
}
