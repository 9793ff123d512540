//! Shards: the shard of each record, and the throughput of a shard.
//!
//! Pure: the time comes in as a value. Source: Kinesis Developer Guide, "Quotas and limits", and `HashKeyRange` in the
//! API reference.

use tokio::time::Instant;

use crate::aws::md5_number;

/// The throughput of one shard in a second.
///
/// A shard accepts a burst of one second's throughput. After an idle second it accepts even a larger record, which
/// counts against the following seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throughput {
    /// Bytes, partition keys included.
    pub bytes: u32,
    /// Records.
    pub records: u32,
}

impl Throughput {
    /// The limits of Kinesis.
    pub const REAL: Self = Self { bytes: 1_000_000, records: 1_000 };

    /// A fraction of these limits, so that a test reaches them soon.
    #[must_use]
    pub const fn divided_by(self, divisor: u32) -> Self {
        Self { bytes: self.bytes / divisor, records: self.records / divisor }
    }
}

/// The shards of a stream. Their hash ranges are equal.
#[derive(Debug)]
pub(super) struct Shards {
    shards: Vec<Shard>,
    throughput: Option<Throughput>,
}

/// The throughput that a shard has left.
#[derive(Clone, Debug, Default)]
struct Shard {
    bytes: Bucket,
    records: Bucket,
}

#[derive(Clone, Debug, Default)]
struct Bucket {
    /// The throughput that has been used. It may exceed that of a second.
    missing: f64,
    /// The time until which it has been refilled.
    filled: Option<Instant>,
}

impl Default for Shards {
    fn default() -> Self {
        Self::new(1)
    }
}

impl Shards {
    /// Returns this many shards, at least one, without limits.
    pub(super) fn new(count: usize) -> Self {
        Self { shards: vec![Shard::default(); count.max(1)], throughput: None }
    }

    pub(super) fn limit(&mut self, throughput: Option<Throughput>) {
        self.throughput = throughput;
        self.shards.fill(Shard::default());
    }

    /// Splits or merges shards until there are this many.
    pub(super) fn resize(&mut self, count: usize) {
        *self = Self { throughput: self.throughput, ..Self::new(count) };
    }

    /// Returns the shard of a record with this key, unless the record has an explicit hash key.
    pub(super) fn of(&self, partition_key: &str, explicit_hash_key: Option<u128>) -> usize {
        let hash = explicit_hash_key.unwrap_or_else(|| md5_number(partition_key.as_bytes()));
        let count = self.shards.len() as u128;
        // 2^128 / count, although the type ends at 2^128 - 1.
        let is_whole = u128::MAX % count == count - 1;
        let width = (u128::MAX / count).checked_add(u128::from(is_whole));
        let shard = width.map_or(0, |width| hash / width);
        // The last shard also has the remainder.
        usize::try_from(shard).unwrap_or(usize::MAX).min(self.shards.len() - 1)
    }

    /// Returns true if this shard accepts a record of this size now.
    pub(super) fn take(&mut self, shard: usize, size: usize, now: Instant) -> bool {
        let Some(throughput) = self.throughput else { return true };
        let size = f64::from(u32::try_from(size).unwrap_or(u32::MAX));
        let Shard { bytes, records } = &mut self.shards[shard];
        let limits = [
            (bytes, f64::from(throughput.bytes), size),
            (records, f64::from(throughput.records), 1.0),
        ];
        let limits = limits.map(|(bucket, rate, amount)| {
            bucket.fill(rate, now);
            let has_room = bucket.missing + amount.min(rate) <= rate;
            (bucket, amount, has_room)
        });
        let takes = limits.iter().all(|(.., has_room)| *has_room);
        if takes {
            for (bucket, amount, _) in limits {
                bucket.missing += amount;
            }
        }
        takes
    }
}

impl Bucket {
    fn fill(&mut self, rate: f64, now: Instant) {
        let since = self.filled.replace(now).unwrap_or(now);
        let seconds = now.saturating_duration_since(since).as_secs_f64();
        self.missing = (self.missing - seconds * rate).max(0.0);
    }
}

/// The name of a shard in replies.
pub(super) fn id(shard: usize) -> String {
    format!("shardId-{shard:012}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SMALL: Throughput = Throughput { bytes: 1_000, records: 10 };

    fn limited() -> Shards {
        let mut shards = Shards::new(2);
        shards.limit(Some(SMALL));
        shards
    }

    #[test]
    fn the_hash_of_a_key_is_its_md5_read_from_the_left() {
        // The digest of "abc" begins with 9.
        assert_eq!(Shards::new(2).of("abc", None), 1);
        assert_eq!(Shards::new(16).of("abc", None), 9);
    }

    #[test]
    fn hash_ranges_are_equal_and_leave_nothing_out() {
        for (count, hash, shard) in [
            (1, 0, 0),
            (1, u128::MAX, 0),
            (2, (1 << 127) - 1, 0),
            (2, 1 << 127, 1),
            (3, u128::MAX / 3 - 1, 0),
            (3, u128::MAX / 3, 1),
            (3, u128::MAX, 2),
            (4, (1 << 126) - 1, 0),
            (4, 1 << 126, 1),
            (4, u128::MAX, 3),
        ] {
            assert_eq!(Shards::new(count).of("k", Some(hash)), shard, "{hash} of {count}");
        }
    }

    #[test]
    fn a_shard_takes_a_seconds_worth_at_once_and_then_as_much_as_time_has_passed() {
        let (mut shards, start) = (limited(), Instant::now());
        let mut taken = |shard, size, ms| {
            let now = start + Duration::from_millis(ms);
            (0..100).filter(|_| shards.take(shard, size, now)).count()
        };
        assert_eq!(taken(0, 300, 0), 3, "bytes");
        assert_eq!(taken(1, 1, 0), 10, "records, of another shard");
        assert_eq!(taken(1, 1, 300), 3);
        assert_eq!(taken(0, 300, 500), 2, "100 were left");
        assert_eq!(taken(0, 300, 60_000), 3, "no more than a second is saved up");
    }

    #[test]
    fn a_record_of_more_than_a_seconds_worth_is_taken_after_a_rest_and_paid_for_later() {
        let (mut shards, start) = (limited(), Instant::now());
        let mut takes = |size, ms| shards.take(0, size, start + Duration::from_millis(ms));
        assert!(takes(5_000, 0));
        assert!(!takes(1, 3_900));
        assert!(takes(1, 4_100));
    }

    #[test]
    fn without_a_limit_everything_is_taken_and_a_resharding_keeps_the_limit() {
        let (mut shards, now) = (Shards::new(1), Instant::now());
        assert!((0..10_000).all(|_| shards.take(0, 1 << 20, now)));
        shards.limit(Some(SMALL.divided_by(2)));
        shards.resize(3);
        assert_eq!((0..100).filter(|_| shards.take(2, 1, now)).count(), 5);
    }
}
