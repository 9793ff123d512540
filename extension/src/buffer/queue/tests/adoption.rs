//! Events that a process adopts from the previous one, and leaves to the next one.

use super::spill::Folder;
use super::*;

#[test]
fn the_next_process_skips_acknowledged_records_in_place() {
    use std::os::unix::fs::MetadataExt as _;

    let folder = Folder::new();
    let file = |folder: &Folder| std::fs::read_dir(&folder.0).unwrap().next().unwrap().unwrap();
    let mut queue = folder.queue("a", 10_000, 1_000_000);
    put(&mut queue, 6, 1);
    queue.save();
    let before = file(&folder).metadata().unwrap();
    let request = request(&mut queue);
    settle(&mut queue, &request, &[TAKEN, refusal(false), TAKEN]);
    assert_eq!(queue.end(true), Leftovers { handed_over: 2, lost: 0 });
    let after = file(&folder).metadata().unwrap();
    assert_eq!((before.ino(), before.len()), (after.ino(), after.len()), "nothing is copied");
    drop(queue);
    // This process is killed, and the next one finds the same records.
    assert_eq!(folder.queue("b", 10_000, 1_000_000).held(), 2);
    assert_eq!(drain(&mut folder.queue("c", 10_000, 1_000_000)), [3, 4]);
}

#[test]
fn a_kill_repeats_no_acknowledged_record() {
    let folder = Folder::new();
    let mut queue = folder.queue("a", 10_000, 1_000_000);
    put(&mut queue, 6, 1);
    queue.save();
    let request = request(&mut queue);
    settle(&mut queue, &request, &[TAKEN, TAKEN, refusal(false)]);
    drop(queue);
    assert_eq!(drain(&mut folder.queue("b", 10_000, 1_000_000)), [5, 6]);
}

#[test]
fn a_halved_record_stays_in_its_file_until_both_halves_are_sent() {
    let folder = Folder::new();
    let mut queue = folder.queue("a", 10_000, 1_000_000);
    put(&mut queue, 4, 1);
    queue.save();
    let whole = queue.request(Destination::Stream, Scope::All, 1, Instant::now());
    assert!(queue.halve(&whole));
    let half = queue.request(Destination::Stream, Scope::All, 1, Instant::now());
    settle(&mut queue, &half, &[TAKEN]);
    drop(queue);
    assert_eq!(folder.queue("b", 10_000, 1_000_000).held(), 4);
}

/// Leaves a file with many small frames, the last of which are parts of one event.
fn leave_many(folder: &Folder, frames: u64) {
    let mut spill = crate::buffer::spill::Spill::create(&folder.0, "a", u64::MAX).unwrap();
    for number in 1..=frames {
        let span = Span { instance: "a".into(), first: number, last: number };
        spill.append(&Record { events: 1, span, ..Record::sample(*b"x\n", "k") }).unwrap();
    }
    let span = Span { instance: "a".into(), first: frames + 1, last: frames + 1 };
    for part in 1..=3 {
        let part = Some(crate::pack::Part { part, parts: 3 });
        let record = Record { events: 0, part, span: span.clone(), ..Record::sample(*b"x\n", "k") };
        spill.append(&record).unwrap();
    }
}

#[test]
fn a_large_file_is_adopted_in_slices_with_a_balanced_ledger() {
    let folder = Folder::new();
    let frames = FIRST_FRAMES as u64 + 2 * FRAMES as u64;
    leave_many(&folder, frames);
    let mut queue = folder.queue("b", 1_000_000, 0);
    assert!(queue.held() <= FIRST_FRAMES as u64 && queue.has_undiscovered());
    check(&queue);
    let mut slices = 0;
    loop {
        let before = queue.ledger.adopted;
        let request = request(&mut queue);
        slices += u64::from(queue.ledger.adopted > before);
        if request.records.is_empty() {
            break;
        }
        assert!(queue.held() > 0);
        settle(&mut queue, &request, &vec![TAKEN; request.records.len()]);
        assert!(queue.ledger.balances(queue.held()), "{} but {} held", queue.ledger, queue.held());
    }
    assert!(slices > 1 && queue.is_drained());
    assert_eq!((queue.ledger.adopted, queue.ledger.delivered), (frames + 1, frames + 1));
    queue.end(true);
    assert_eq!(folder.files(), 0);
}

