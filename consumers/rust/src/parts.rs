//! Parts of events, until all of them are there. Pure.

use std::collections::BTreeMap;

use crate::ledger;
use crate::ranges::Ranges;
use crate::unpack::{self, Event};

/// Most bytes of parts whose text is kept. Only a ledger needs its text, and it is short.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// The events of which some parts arrived. It keeps the numbers of the parts, and the text of short events.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    /// The parts by instance, number and count of parts: parts that disagree on the count do not belong together.
    waiting: BTreeMap<(usize, u64, u32), Waiting>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    numbers: Ranges,
    /// Empty once the text is too long to be that of a ledger.
    texts: Vec<Event>,
    bytes: usize,
    is_long: bool,
}

/// The result of adding a part.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Other parts are missing.
    Waiting,
    /// The part arrived before.
    Duplicate,
    /// All parts are there, but they do not join to an event.
    Unjoinable,
    /// All parts are there: the event, unless it is long.
    Whole(Option<Box<Event>>),
}

impl Parts {
    /// Adds a part of an event of this instance. Parts of an event that is whole stay out: forget it when it is.
    pub(crate) fn add(&mut self, instance: usize, event: Event) -> Outcome {
        let (seq, part, parts) = (
            event.source.seq,
            event.source.part.unwrap_or_default(),
            event.source.parts.unwrap_or_default(),
        );
        let waiting = self.waiting.entry((instance, seq, parts)).or_default();
        if !waiting.numbers.insert(part.into()) {
            return Outcome::Duplicate;
        }
        let bytes = event.text.len();
        if waiting.is_long
            || waiting.bytes + bytes > ledger::MOST_BYTES
            || self.bytes + bytes > MOST_BYTES
        {
            waiting.is_long = true;
            self.bytes -= std::mem::take(&mut waiting.bytes);
            waiting.texts = Vec::new();
        } else {
            waiting.bytes += bytes;
            self.bytes += bytes;
            waiting.texts.push(event);
        }
        if !waiting.numbers.is_all_up_to(parts.into()) {
            return Outcome::Waiting;
        }
        let outcome = if waiting.is_long {
            Outcome::Whole(None)
        } else {
            waiting.texts.sort_by_key(|it| it.source.part);
            match unpack::join(&waiting.texts.iter().collect::<Vec<_>>()) {
                Ok(event) => Outcome::Whole(Some(Box::new(event))),
                Err(_) => Outcome::Unjoinable,
            }
        };
        self.forget(instance, seq);
        outcome
    }

    /// Removes all parts of an event. Returns false if there are none.
    pub(crate) fn forget(&mut self, instance: usize, seq: u64) -> bool {
        let range = (instance, seq, 0)..=(instance, seq, u32::MAX);
        let keys: Vec<_> = self.waiting.range(range).map(|(key, _)| *key).collect();
        for key in &keys {
            self.bytes -= self.waiting.remove(key).unwrap_or_default().bytes;
        }
        !keys.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unpack::record;

    fn part(seq: u64, part: u32, parts: u32, fragment: &str) -> Event {
        let line = format!(
            "{{\"type\":\"kinesis-telemetry.part\",\"record\":\"{fragment}\",\"source\":{{\"instance\":\"i\",\"seq\":{seq},\
             \"part\":{part},\"parts\":{parts}}}}}\n"
        );
        record(line.as_bytes()).pop().unwrap().unwrap()
    }

    #[test]
    fn parts_in_any_order_make_one_event() {
        let mut parts = Parts::default();
        assert_eq!(parts.add(0, part(1, 2, 2, "}")), Outcome::Waiting);
        assert_eq!(parts.add(0, part(1, 2, 2, "}")), Outcome::Duplicate);
        assert_eq!(parts.add(1, part(1, 1, 2, "{")), Outcome::Waiting, "another instance");
        let Outcome::Whole(Some(event)) = parts.add(0, part(1, 1, 2, "{")) else { panic!() };
        assert_eq!((event.text.as_str(), parts.waiting.len()), ("{}", 1));
    }

    #[test]
    fn parts_that_disagree_on_their_number_do_not_mix() {
        let mut parts = Parts::default();
        assert_eq!(parts.add(0, part(1, 2, 65_536, "forged")), Outcome::Waiting);
        assert_eq!(parts.add(0, part(1, 1, 2, "{")), Outcome::Waiting);
        assert!(matches!(parts.add(0, part(1, 2, 2, "}")), Outcome::Whole(Some(_))));
        assert!(parts.waiting.is_empty() && parts.bytes == 0);
    }

    #[test]
    fn parts_that_join_to_no_event_are_unjoinable() {
        for text in ["abc", "[]", "{"] {
            assert_eq!(Parts::default().add(0, part(1, 1, 1, text)), Outcome::Unjoinable);
        }
    }

    #[test]
    fn the_text_of_long_events_is_not_kept() {
        let mut parts = Parts::default();
        let long = "x".repeat(100_000);
        for number in 1..=9 {
            assert_eq!(parts.add(0, part(1, number, 10, &long)), Outcome::Waiting);
        }
        assert_eq!(parts.bytes, 0);
        assert_eq!(parts.add(0, part(1, 10, 10, &long)), Outcome::Whole(None));
    }

    #[test]
    fn the_text_of_parts_takes_bounded_memory() {
        let mut parts = Parts::default();
        let text = "x".repeat(200_000);
        for seq in 1..=200 {
            parts.add(0, part(seq, 1, 2, &text));
            assert!(parts.bytes <= MOST_BYTES);
        }
        assert!(parts.bytes > MOST_BYTES / 2);
        let kept: usize = parts.waiting.values().map(|it| it.bytes).sum();
        assert_eq!(kept, parts.bytes);
    }
}
