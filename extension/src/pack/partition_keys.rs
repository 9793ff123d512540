//! Chooses partition keys so that no shard receives more than it accepts.
//!
//! Pure: the time comes in as a value. A shard accepts a certain number of bytes and records per second, and all
//! records of one key go to one shard. Records beyond that budget, or while the shard throttles, get the next key: `k`,
//! `k-1`, `k-2` … After a second without records a key has its whole budget again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use extension_spec::{PartitionKey, limits};

use crate::pack::Record;

/// The maximum number of keys in use; further records share them. No environment fills more shards than that.
const KEYS: usize = 100;
/// The length of the longest suffix, `-99`.
const SUFFIX: usize = 3;
/// After this time a throttled shard accepts records again.
const PENALTY: Duration = Duration::from_secs(1);
/// The number of budgets above which those of idle keys are forgotten.
const REMEMBERED: usize = 256;

/// Tracks the load of each key.
#[derive(Debug)]
pub struct PartitionKeys {
    is_random: bool,
    budgets: HashMap<Arc<str>, ShardBudget>,
}

/// The times until which a shard is busy with the records of a key.
#[derive(Clone, Copy, Debug)]
struct ShardBudget {
    /// Busy until then at the shard's rate of bytes.
    bytes: Instant,
    /// Busy until then at the shard's rate of records.
    records: Instant,
    /// Throttled until then.
    throttled: Instant,
}

impl PartitionKeys {
    /// Creates keys that have not been used.
    pub fn new(strategy: PartitionKey) -> Self {
        Self { is_random: strategy == PartitionKey::Random, budgets: HashMap::new() }
    }

    /// Forgets all use, because a restored process has sent nothing yet.
    pub fn restart(&mut self) {
        self.budgets.clear();
    }

    /// Gives a record the key under which it is sent now. `max_bytes` is the largest size that the record may reach.
    pub fn assign(&mut self, record: &mut Record, max_bytes: usize, now: Instant) {
        if self.is_random {
            // It has the length of the key that it replaces.
            record.set_key(format!("{:012x}", fastrand::u64(..1 << 48)).into());
            return;
        }
        let base_key = record.base_key.clone();
        let size = record.data.len() + base_key.len();
        // A record without room for a longer key keeps its own key. An aggregate contains its key as well.
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

    /// Notes that a shard has throttled this key.
    pub fn throttled(&mut self, key: &Arc<str>, now: Instant) {
        if self.is_random {
            return;
        }
        let budget = self.budgets.entry(key.clone()).or_insert_with(|| ShardBudget::empty(now));
        budget.throttled = now + PENALTY;
    }

    /// Returns the first key with room; if there is none, the least loaded one.
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

/// Returns how long a shard is busy with `count` units if it accepts `rate` units per second.
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

    /// True if the shard accepts a record of this size within a second. A larger record is sent alone.
    fn has_room(&self, size: usize, now: Instant) -> bool {
        let mut after = *self;
        after.add(size, now);
        let in_a_second = now + Duration::from_secs(1);
        let fits = after.bytes <= in_a_second || self.bytes <= now;
        fits && after.records <= in_a_second && self.throttled <= now
    }

    /// Returns how long the shard is busy. A throttled one sorts last.
    fn load(&self, now: Instant) -> Duration {
        let busy = self.bytes.max(self.records).saturating_duration_since(now);
        if self.throttled > now { Duration::MAX } else { busy }
    }
}

#[cfg(test)]
mod tests;
