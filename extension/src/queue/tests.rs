use super::*;
use crate::event::Source;
use crate::pack::Limits;

const LIMITS: Limits =
    Limits { record_bytes: 400, target_bytes: 300, request_bytes: 1_000, request_records: 3 };

fn queue(bound: usize) -> Queue {
    let source = Source::new("orders", "$LATEST", "k3J9x0QvT2aB");
    Queue::new(Packer::new(LIMITS, source), Arc::new(Pressure::new(bound)))
}

/// Takes in `count` events of `len` bytes of text; returns how many were shed.
fn put(queue: &mut Queue, count: u64, len: usize) -> u64 {
    let source = Source::new("orders", "$LATEST", "k3J9x0QvT2aB");
    let object = format!(r#"{{"record":"{}"}}"#, "x".repeat(len));
    queue.push((1..=count).map(|seq| source.identify(&object, seq, None, Instant::now())))
}

/// What must hold whatever has happened.
fn check(queue: &Queue) {
    assert!(queue.ledger.balances(queue.len()), "{} but {} held", queue.ledger, queue.len());
    assert_eq!(queue.is_empty(), queue.pressure.held() == 0, "memory is counted to the byte");
}

#[test]
fn a_record_leaves_only_when_it_was_acknowledged() {
    let mut queue = queue(10_000);
    put(&mut queue, 5, 1);
    assert_eq!(queue.request(Scope::All, 500).len(), 3);
    queue.settle(&[true, false, true]);
    assert_eq!((queue.len(), queue.ledger.delivered), (2, 3));
    check(&queue);
    let again = queue.request(Scope::All, 500);
    assert_eq!(again.iter().map(|record| record.events).collect::<Vec<_>>(), [2]);
    queue.settle(&[true]);
    assert!(queue.is_empty());
    check(&queue);
}

#[test]
fn a_request_that_is_never_answered_takes_nothing_out() {
    let mut queue = queue(10_000);
    put(&mut queue, 3, 1);
    let first = queue.request(Scope::All, 500);
    assert_eq!(queue.request(Scope::All, 500), first);
    check(&queue);
}

#[test]
fn beyond_the_bound_new_events_are_shed_and_counted() {
    let mut queue = queue(500);
    assert!(put(&mut queue, 5, 10) > 0);
    assert!(queue.pressure.held() <= 500);
    check(&queue);
}

#[test]
fn a_refused_record_is_given_up_alone() {
    let mut queue = queue(10_000);
    put(&mut queue, 5, 1);
    queue.request(Scope::All, 500);
    assert_eq!(queue.give_up_first(), 2);
    assert_eq!((queue.len(), queue.ledger.shed.refused), (3, 2));
    check(&queue);
}

#[test]
fn a_refused_part_takes_the_rest_of_its_event_with_it_and_no_other() {
    let mut queue = queue(10_000);
    put(&mut queue, 2, 1_000);
    assert!(queue.request(Scope::All, 500).iter().all(|record| record.part_of == Some(1)));
    assert_eq!(queue.give_up_first(), 1);
    assert_eq!(queue.len(), 1);
    check(&queue);
}

#[test]
fn a_request_is_no_longer_than_asked() {
    let mut queue = queue(10_000);
    put(&mut queue, 6, 1);
    assert_eq!(queue.request(Scope::All, 1).len(), 1);
    assert_eq!(queue.request(Scope::All, 500).len(), 3, "the limit of a request");
}

#[test]
fn what_waits_for_company_is_no_full_record() {
    let mut queue = queue(10_000);
    put(&mut queue, 1, 1);
    assert!(!queue.has_full_record() && queue.request(Scope::Full, 500).is_empty());
    assert!(queue.oldest().is_some());
    put(&mut queue, 3, 1);
    assert!(queue.has_full_record() && !queue.request(Scope::Full, 500).is_empty());
}
