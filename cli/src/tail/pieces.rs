//! Events that came in parts, until all of them are there. Pure.

use std::collections::{BTreeMap, VecDeque};

use kinesis_telemetry_consumer::{self as consumer, Event};

/// Events that are waited for at once. Parts whose others came before the beginning would wait for ever.
const WAITING: usize = 100;

#[derive(Default)]
pub(super) struct Pieces {
    waiting: BTreeMap<(String, u64), BTreeMap<u32, Event>>,
    /// The oldest first.
    order: VecDeque<(String, u64)>,
}

impl Pieces {
    /// The event, if it is whole by now.
    pub(super) fn whole(&mut self, event: Event) -> Option<Event> {
        let Some(part) = event.source.part else { return Some(event) };
        let key = (event.source.instance.clone(), event.source.seq);
        if !self.waiting.contains_key(&key) {
            self.order.push_back(key.clone());
        }
        let parts = self.waiting.entry(key.clone()).or_default();
        parts.insert(part, event);
        let joined = consumer::join(&parts.values().collect::<Vec<_>>()).ok();
        if joined.is_some() {
            self.forget(&key);
        } else if self.order.len() > WAITING
            && let Some(oldest) = self.order.front().cloned()
        {
            self.forget(&oldest);
        }
        joined
    }

    fn forget(&mut self, key: &(String, u64)) {
        self.waiting.remove(key);
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
    fn an_event_in_parts_is_shown_once_when_the_last_has_come() {
        let mut pieces = Pieces::default();
        assert_eq!(pieces.whole(part(1, 2, "\"x\"}")), None);
        assert_eq!(pieces.whole(part(2, 1, "{\"type\":")), None, "another event");
        let whole = pieces.whole(part(1, 1, "{\"type\":")).unwrap();
        assert_eq!((whole.text.as_str(), whole.kind.as_str()), ("{\"type\":\"x\"}", "x"));
        assert_eq!(pieces.waiting.len(), 1);
    }

    #[test]
    fn parts_without_others_do_not_pile_up() {
        let mut pieces = Pieces::default();
        for seq in 0..500 {
            pieces.whole(part(seq, 1, "{"));
        }
        assert_eq!((pieces.waiting.len(), pieces.order.len()), (WAITING, WAITING));
    }
}
