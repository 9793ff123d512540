//! A bounded memory of keys that were already counted. Pure.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, Hash, RandomState};

/// Number of entries of a generation, about 10 MB.
const MOST: usize = 250_000;

/// Remembers at least the latest [`MOST`] keys, by their hashes.
#[derive(Debug, Default)]
pub(super) struct Once {
    hasher: RandomState,
    current: HashSet<u64>,
    before: HashSet<u64>,
}

impl Once {
    /// Returns true if this key is new.
    pub(super) fn is_first(&mut self, key: impl Hash) -> bool {
        let hash = self.hasher.hash_one(key);
        if self.before.contains(&hash) || !self.current.insert(hash) {
            return false;
        }
        if self.current.len() >= MOST {
            self.before = std::mem::take(&mut self.current);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_first_once() {
        let mut once = Once::default();
        assert!(once.is_first(("a", 1)));
        assert!(once.is_first(("a", 2)));
        assert!(!once.is_first(("a", 1)));
    }

    #[test]
    fn the_latest_keys_are_remembered_in_bounded_memory() {
        let mut once = Once::default();
        assert!((0..3 * MOST).all(|key| once.is_first(key)));
        assert!(!once.is_first(3 * MOST - 1));
        assert!((2 * MOST..3 * MOST).all(|key| !once.is_first(key)));
        assert!(once.current.len() + once.before.len() <= 2 * MOST);
    }
}
