//! Tests streams with missing events, and streams that only seem to lack some.

use proptest::prelude::*;
use serde_json::json;

use super::*;

const SINCE: i64 = 1_790_000_000_000;
const UNTIL: i64 = SINCE + 900_000;
/// When most events are generated and arrive: within the period, and settled.
const NOW: i64 = SINCE + 100_000;
const PERIOD: Period = Period { since_ms: SINCE, until_ms: UNTIL, settle_ms: 60_000 };

fn line(instance: &str, seq: u64, time_ms: i64, text: &str, more: &str) -> String {
    let time = verdict::time(time_ms);
    format!(
        "{{\"time\":\"{time}\",{text},\"source\":{{\"function\":\"orders\",\"instance\":\"{instance}\",\"seq\":{seq}{more}}}}}\n"
    )
}

fn log(seq: u64) -> String {
    line("i", seq, NOW, "\"type\":\"function\",\"record\":\"x\"", "")
}

fn part(seq: u64, part: u32, parts: u32, fragment: &str) -> String {
    format!(
        "{{\"type\":\"kinesis-telemetry.part\",\"record\":{fragment:?},\"source\":{{\"instance\":\"i\",\"seq\":{seq},\
         \"part\":{part},\"parts\":{parts}}}}}\n"
    )
}

fn ledger(seq: u64, shed: &[(u64, u64, u64)]) -> String {
    let range =
        |&(first, last, events): &_| json!({ "first": first, "last": last, "events": events });
    let shed: Vec<_> = shed.iter().map(range).collect();
    let record = json!({ "instance": "i", "upTo": seq - 1, "shedRanges": shed });
    line("i", seq, NOW, &format!("\"type\":\"kinesis-telemetry.ledger\",\"record\":{record}"), "")
}

/// Adds lines as records of one line each, which arrive when they are generated.
fn of(lines: impl IntoIterator<Item = String>) -> Completeness {
    let mut completeness = Completeness::new(PERIOD);
    for line in lines {
        completeness.record(line.as_bytes(), NOW);
    }
    completeness
}

fn judged(lines: impl IntoIterator<Item = String>) -> Verdict {
    of(lines).verdict("telemetry")
}

fn missing(verdict: &Verdict) -> Vec<(u64, u64)> {
    verdict.incomplete.iter().flat_map(|it| it.missing.clone()).collect()
}

#[test]
fn a_stream_without_events_is_complete() {
    let verdict = judged([]);
    assert!(verdict.complete && verdict.incomplete.is_empty());
    assert_eq!((verdict.since.as_str(), verdict.events), ("2026-09-21T14:13:20.000Z", 0));
}

#[test]
fn reordered_events_are_complete() {
    let verdict = judged([5, 1, 4, 2, 3].map(log));
    assert!(verdict.complete, "{verdict:?}");
    assert_eq!((verdict.events, verdict.instances, verdict.duplicates), (5, 1, 0));
}

#[test]
fn a_gap_is_named_with_its_function_and_instance() {
    let verdict = judged([1, 2, 6].map(log));
    assert!(!verdict.complete);
    let expected = Incomplete {
        function: Some("orders".to_owned()),
        instance: "i".to_owned(),
        missing: vec![(3, 5)],
        events: 3,
    };
    assert_eq!((verdict.missing_events, verdict.incomplete), (3, vec![expected]));
}

#[test]
fn a_late_event_fills_its_gap() {
    let mut completeness = of([1, 3].map(log));
    completeness.record(log(2).as_bytes(), UNTIL + 5_000);
    assert!(completeness.verdict("s").complete);
}

#[test]
fn a_gap_before_a_recent_event_is_not_judged_yet() {
    for (age, complete) in [(0, true), (59_999, true), (60_000, false)] {
        let mut completeness = of([1].map(log));
        completeness.record(log(3).as_bytes(), UNTIL - age);
        assert_eq!(completeness.verdict("s").complete, complete, "{age}");
    }
}

