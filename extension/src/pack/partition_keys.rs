//! Partition keys, so that no shard gets more than it takes.
//!
//! Pure: the moment comes in as a value. A shard takes a certain number of bytes and records a second. What goes out
//! under one key goes to one shard; beyond its measure, and while its shard throttles, a record goes out under the next
//! key: `k`, `k-1`, `k-2` … A key that has been quiet for a second has its whole measure again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use extension_spec::{PartitionKey, limits};

use crate::pack::Record;

/// Keys beyond this share what comes. More shards than that are nowhere reached from one environment.
const KEYS: usize = 100;
/// The longest of what is appended to a key: `-99`.
const SUFFIX: usize = 3;
/// A shard that throttles has new room after a second at the latest.
const PENALTY: Duration = Duration::from_secs(1);
/// Measures of keys that are remembered before those that are empty again are forgotten.
const REMEMBERED: usize = 256;

/// Measures what goes out under each key.
#[derive(Debug)]
pub struct PartitionKeys {
    is_random: bool,
    budgets: HashMap<Arc<str>, ShardBudget>,
}

/// Until when a shard is busy with what went out under a key.
#[derive(Clone, Copy, Debug)]
struct ShardBudget {
    /// At its rate of bytes.
    bytes: Instant,
    /// At its rate of records.
    records: Instant,
    /// It has said that it takes no more.
    throttled: Instant,
}

impl PartitionKeys {
    /// Nothing has gone out yet.
    pub fn new(strategy: PartitionKey) -> Self {
        Self { is_random: strategy == PartitionKey::Random, budgets: HashMap::new() }
    }

    /// Nothing has gone out from this process yet.
    pub fn restart(&mut self) {
        self.budgets.clear();
    }

    /// Gives a record the key under which it goes out now. `max_bytes` is the largest that it may become.
    pub fn assign(&mut self, record: &mut Record, max_bytes: usize, now: Instant) {
        if self.is_random {
            // As long as the key that it replaces.
            record.set_key(format!("{:012x}", fastrand::u64(..1 << 48)).into());
            return;
        }
        let base_key = record.base_key.clone();
        let size = record.data.len() + base_key.len();
        // A record without room for a longer key keeps its own. An aggregate holds its key as well.
        let growth = if record.is_aggregate { 2 * SUFFIX + 1 } else { SUFFIX };
        let count = if size + growth > max_bytes { 1 } else { KEYS };
        let key = self.choose(&base_key, count, size, now);
        let budget = self.budgets.entry(key.clone()).or_insert_with(|| ShardBudget::empty(now));
        budget.add(size, now);
        if key != record.key {
            record.set_key(key);
        }
        if self.budgets.len() > REMEMBERED {
            self.budgets.retain(|_, budget| !budget.is_empty(now));
        }
    }

    /// A record was refused because the shard of this key has no room.
    pub fn throttled(&mut self, key: &Arc<str>, now: Instant) {
        if self.is_random {
            return;
        }
        let budget = self.budgets.entry(key.clone()).or_insert_with(|| ShardBudget::empty(now));
        budget.throttled = now + PENALTY;
    }

    /// The first key with room; without any, the one that has gone out least.
    fn choose(&self, base_key: &Arc<str>, count: usize, size: usize, now: Instant) -> Arc<str> {
        let key = |number: usize| {
            if number == 0 { base_key.clone() } else { format!("{base_key}-{number}").into() }
        };
        let mut least: Option<(Duration, Arc<str>)> = None;
        for number in 0..count {
            let key = key(number);
            let Some(budget) = self.budgets.get(&key) else { return key };
            if budget.has_room(size, now) {
                return key;
            }
            let load = budget.load(now);
            if least.as_ref().is_none_or(|(least, _)| load < *least) {
                least = Some((load, key));
            }
        }
        least.map_or_else(|| base_key.clone(), |(_, key)| key)
    }
}

/// How long a shard is busy with this many of what it takes `rate` of in a second.
fn busy(count: usize, rate: u64) -> Duration {
    Duration::from_secs(count as u64) / u32::try_from(rate).unwrap_or(u32::MAX)
}

impl ShardBudget {
    fn empty(now: Instant) -> Self {
        Self { bytes: now, records: now, throttled: now }
    }

    fn add(&mut self, size: usize, now: Instant) {
        self.bytes = self.bytes.max(now) + busy(size, limits::SHARD_BYTES_PER_SECOND);
        self.records = self.records.max(now) + busy(1, limits::SHARD_RECORDS_PER_SECOND);
    }

    fn is_empty(&self, now: Instant) -> bool {
        self.bytes.max(self.records).max(self.throttled) <= now
    }

    /// Whether the shard takes a record of this size within a second. One that is larger goes out alone.
    fn has_room(&self, size: usize, now: Instant) -> bool {
        let mut after = *self;
        after.add(size, now);
        let in_a_second = now + Duration::from_secs(1);
        let fits = after.bytes <= in_a_second || self.bytes <= now;
        fits && after.records <= in_a_second && self.throttled <= now
    }

    /// How long the shard is busy; one that throttles comes last.
    fn load(&self, now: Instant) -> Duration {
        let busy = self.bytes.max(self.records).saturating_duration_since(now);
        if self.throttled > now { Duration::MAX } else { busy }
    }
}

#[cfg(test)]
mod tests;
