use super::*;

const SECOND: Duration = Duration::from_secs(1);
const MAX: usize = 1_048_576;

fn record(base_key: &str, len: usize) -> Record {
    Record::sample(vec![b'x'; len], base_key)
}

/// Returns the keys of records of this size that are sent at one moment.
fn keys(keys: &mut PartitionKeys, count: usize, len: usize, now: Instant) -> Vec<String> {
    let key = |_| {
        let mut record = record("k", len);
        keys.assign(&mut record, MAX, now);
        record.key.to_string()
    };
    (0..count).map(key).collect()
}

fn instance() -> PartitionKeys {
    PartitionKeys::new(PartitionKey::Instance)
}

#[test]
fn a_key_takes_a_million_bytes_at_once_the_next_key_the_rest() {
    let now = Instant::now();
    assert_eq!(keys(&mut instance(), 5, 400_000, now), ["k", "k", "k-1", "k-1", "k-2"]);
}

#[test]
fn a_key_takes_1000_records_at_once_and_the_next_key_the_rest() {
    let now = Instant::now();
    let keys = keys(&mut instance(), 2_001, 10, now);
    let count = |key: &str| keys.iter().filter(|it| *it == key).count();
    assert_eq!((count("k"), count("k-1"), count("k-2")), (1_000, 1_000, 1));
}

#[test]
fn a_key_has_its_whole_budget_after_an_idle_second() {
    let mut measured = instance();
    let now = Instant::now();
    keys(&mut measured, 3, 400_000, now);
    assert_eq!(keys(&mut measured, 2, 400_000, now + SECOND), ["k", "k"]);
    let half = now + SECOND + SECOND / 2;
    assert_eq!(
        keys(&mut measured, 2, 400_000, half),
        ["k", "k-1"],
        "half of the budget is free again"
    );
}

#[test]
fn a_throttled_key_is_avoided_for_a_second() {
    let mut throttled = instance();
    let now = Instant::now();
    throttled.throttled(&"k".into(), now);
    assert_eq!(keys(&mut throttled, 1, 10, now), ["k-1"]);
    assert_eq!(keys(&mut throttled, 1, 10, now + SECOND), ["k"]);
}

#[test]
fn when_every_key_is_full_the_least_loaded_takes_more() {
    let mut full = instance();
    let now = Instant::now();
    let all = keys(&mut full, KEYS + 2, 900_000, now);
    let distinct: std::collections::HashSet<_> = all[..KEYS].iter().collect();
    assert_eq!(distinct.len(), KEYS);
    assert_eq!(all[KEYS..], ["k", "k-1"]);
}

#[test]
fn a_record_of_maximum_size_keeps_its_key() {
    let mut measured = instance();
    let now = Instant::now();
    assert_eq!(keys(&mut measured, 2, MAX - 1, now), ["k", "k"], "a longer key does not fit");
}

#[test]
fn random_keys_differ_and_have_no_budget() {
    let mut random = PartitionKeys::new(PartitionKey::Random);
    let keys: std::collections::HashSet<_> =
        keys(&mut random, 100, 900_000, Instant::now()).into_iter().collect();
    assert_eq!(keys.len(), 100);
    assert!(random.budgets.is_empty());
}

#[test]
fn idle_keys_of_many_invocations_are_forgotten() {
    let mut many = PartitionKeys::new(PartitionKey::Request);
    let start = Instant::now();
    for number in 0..5_000_u32 {
        let mut record = record(&number.to_string(), 100);
        many.assign(&mut record, MAX, start + SECOND * number);
    }
    assert!(many.budgets.len() <= REMEMBERED + 1);
}

#[test]
fn throttled_random_keys_are_not_remembered() {
    let mut random = PartitionKeys::new(PartitionKey::Random);
    let now = Instant::now();
    for _ in 0..1_000 {
        let mut record = record("k3J9x0QvT2aB", 10);
        random.assign(&mut record, MAX, now);
        random.throttled(&record.key, now);
    }
    assert!(random.budgets.is_empty());
}

#[test]
fn no_key_makes_a_record_exceed_its_limit() {
    let now = Instant::now();
    for strategy in [PartitionKey::Random, PartitionKey::Instance] {
        let mut keys = PartitionKeys::new(strategy);
        let base_key = "k3J9x0QvT2aB";
        for _ in 0..20 {
            let mut record = record(base_key, MAX - base_key.len());
            keys.assign(&mut record, MAX, now);
            assert!(record.size() <= MAX);
        }
    }
}