#[test]
fn a_duplicate_is_counted_and_changes_nothing() {
    let verdict = judged([1, 2, 2, 3, 1].map(log));
    assert!(verdict.complete);
    assert_eq!((verdict.events, verdict.duplicates, verdict.conflicting), (3, 2, 0));
}

#[test]
fn two_events_under_one_number_conflict() {
    let forged = line("i", 2, NOW, "\"type\":\"function\",\"record\":\"forged\"", "");
    let verdict = judged([log(1), log(2), forged]);
    assert!(!verdict.complete && verdict.missing_events == 0);
    assert_eq!((verdict.events, verdict.conflicting), (2, 1));
}

#[test]
fn an_event_arrives_with_its_last_part() {
    let parts = [part(2, 2, 2, "\"function\"}"), log(1), log(3)];
    assert_eq!(missing(&judged(parts.clone())), [(2, 2)]);
    let whole = judged(parts.into_iter().chain([part(2, 1, 2, "{\"type\":")]));
    assert!(whole.complete, "{whole:?}");
    assert_eq!((whole.events, whole.duplicates), (3, 0));
}

#[test]
fn an_event_whose_part_is_missing_is_missing_at_the_end_too() {
    assert_eq!(missing(&judged([log(1), part(2, 1, 2, "{")])), [(2, 2)]);
}

#[test]
fn a_part_that_arrives_again_is_a_duplicate() {
    let parts = [part(1, 1, 2, "{"), part(1, 1, 2, "{"), part(1, 2, 2, "}"), part(1, 2, 2, "}")];
    let verdict = judged(parts);
    assert_eq!((verdict.events, verdict.duplicates, verdict.conflicting), (1, 2, 0));
}

#[test]
fn forged_parts_do_not_spoil_an_event() {
    let parts = [part(2, 2, 65_536, "forged"), part(2, 1, 2, "{"), part(2, 2, 2, "}")];
    assert!(judged(parts.into_iter().chain([log(1), log(3)])).complete);
}

#[test]
fn parts_and_a_whole_event_under_one_number_conflict() {
    assert_eq!(judged([part(1, 1, 2, "{"), log(1)]).conflicting, 1);
}

#[test]
fn a_ledger_explains_what_was_shed() {
    let verdict = judged([log(1), log(2), log(6), ledger(7, &[(3, 5, 3)])]);
    assert!(verdict.complete, "{verdict:?}");
    assert_eq!((verdict.missing_events, verdict.shed_events), (0, 3));
}

#[test]
fn a_ledger_in_parts_explains_what_was_shed() {
    let whole = r#"{"type":"kinesis-telemetry.ledger","record":{"upTo":3,"shedRanges":[{"first":2,"last":2,"events":1}]}}"#;
    let (one, two) = whole.split_at(40);
    let verdict = judged([log(1), log(3), part(4, 2, 2, two), part(4, 1, 2, one), log(5)]);
    assert!(verdict.complete && verdict.shed_events == 1, "{verdict:?}");
}

#[test]
fn a_ledger_explains_no_more_events_than_it_counts() {
    let verdict = judged([log(1), log(6), ledger(7, &[(2, 5, 1)])]);
    assert_eq!((verdict.missing_events, verdict.shed_events), (3, 1));
    assert_eq!((missing(&verdict), verdict.incomplete[0].events), (vec![(2, 5)], 3));
}

#[test]
fn the_newest_ledger_counts() {
    let later = ledger(7, &[(2, 2, 1), (4, 4, 1)]);
    let lines = [log(1), later, ledger(3, &[(2, 2, 1)]), log(5), log(6)];
    assert!(judged(lines).complete);
}