#[test]
fn undiscovered_events_are_left_to_the_next_process() {
    let folder = Folder::new();
    leave_many(&folder, 2 * FIRST_FRAMES as u64);
    let mut queue = folder.queue("b", 1_000_000, 0);
    let known = queue.held();
    let request = request(&mut queue);
    settle(&mut queue, &request, &vec![TAKEN; request.records.len()]);
    let taken = queue.ledger.delivered;
    assert_eq!(queue.end(true), Leftovers { handed_over: known - taken, lost: 0 });
    assert!(queue.ledger.balances(0));
    drop(queue);
    let mut queue = folder.queue("c", 1_000_000, 0);
    // No process follows, so unknown events are counted as lost, too.
    let lost = queue.end(false).lost;
    assert!(lost >= known - taken && queue.ledger.balances(0), "{lost} of {known}");
    assert_eq!(folder.files(), 0);
}

#[test]
fn a_save_without_time_keeps_everything_in_memory() {
    let folder = Folder::new();
    let mut queue = folder.queue("a", 10_000, 1_000_000);
    put(&mut queue, 6, 1);
    queue.save_until(Instant::now().checked_sub(Duration::from_secs(1)).unwrap());
    assert_eq!((folder.files(), queue.held()), (0, 6));
    assert_eq!(drain(&mut queue).len(), 6);
}

#[test]
fn records_of_a_deleted_file_are_saved_again() {
    let folder = Folder::new();
    let mut queue = folder.queue("a", 1_000, 1_000_000);
    (0..10).for_each(|_| _ = put(&mut queue, 5, 20));
    request(&mut queue);
    queue.save();
    for entry in std::fs::read_dir(&folder.0).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    queue.save();
    assert_eq!(queue.end(true), Leftovers { handed_over: 50, lost: 0 });
    drop(queue);
    assert_eq!(folder.queue("b", 1_000, 1_000_000).ledger.adopted, 50);
}

/// Returns a moment that is far enough away.
fn later() -> Instant {
    Instant::now() + Duration::from_mins(1)
}

#[test]
fn an_early_save_survives_a_kill_and_frees_memory() {
    let folder = Folder::new();
    let mut queue = folder.queue("a", 100_000, 1_000_000);
    put(&mut queue, 40, 20);
    request(&mut queue);
    assert!(queue.has_unsaved());
    let before = queue.memory.held();
    queue.save_early(later());
    assert!(!queue.has_unsaved() && queue.memory.held() < before);
    assert_eq!((queue.held(), queue.stats.spilled), (40, 0));
    check(&queue);
    put(&mut queue, 1, 700);
    queue.save_early(later());
    assert!(!queue.has_unsaved());
    drop(queue);
    let mut next = folder.queue("b", 100_000, 1_000_000);
    assert_eq!(next.ledger.adopted, 41);
    let mut arrived = drain(&mut next);
    arrived.sort_unstable();
    arrived.dedup();
    assert_eq!(arrived, (1..=41).collect::<Vec<_>>());
}

#[test]
fn an_early_save_does_not_repeat_events() {
    let folder = Folder::new();
    let mut queue = folder.queue("a", 100_000, 1_000_000);
    for _ in 0..5 {
        put(&mut queue, 10, 20);
        let request = request(&mut queue);
        queue.save_early(later());
        settle(&mut queue, &request, &vec![TAKEN; request.records.len()]);
        check(&queue);
    }
    let mut arrived = drain(&mut queue);
    arrived.sort_unstable();
    let delivered = queue.ledger.delivered;
    assert!(arrived.len() < 50 && delivered == 50, "{delivered}");
    queue.end(true);
    assert_eq!(folder.files(), 0);
}

#[test]
fn after_a_partial_early_save_importance_still_decides() {
    let folder = Folder::new();
    let mut queue = folder.queue("a", 2_000, 20_000);
    let mut first = 1;
    let mut shed = 0;
    while shed == 0 {
        let record = if first % 2 == 0 { r#"{"level":"DEBUG"}"# } else { r#"{"level":"ERROR"}"# };
        shed += queue.push(events(first, 1, record)).shed;
        queue.save_early(later());
        check(&queue);
        first += 1;
    }
    let shed: Vec<u64> = (1..first).filter(|seq| queue.ledger.shed.ranges.contains(*seq)).collect();
    assert!(shed.iter().all(|seq| seq % 2 == 0), "errors are kept: {shed:?}");
}

#[test]
fn a_large_event_does_not_block_an_early_save() {
    let folder = Folder::new();
    let mut queue = folder.queue("a", 10_000_000, 50_000_000);
    put(&mut queue, 1, 1_500_000);
    put(&mut queue, 5, 20);
    queue.save_early(later());
    assert!(!queue.has_unsaved() && queue.events.is_empty());
    check(&queue);
    drop(queue);
    assert_eq!(folder.queue("b", 10_000_000, 50_000_000).held(), 6);
}
