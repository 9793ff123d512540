use super::*;
use crate::event::Source;
use crate::pack::sink::{Refusal, Trouble};
use crate::pack::{Limits, Packing};

const LIMITS: Limits = Limits {
    record_bytes: 400,
    target_bytes: 300,
    inflated_bytes: 1_000,
    request_bytes: 1_000,
    request_records: 3,
};
const TAKEN: Result<(), Refusal> = Ok(());

fn source() -> Source {
    Source::new("orders", "$LATEST", "k3J9x0QvT2aB")
}

fn queue(bound: usize) -> Queue {
    let packer = Packer::new(LIMITS, Packing::default(), source());
    Queue::new(packer, Arc::new(MemoryBudget::new(bound)))
}

/// Returns events with this record, numbered from `first`.
fn events(first: u64, count: u64, record: &str) -> Vec<Event> {
    let object = format!(r#"{{"type":"function","record":{record}}}"#);
    let numbers = first..first + count;
    numbers.map(|seq| source().identify(&object, seq, None, Instant::now())).collect()
}

/// Queues `count` events with `len` bytes of text.
fn put(queue: &mut Queue, count: u64, len: usize) -> Overflow {
    let first = queue.ledger.received + 1;
    queue.push(events(first, count, &format!("{:?}", "x".repeat(len))))
}

fn request(queue: &mut Queue) -> Request {
    queue.request(Destination::Stream, Scope::All, 500, Instant::now())
}

/// Answers a request at once; rejected records may be sent again at once.
fn settle(queue: &mut Queue, request: &Request, answers: &[Result<(), Refusal>]) {
    let now = Instant::now();
    queue.settle(request, Destination::Stream, answers, now, now);
}

fn refusal(is_throttled: bool) -> Result<(), Refusal> {
    Err(Refusal { is_throttled, ..Refusal::for_now(Trouble::new("refused")) })
}

/// Delivers everything. Returns the numbers that arrived.
fn drain(queue: &mut Queue) -> Vec<u64> {
    let mut seqs = Vec::new();
    loop {
        let request = request(queue);
        if request.records.is_empty() {
            return seqs;
        }
        for line in request.records.iter().flat_map(|it| it.data.split(|byte| *byte == b'\n')) {
            if let Ok(event) = serde_json::from_slice::<serde_json::Value>(line) {
                seqs.push(event["source"]["seq"].as_u64().unwrap());
            }
        }
        settle(queue, &request, &vec![TAKEN; request.records.len()]);
        check(queue);
    }
}

/// Checks the invariants of the queue.
fn check(queue: &Queue) {
    assert!(queue.ledger.balances(queue.held()), "{} but {} held", queue.ledger, queue.held());
    let in_memory = !queue.events.is_empty() || !queue.pending.is_empty();
    assert_eq!(!in_memory, queue.memory.held() == 0, "memory is counted exactly");
}

#[test]
fn a_record_leaves_the_queue_only_when_acknowledged() {
    let mut queue = queue(10_000);
    put(&mut queue, 5, 1);
    let first = request(&mut queue);
    assert_eq!(first.records.len(), 3);
    settle(&mut queue, &first, &[TAKEN, refusal(false), TAKEN]);
    assert_eq!((queue.held(), queue.ledger.delivered), (2, 3));
    check(&queue);
    let again = request(&mut queue);
    assert_eq!(again.records.iter().map(|record| record.events).collect::<Vec<_>>(), [2]);
    settle(&mut queue, &again, &[TAKEN]);
    assert!(queue.is_drained());
    check(&queue);
}

#[test]
fn a_request_without_an_answer_removes_nothing() {
    let mut queue = queue(10_000);
    put(&mut queue, 3, 1);
    let first = request(&mut queue);
    assert_eq!(request(&mut queue), first);
    check(&queue);
}

#[test]
fn a_rejected_record_waits_without_delaying_others() {
    let mut queue = queue(10_000);
    put(&mut queue, 8, 1);
    let first = request(&mut queue);
    let now = Instant::now();
    let later = now + std::time::Duration::from_secs(5);
    queue.settle(&first, Destination::Stream, &[refusal(false), TAKEN, TAKEN], later, now);
    let second = request(&mut queue);
    assert_eq!(second.records.iter().map(|it| it.span.first).collect::<Vec<_>>(), [7]);
    settle(&mut queue, &second, &[TAKEN]);
    let third = request(&mut queue);
    assert_eq!((third.records.len(), third.until), (0, Some(later)));
    let at_last = queue.request(Destination::Stream, Scope::All, 500, later);
    assert_eq!(at_last.records[0].span.first, 1);
}

#[test]
fn only_throttled_records_are_sent_under_another_key() {
    let mut queue = queue(10_000);
    put(&mut queue, 4, 1);
    let first = request(&mut queue);
    settle(&mut queue, &first, &[refusal(true), refusal(false)]);
    let keys: Vec<String> =
        request(&mut queue).records.iter().map(|record| record.key.to_string()).collect();
    assert_eq!(keys, ["k3J9x0QvT2aB-1", "k3J9x0QvT2aB"]);
}

#[test]
fn beyond_the_bound_the_least_important_events_are_discarded() {
    let mut queue = queue(1_000 + 6 * Event::OVERHEAD);
    queue.push(events(1, 3, r#"{"level":"ERROR"}"#));
    queue.push(events(4, 3, r#"{"level":"DEBUG"}"#));
    let overflow = queue.push(events(7, 3, r#"{"level":"INFO"}"#));
    assert!(overflow.shed > 0 && queue.memory.excess() == 0);
    check(&queue);
    let shed: Vec<u64> = (1..=9).filter(|it| queue.ledger.shed.ranges.contains(*it)).collect();
    assert_eq!(shed, [4, 5, 6][..overflow.shed.min(3) as usize]);
    let overflow = queue.push(events(10, 9, r#"{"level":"FATAL"}"#));
    assert!(overflow.shed > 0 && (4..=9).all(|it| queue.ledger.shed.ranges.contains(it)));
    check(&queue);
}

#[test]
fn only_the_rejected_record_is_discarded() {
    let mut queue = queue(10_000);
    put(&mut queue, 5, 1);
    let request = queue.request(Destination::Stream, Scope::All, 1, Instant::now());
    assert_eq!(queue.give_up(&request), 2);
    assert_eq!((queue.held(), queue.ledger.shed.refused), (3, 2));
    assert!(queue.ledger.shed.ranges.contains(1) && !queue.ledger.shed.ranges.contains(3));
    check(&queue);
}

#[test]
fn a_rejected_record_waits_for_the_dead_letter_queue() {
    let mut queue = queue(10_000).with_dead_letters();
    put(&mut queue, 2, 1);
    let refused = request(&mut queue);
    assert_eq!(queue.give_up(&refused), 2);
    assert!(queue.is_drained() && request(&mut queue).records.is_empty());
    assert!(queue.has_any_for(Destination::DeadLetters));
    let now = Instant::now();
    let letters = queue.request(Destination::DeadLetters, Scope::All, 10, now);
    queue.settle(&letters, Destination::DeadLetters, &[TAKEN], now, now);
    assert_eq!((queue.held(), queue.ledger.dead_lettered, queue.acknowledged()), (0, 2, 0));
    check(&queue);
}

#[test]
fn a_rejected_part_discards_only_its_event() {
    let mut queue = queue(10_000);
    put(&mut queue, 2, 1_000);
    let first = queue.request(Destination::Stream, Scope::All, 1, Instant::now());
    assert!(first.records[0].part.is_some());
    assert_eq!(queue.give_up(&first), 1);
    assert_eq!(queue.held(), 1);
    check(&queue);
}

#[test]
fn a_split_event_counts_when_its_last_part_is_delivered() {
    let mut queue = queue(10_000);
    put(&mut queue, 1, 1_000);
    let first = request(&mut queue);
    let parts = first.records.len();
    assert!(first.records.iter().all(|record| record.part.is_some()));
    let mut answers = vec![TAKEN; parts];
    answers[0] = refusal(false);
    settle(&mut queue, &first, &answers);
    assert_eq!((queue.ledger.delivered, queue.held()), (0, 1), "its first part is missing");
    check(&queue);
    drain(&mut queue);
    assert_eq!((queue.ledger.delivered, queue.held()), (1, 0));
}

#[test]
fn a_request_respects_the_maximum_number_of_records() {
    let mut queue = queue(10_000);
    put(&mut queue, 6, 1);
    let now = Instant::now();
    assert_eq!(queue.request(Destination::Stream, Scope::All, 1, now).records.len(), 1);
    assert_eq!(request(&mut queue).records.len(), 3, "the limit of a request");
}

#[test]
fn only_what_fits_into_a_request_is_packed() {
    let mut queue = queue(100_000);
    put(&mut queue, 100, 1);
    request(&mut queue);
    assert_eq!((queue.pending.len(), queue.events.len()), (3, 94));
}

#[test]
fn a_partly_filled_record_is_not_full() {
    let full = |queue: &mut Queue| {
        queue.request(Destination::Stream, Scope::Full, 500, Instant::now()).records
    };
    let mut queue = queue(10_000);
    put(&mut queue, 1, 1);
    assert!(!queue.has_full_record() && full(&mut queue).is_empty());
    assert!(queue.oldest().is_some());
    put(&mut queue, 3, 1);
    assert!(queue.has_full_record() && !full(&mut queue).is_empty());
}

mod adoption;
mod large;
mod spill;