#[test]
fn held_events_and_dead_letters_are_missing_until_they_arrive() {
    let record = json!({
        "instance": "i", "upTo": 3, "held": 1, "handedOver": 1, "deadLettered": 1, "adopted": 1, "shedRanges": [],
    });
    let text = format!("\"type\":\"kinesis-telemetry.ledger\",\"record\":{record}");
    let lines = [log(1), log(3), line("i", 4, NOW, &text, "")];
    assert_eq!(missing(&judged(lines.clone())), [(2, 2)]);
    assert!(judged(lines.into_iter().chain([log(2)])).complete);
}

#[test]
fn a_forged_ledger_of_too_many_events_explains_nothing() {
    for forged in [(1, 6, 99), (0, 6, 3), (3, 900, 3)] {
        assert_eq!(missing(&judged([log(1), log(2), log(6), ledger(7, &[forged])])), [(3, 5)]);
    }
}

#[test]
fn a_ledger_whose_number_has_two_events_explains_nothing() {
    let forged = ledger(5, &[(2, 2, 1)]);
    for lines in [[log(5), forged.clone()], [forged.clone(), log(5)]] {
        let verdict = judged([log(1), log(3), log(4)].into_iter().chain(lines));
        assert_eq!((missing(&verdict), verdict.conflicting), (vec![(2, 2)], 1));
    }
}

#[test]
fn a_ledger_of_one_instance_explains_nothing_of_another() {
    let of = |instance: &str, seq| {
        line(instance, seq, NOW, "\"type\":\"function\",\"record\":\"x\"", "")
    };
    let shed = [of("j", 1), of("j", 3), log(1), log(3), ledger(4, &[(2, 2, 1)])];
    let verdict = judged(shed);
    assert_eq!((verdict.instances, verdict.incomplete.len()), (2, 1));
    assert_eq!(verdict.incomplete[0].instance, "j");
}

#[test]
fn numbers_before_the_period_are_not_due() {
    let before = line("i", 8, SINCE - 1_000, "\"type\":\"function\"", "");
    // Number 9 may have arrived before the period, although 8 came late.
    assert!(judged([before.clone(), log(10), log(11)]).complete);
    assert_eq!(missing(&judged([before, log(10), log(12)])), [(11, 11)]);
}

#[test]
fn an_instance_that_begins_in_the_period_is_due_from_its_start() {
    assert_eq!(missing(&judged([log(1), log(3)])), [(2, 2)]);
    // Nothing shows whether numbers 1 and 2 were given within the period.
    assert!(judged([log(3), log(4)]).complete);
}

#[test]
fn clocks_may_differ_at_the_beginning_of_the_period() {
    let at = |seq, after| line("i", seq, SINCE + after, "\"type\":\"function\"", "");
    assert!(judged([at(1, 9_999), at(3, 20_000)]).complete);
    assert!(!judged([at(1, 10_000), at(3, 20_000)]).complete);
}

#[test]
fn a_gap_shows_only_if_the_period_is_long_enough() {
    let settle = Duration::from_millis(PERIOD.settle_ms.unsigned_abs());
    let too_short = i64::try_from(Period::too_short(settle).as_millis()).unwrap();
    for (length, missing) in [(too_short, 0), (too_short + 2, 1)] {
        let period = Period { until_ms: SINCE + length, ..PERIOD };
        let mut completeness = Completeness::new(period);
        for (seq, at) in (1..).zip(SINCE..=period.until_ms).filter(|(seq, _)| *seq != 10_002) {
            let line = line("i", seq, at, "\"type\":\"function\",\"record\":\"x\"", "");
            completeness.record(line.as_bytes(), at);
        }
        assert_eq!(completeness.verdict("telemetry").missing_events, missing);
    }
}

#[test]
fn an_event_without_a_time_begins_nothing() {
    let timeless = |seq| format!("{{\"a\":1,\"source\":{{\"instance\":\"i\",\"seq\":{seq}}}}}\n");
    assert!(judged([timeless(1), timeless(5)]).complete);
}

