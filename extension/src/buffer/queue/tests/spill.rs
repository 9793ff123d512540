//! A queue with a spill file.

use std::path::PathBuf;

use super::*;

/// A temporary folder that is deleted at the end of the test.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn new() -> Self {
        let path =
            std::env::temp_dir().join(format!("queue-{}", crate::base::random::new_instance()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(super) fn files(&self) -> usize {
        std::fs::read_dir(&self.0).unwrap().count()
    }

    /// Returns the queue of a new process that uses the folder.
    pub(super) fn queue(&self, instance: &str, bound: usize, max_bytes: u64) -> Queue {
        let source = Source::new("orders", "$LATEST", instance);
        let packer = Packer::new(LIMITS, Packing::default(), source);
        let settings = SpillSettings::new(self.0.clone(), max_bytes);
        let mut queue = Queue::new(packer, Arc::new(MemoryBudget::new(bound))).with_spill(settings);
        let (_, problems) = queue.adopt();
        assert_eq!(problems, [""; 0]);
        queue
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

#[test]
fn events_beyond_memory_wait_in_the_file_and_are_delivered() {
    let folder = Folder::new();
    let mut queue = folder.queue("a", 1_000, 1_000_000);
    for _ in 0..20 {
        assert_eq!(put(&mut queue, 5, 20).shed, 0);
        assert!(queue.memory.held() <= 1_000);
        check(&queue);
    }
    assert!(queue.stats.spilled > 0 && queue.ledger.balances(100));
    let mut arrived = drain(&mut queue);
    arrived.sort_unstable();
    assert_eq!(arrived, (1..=100).collect::<Vec<_>>());
    assert_eq!(queue.end(true), Leftovers::default());
    assert_eq!(folder.files(), 0, "nothing is left behind");
}

#[test]
fn events_beyond_memory_and_file_are_discarded() {
    let folder = Folder::new();
    let mut queue = folder.queue("a", 1_000, 10_000);
    let shed: u64 = (0..50).map(|_| put(&mut queue, 5, 20).shed).sum();
    assert!(queue.stats.spilled > 0 && shed > 0);
    check(&queue);
    assert_eq!(drain(&mut queue).len() as u64, 250 - shed);
}

#[test]
fn delivered_records_free_their_space_while_others_wait() {
    const MAX_BYTES: u64 = 20_000;
    let folder = Folder::new();
    let mut queue = folder.queue("a", 1_000, MAX_BYTES);
    let mut largest = 0;
    // Kinesis is slow, but keeps up: some records always wait in files.
    for round in 0..300 {
        let Overflow { shed, .. } = put(&mut queue, 5, 20);
        assert_eq!(shed, 0, "round {round}: {} events wait in files", queue.spilled());
        while queue.spilled() > 30 {
            let request = request(&mut queue);
            settle(&mut queue, &request, &vec![TAKEN; request.records.len()]);
        }
        check(&queue);
        let files = std::fs::read_dir(&folder.0).unwrap();
        let bytes = files.map(|file| file.unwrap().metadata().unwrap().len()).sum();
        assert!(bytes <= MAX_BYTES, "{bytes} bytes");
        largest = largest.max(bytes);
    }
    assert!(queue.stats.spilled > 500 && largest > MAX_BYTES / 4, "{}", queue.stats.spilled);
    let waiting = queue.held();
    queue.save();
    assert_eq!(queue.end(true), Leftovers { handed_over: waiting, lost: 0 });
    drop(queue);
    let mut next = folder.queue("b", 10_000, MAX_BYTES);
    assert_eq!(next.ledger.adopted, waiting);
    drain(&mut next);
    next.end(true);
    assert_eq!(folder.files(), 0);
}

#[test]
fn the_next_process_delivers_saved_events_once_unchanged() {
    let folder = Folder::new();
    let mut first = folder.queue("a", 10_000, 1_000_000);
    put(&mut first, 6, 1);
    // One part of a split event is acknowledged.
    put(&mut first, 1, 700);
    let request = request(&mut first);
    settle(&mut first, &request, &[TAKEN, refusal(false), refusal(false)]);
    first.save();
    assert_eq!(first.end(true), Leftovers { handed_over: 5, lost: 0 });
    check(&first);
    drop(first);

    let mut second = folder.queue("b", 10_000, 1_000_000);
    assert_eq!((second.ledger.adopted, second.held()), (5, 5));
    put(&mut second, 1, 1);
    let mut arrived = drain(&mut second);
    arrived.sort_unstable();
    arrived.dedup();
    assert_eq!(arrived, [1, 3, 4, 5, 6, 7], "1 is its own");
    assert_eq!(second.ledger.delivered, 6);
    second.end(true);
    assert_eq!(folder.files(), 0);
}

#[test]
fn adopted_but_undelivered_events_go_to_the_next_process() {
    let folder = Folder::new();
    let mut queue = folder.queue("a", 10_000, 1_000_000);
    put(&mut queue, 4, 1);
    queue.save();
    queue.end(true);
    drop(queue);
    let mut queue = folder.queue("b", 10_000, 1_000_000);
    let request = request(&mut queue);
    settle(&mut queue, &request, &[TAKEN, refusal(false)]);
    queue.save();
    assert_eq!(queue.end(true), Leftovers { handed_over: 2, lost: 0 });
    drop(queue);
    let mut queue = folder.queue("c", 10_000, 1_000_000);
    assert_eq!(drain(&mut queue), [3, 4], "and not what was delivered");
}

#[test]
fn a_killed_process_leaves_its_file_to_the_next() {
    let folder = Folder::new();
    let mut queue = folder.queue("a", 1_000, 1_000_000);
    (0..10).for_each(|_| _ = put(&mut queue, 5, 20));
    let spilled = queue.stats.spilled;
    drop(queue);
    let queue = folder.queue("b", 1_000, 1_000_000);
    assert_eq!(queue.ledger.adopted, spilled);
}

#[test]
fn the_file_of_a_live_process_is_not_touched() {
    let folder = Folder::new();
    let mut living = folder.queue("a", 1_000, 1_000_000);
    (0..10).for_each(|_| _ = put(&mut living, 5, 20));
    assert_eq!(folder.queue("b", 1_000, 1_000_000).ledger.adopted, 0);
    assert_eq!(drain(&mut living).len(), 50);
}

#[test]
fn without_a_next_process_leftovers_are_counted_and_deleted() {
    let folder = Folder::new();
    let mut queue = folder.queue("a", 1_000, 1_000_000);
    (0..10).for_each(|_| _ = put(&mut queue, 5, 20));
    assert_eq!(queue.end(false), Leftovers { handed_over: 0, lost: 50 });
    assert_eq!(queue.ledger.shed.end, 50);
    check(&queue);
    assert_eq!(folder.files(), 0);
}

#[test]
fn dead_letters_drain_the_file_and_the_rest_is_handed_over() {
    let folder = Folder::new();
    let mut queue = folder.queue("a", 10_000, 1_000_000).with_dead_letters();
    put(&mut queue, 6, 1);
    queue.save();
    let now = Instant::now();
    let letters = queue.request(Destination::LastResort, Scope::All, 10, now);
    queue.settle(&letters, Destination::LastResort, &[TAKEN, TAKEN, refusal(false)], now, now);
    assert_eq!(queue.end(true), Leftovers { handed_over: 2, lost: 0 });
    assert_eq!(queue.ledger.dead_lettered, 4);
    drop(queue);
    assert_eq!(drain(&mut folder.queue("b", 10_000, 1_000_000)), [5, 6]);
}

#[test]
fn in_an_unwritable_folder_events_stay_in_memory() {
    let folder = Folder::new();
    let settings = SpillSettings::new("/nowhere", 1_000_000);
    let mut queue = folder.queue("a", 1_000, 1_000_000).with_spill(settings);
    let shed: u64 = (0..10).map(|_| put(&mut queue, 5, 20).shed).sum();
    assert!(shed > 0 && queue.stats.spilled == 0);
    check(&queue);
    queue.save();
    assert_eq!(queue.end(true), Leftovers { handed_over: 0, lost: 50 - shed });
}

#[test]
fn saved_events_stay_in_the_file_when_dead_letters_drain_it() {
    let folder = Folder::new();
    let mut queue = folder.queue("a", 1_000, 1_000_000).with_dead_letters();
    while queue.spilled() == 0 {
        put(&mut queue, 1, 20);
    }
    // Delivers from memory until only the file holds a record.
    while queue.pending.iter().all(|pending| pending.frame.is_none()) {
        let request = queue.request(Destination::Stream, Scope::All, 1, Instant::now());
        settle(&mut queue, &request, &[TAKEN]);
    }
    put(&mut queue, 2, 1);
    queue.save();
    let now = Instant::now();
    let letters = queue.request(Destination::LastResort, Scope::All, 10, now);
    assert!(letters.records.len() > 1);
    let answers: Vec<_> =
        (0..letters.records.len()).map(|n| if n == 0 { TAKEN } else { refusal(false) }).collect();
    queue.settle(&letters, Destination::LastResort, &answers, now, now);
    let rescued = queue.end(true);
    check(&queue);
    drop(queue);
    assert!(rescued.handed_over > 0);
    assert_eq!(folder.queue("b", 10_000, 1_000_000).ledger.adopted, rescued.handed_over);
}

#[test]
fn a_split_event_is_saved_whole_or_not_at_all() {
    let folder = Folder::new();
    // The file has room for two of three parts.
    let mut queue = folder.queue("a", 100_000, 36 + 2 * 660);
    put(&mut queue, 1, 700);
    queue.save();
    assert_eq!(queue.end(true), Leftovers { handed_over: 0, lost: 1 });
    check(&queue);
    drop(queue);
    assert_eq!(folder.queue("b", 100_000, 1_000_000).ledger.adopted, 0);
}

#[test]
fn existing_files_are_adopted_even_if_writing_is_disabled() {
    let folder = Folder::new();
    let mut queue = folder.queue("a", 10_000, 1_000_000);
    put(&mut queue, 4, 1);
    queue.save();
    queue.end(true);
    drop(queue);
    assert_eq!(folder.queue("b", 10_000, 0).ledger.adopted, 4);
}

#[test]
fn unreadable_events_are_counted_as_discarded_by_number() {
    let folder = Folder::new();
    let mut queue = folder.queue("a", 1_000, 1_000_000);
    (0..10).for_each(|_| _ = put(&mut queue, 5, 20));
    let file = std::fs::read_dir(&folder.0).unwrap().next().unwrap().unwrap().path();
    std::fs::OpenOptions::new().write(true).open(file).unwrap().set_len(60).unwrap();
    let arrived = drain(&mut queue);
    assert!(queue.ledger.shed.unreadable > 0);
    let missing = (1..=50).filter(|seq| !arrived.contains(seq));
    assert!(missing.into_iter().all(|seq| queue.ledger.shed.ranges.contains(seq)));
}

#[test]
fn a_record_larger_than_memory_is_read_when_nothing_else_waits() {
    let folder = Folder::new();
    let process = |instance: &str| {
        let source = Source::new("orders", "$LATEST", instance);
        let limits =
            Limits { record_bytes: 10_000, target_bytes: 10_000, request_bytes: 10_000, ..LIMITS };
        let settings = SpillSettings::new(folder.0.clone(), 1_000_000);
        let packer = Packer::new(limits, Packing::default(), source);
        let mut queue = Queue::new(packer, Arc::new(MemoryBudget::new(4_000))).with_spill(settings);
        queue.adopt();
        queue
    };
    let mut first = process("a");
    while first.stats.spilled == 0 {
        put(&mut first, 1, 20);
    }
    first.save();
    let handed_over = first.end(true).handed_over;
    drop(first);
    assert_eq!(drain(&mut process("b")).len() as u64, handed_over);
}

#[test]
fn memory_stays_bounded_when_the_disk_is_full() {
    let folder = Folder::new();
    let mut queue = folder.queue("a", 4_000, 1_000_000);
    while queue.spilled() == 0 {
        put(&mut queue, 5, 20);
    }
    queue.spills.fail(0, &std::io::Error::other("no space left on device"));
    let shed: u64 = (0..200).map(|_| put(&mut queue, 5, 20).shed).sum();
    assert!(shed > 0 && queue.memory.held() <= 4_000, "{} bytes held", queue.memory.held());
    check(&queue);
    assert!(!drain(&mut queue).is_empty(), "what lies in the file is read");
}

/// Returns a queue whose preferred folder is missing, with a fallback.
fn queue_with_fallback(instance: &str, missing: &std::path::Path, fallback: &Folder) -> Queue {
    let settings =
        SpillSettings { folders: vec![missing.to_owned(), fallback.0.clone()], max_bytes: None };
    let packer = Packer::new(LIMITS, Packing::default(), Source::new("orders", "1", instance));
    let mut queue = Queue::new(packer, Arc::new(MemoryBudget::new(1_000))).with_spill(settings);
    assert_eq!(queue.adopt().1, [""; 0]);
    queue
}

#[test]
fn a_missing_folder_is_replaced_and_used_once_it_exists() {
    let (parent, fallback) = (Folder::new(), Folder::new());
    let missing = parent.0.join("missing");
    let mut first = queue_with_fallback("a", &missing, &fallback);
    assert_eq!(put(&mut first, 40, 20).shed, 0);
    first.save();
    assert_eq!(first.end(true), Leftovers { handed_over: 40, lost: 0 });
    assert_eq!(fallback.files(), 1);
    drop(first);

    std::fs::create_dir(&missing).unwrap();
    let mut second = queue_with_fallback("b", &missing, &fallback);
    assert_eq!(second.ledger.adopted, 40, "files of both folders are adopted");
    put(&mut second, 2, 1);
    second.save();
    assert_eq!(std::fs::read_dir(&missing).unwrap().count(), 1);
    second.end(true);
    drop(second);
    let mut third = queue_with_fallback("c", &missing, &fallback);
    assert_eq!(drain(&mut third).len(), 42);
    third.end(true);
    assert_eq!((std::fs::read_dir(&missing).unwrap().count(), fallback.files()), (0, 0));
}

#[test]
fn environments_sharing_a_fallback_use_their_own_files() {
    let (parent, fallback) = (Folder::new(), Folder::new());
    let mut queue = queue_with_fallback("a", &parent.0.join("missing"), &fallback);
    put(&mut queue, 40, 20);
    drop(queue);
    let others = queue_with_fallback("b", &parent.0.join("another"), &fallback);
    assert_eq!(others.ledger.adopted, 0);
}

#[tokio::test(start_paused = true)]
async fn spilling_is_retried_after_a_failure() {
    let parent = Folder::new();
    let path = parent.0.join("later");
    let settings = SpillSettings::new(&path, 1_000_000);
    let mut queue = parent.queue("a", 1_000, 1_000_000).with_spill(settings);
    assert!(put(&mut queue, 40, 20).shed > 0);
    std::fs::create_dir(&path).unwrap();
    assert!(put(&mut queue, 40, 20).shed > 0, "not at every event");
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    assert_eq!(put(&mut queue, 40, 20), Overflow { spilled: 40, shed: 0 });
    check(&queue);
}

#[test]
fn the_end_tries_to_save_even_after_a_recent_failure() {
    let folder = Folder::new();
    let mut queue = folder.queue("a", 10_000, 1_000_000);
    put(&mut queue, 6, 1);
    queue.save();
    queue.spills.fail(0, &std::io::Error::other("no space left on device"));
    put(&mut queue, 3, 1);
    queue.save();
    assert_eq!(queue.end(true), Leftovers { handed_over: 9, lost: 0 });
}
