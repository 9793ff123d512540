//! Joins events that arrive in parts. Pure.

use std::collections::{BTreeMap, VecDeque};

use kinesis_telemetry_consumer::{self as consumer, Event};

/// Largest number of incomplete events. Events that began before the first record stay incomplete.
const WAITING: usize = 100;
/// Largest size of all held parts in bytes. One event has at most 12 MiB, the most that the extension accepts in one body.
const WAITING_BYTES: usize = 64 * 1024 * 1024;

/// The key of an event: `instance`, `seq` and `parts`. Parts with different totals do not belong together.
type Key = (String, u64, Option<u32>);

/// Holds the parts of events until each event is complete, in bounded memory.
#[derive(Debug)]
pub struct Pieces {
    waiting: BTreeMap<Key, BTreeMap<u32, Event>>,
    bytes: usize,
    max_bytes: usize,
    /// The keys, the oldest first.
    order: VecDeque<Key>,
}

impl Default for Pieces {
    fn default() -> Self {
        let (waiting, order) = Default::default();
        Self { waiting, bytes: 0, max_bytes: WAITING_BYTES, order }
    }
}

impl Pieces {
    /// Returns the event, or the joined one if this was its last missing part. Returns nothing while parts are missing.
    pub fn whole(&mut self, event: Event) -> Option<Event> {
        let (Some(part), parts) = (event.source.part, event.source.parts) else {
            return Some(event);
        };
        let key = (event.source.instance.clone(), event.source.seq, parts);
        if !self.waiting.contains_key(&key) {
            self.order.push_back(key.clone());
        }
        self.bytes += event.text.len();
        let waiting = self.waiting.entry(key.clone()).or_default();
        let replaced = waiting.insert(part, event);
        self.bytes -= replaced.map_or(0, |it| it.text.len());
        if waiting.len() == parts.unwrap_or_default() as usize {
            let joined = consumer::join(&waiting.values().collect::<Vec<_>>()).ok();
            self.forget(&key);
            return joined;
        }
        while self.order.len() > WAITING || self.bytes > self.max_bytes {
            let Some(oldest) = self.order.front().cloned() else { break };
            self.forget(&oldest);
        }
        None
    }

    fn forget(&mut self, key: &Key) {
        let parts = self.waiting.remove(key).unwrap_or_default();
        self.bytes -= parts.values().map(|it| it.text.len()).sum::<usize>();
        self.order.retain(|it| it != key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(seq: u64, n: u32, fragment: &str) -> Event {
        let fragment = serde_json::to_string(fragment).unwrap();
        let line = format!(
            "{{\"type\":\"kinesis-telemetry.part\",\"record\":{fragment},\"source\":{{\"function\":\"f\",\"instance\":\"a\",\"seq\":{seq},\"part\":{n},\"parts\":2}}}}\n"
        );
        consumer::record(line.as_bytes()).pop().unwrap().unwrap()
    }

    #[test]
    fn an_event_in_parts_is_returned_with_its_last_part() {
        let mut pieces = Pieces::default();
        assert_eq!(pieces.whole(part(1, 2, "\"x\"}")), None);
        assert_eq!(pieces.whole(part(2, 1, "{\"type\":")), None, "another event");
        let whole = pieces.whole(part(1, 1, "{\"type\":")).unwrap();
        assert_eq!((whole.text.as_str(), whole.kind.as_str()), ("{\"type\":\"x\"}", "x"));
        assert_eq!(pieces.waiting.len(), 1);
    }

    #[test]
    fn incomplete_parts_do_not_accumulate() {
        let mut pieces = Pieces::default();
        for seq in 1..=500 {
            pieces.whole(part(seq, 1, "{"));
        }
        assert_eq!((pieces.waiting.len(), pieces.order.len()), (WAITING, WAITING));
        pieces.max_bytes = 10_000;
        let large = "x".repeat(1_000);
        for seq in 1..=50 {
            pieces.whole(part(seq, 1, &large));
            assert!(pieces.bytes <= pieces.max_bytes);
        }
        let bytes = pieces.waiting.values().flat_map(BTreeMap::values).map(|it| it.text.len());
        assert_eq!(bytes.sum::<usize>(), pieces.bytes);
    }
}