#[test]
fn what_cannot_be_read_or_numbered_is_counted() {
    let mut completeness = of(["no JSON\n".to_owned(), "{\"type\":\"function\"}\n".to_owned()]);
    completeness.record(&[0x1F, 0x8B, 0xFF], NOW);
    let verdict = completeness.verdict("s");
    assert_eq!((verdict.unreadable, verdict.anonymous, verdict.events), (2, 1, 0));
}

#[test]
fn the_instances_that_miss_most_are_listed_first() {
    let lines = (0..50).flat_map(|n| {
        let of = |seq| line(&format!("i{n:02}"), seq, NOW, "\"type\":\"function\"", "");
        [of(1), of(3 + n)]
    });
    let verdict = judged(lines);
    assert_eq!((verdict.incomplete.len(), verdict.missing_events), (20, (1..=50).sum()));
    let events: Vec<u64> = verdict.incomplete.iter().map(|it| it.events).collect();
    assert_eq!(events, (31..=50).rev().collect::<Vec<_>>());
}

#[test]
fn the_line_is_bounded_whatever_the_stream_holds() {
    let name = "x".repeat(10_000);
    let mut completeness = Completeness::new(PERIOD);
    for n in 0..40 {
        let of = |seq| line(&format!("{name}{n}"), seq, NOW, "\"type\":\"function\"", "");
        let lines: String = (0..200).map(|it| of(1 + 2 * it)).collect();
        completeness.record(lines.as_bytes(), NOW);
    }
    let verdict = completeness.verdict("s");
    assert_eq!(verdict.missing_events, 40 * 199);
    assert!(serde_json::to_string(&verdict).unwrap().len() < 20_000);
}

#[test]
fn many_events_take_the_memory_of_one_range() {
    let mut completeness = Completeness::new(PERIOD);
    for page in 0..100 {
        let lines: String = (1..=1_000).rev().map(|it| log(page * 1_000 + it)).collect();
        completeness.record(lines.as_bytes(), NOW);
    }
    let arrived = &completeness.instances[0].arrived;
    assert!(arrived.is_all_up_to(100_000) && completeness.verdict("s").complete);
}

#[test]
fn the_largest_numbers_do_not_overflow() {
    let verdict = judged([log(1), log((1 << 53) - 1)]);
    assert_eq!(verdict.missing_events, (1 << 53) - 3);
}

proptest! {
    #[test]
    fn the_verdict_does_not_depend_on_the_order(
        kept in prop::collection::vec(any::<bool>(), 30),
        shed in prop::collection::vec(any::<bool>(), 30),
        order in Just((1..=31_u64).collect::<Vec<_>>()).prop_shuffle(),
        again in prop::collection::vec(1..=31_u64, 0..9),
    ) {
        // Number 1 and the ledger, number 31, always arrive.
        let arrives = |seq: u64| seq == 1 || seq == 31 || kept[usize::try_from(seq).unwrap() - 1];
        let is_shed = |seq: u64| !arrives(seq) && shed[usize::try_from(seq).unwrap() - 1];
        let ranges: Vec<_> = (1..=30).filter(|it| is_shed(*it)).map(|it| (it, it, 1)).collect();
        let line = |seq: u64| if seq == 31 { ledger(31, &ranges) } else { log(seq) };
        let sent = order.into_iter().chain(again).filter(|it| arrives(*it));
        let verdict = judged(sent.map(line));
        let absent: Vec<u64> = (1..=30).filter(|it| !arrives(*it)).collect();
        let unexplained: Vec<u64> = absent.iter().copied().filter(|it| !is_shed(*it)).collect();
        prop_assert_eq!(verdict.shed_events, ranges.len() as u64);
        prop_assert_eq!(verdict.missing_events, unexplained.len() as u64);
        let listed = missing(&verdict).into_iter().flat_map(|(first, last)| first..=last);
        prop_assert_eq!(listed.collect::<Vec<_>>(), unexplained);
        prop_assert_eq!(verdict.conflicting, 0);
    }
}
