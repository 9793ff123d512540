//! A consumer for tests and fuzzers, which panics at every deviation from what the extension writes.
//!
//! Consumers in production use [`crate::record`] and [`crate::Gathering`], which report damaged input as values.

use std::collections::BTreeMap;

use crate::{Event, decode, join, record, wire};

/// The events of a sequence of records, by instance and number.
#[derive(Debug, Default)]
pub struct Arrived {
    /// The JSON text of each event as Lambda generated it, by `instance` and `seq`. Events without an identity
    /// (`ENVELOPE=none`) have an empty instance, and are numbered in the order of their arrival.
    pub events: BTreeMap<(String, u64), String>,
    /// The number of events and parts that arrived more than once.
    pub duplicates: usize,
    parts: BTreeMap<(String, u64), BTreeMap<u32, Event>>,
}

impl Arrived {
    /// Reads records, each given as its data.
    ///
    /// # Panics
    ///
    /// Panics if a record is damaged, a line is not an event, or the numbers in a record do not increase.
    pub fn of<D: AsRef<[u8]>>(records: impl IntoIterator<Item = D>) -> Self {
        let mut arrived = Self::default();
        records.into_iter().for_each(|data| arrived.take(data.as_ref()));
        arrived
    }

    fn take(&mut self, data: &[u8]) {
        assert!(text(data).ends_with('\n'), "every line ends");
        let mut last = None;
        for line in record(data) {
            let event = match line {
                Ok(event) => event,
                // Without any identity the order of arrival is all there is.
                Err(broken) => {
                    let mut event = Event::without_identity(&broken.line)
                        .unwrap_or_else(|| panic!("{}: {}", broken.why, broken.line));
                    event.source.seq = self.events.len() as u64 + 1;
                    event
                }
            };
            let seq = event.source.seq;
            assert!(last.replace(seq).is_none_or(|last| last < seq), "in order");
            self.file(event);
        }
    }

    fn file(&mut self, event: Event) {
        let key = (event.source.instance.clone(), event.source.seq);
        if event.kind != wire::PART {
            let is_duplicate = self.events.insert(key, event.text).is_some();
            self.duplicates += usize::from(is_duplicate);
            return;
        }
        let (part, of) = (event.source.part, event.source.parts);
        let parts = self.parts.entry(key.clone()).or_default();
        let is_duplicate = parts.insert(part.expect("a part has its number"), event).is_some();
        self.duplicates += usize::from(is_duplicate);
        if of.is_some_and(|of| of as usize == parts.len()) {
            let parts: Vec<&Event> = parts.values().collect();
            let whole = join(&parts).expect("the parts of an event make it up");
            self.events.insert(key, whole.text);
        }
    }
}

impl Arrived {
    /// Asserts that the numbers of each instance are 1, 2, 3 and so on.
    ///
    /// # Panics
    ///
    /// Panics if a number is missing.
    pub fn assert_gapless(&self) {
        let mut next: BTreeMap<&str, u64> = BTreeMap::new();
        for (instance, seq) in self.events.keys() {
            let expected = next.entry(instance).or_insert(1);
            assert_eq!(seq, expected, "the sequence of {instance} has a gap");
            *expected += 1;
        }
    }

    /// Returns the number of events with this `type`.
    pub fn count(&self, event_type: &str) -> usize {
        self.events.values().filter(|event| is_of(event, event_type)).count()
    }

    /// Returns the number of extension processes that the events come from.
    pub fn instances(&self) -> usize {
        let mut instances: Vec<_> = self.events.keys().map(|(instance, _)| instance).collect();
        instances.dedup();
        instances.len()
    }
}

/// Returns true if the JSON text of an event states this type.
fn is_of(event: &str, event_type: &str) -> bool {
    event.contains(&format!(r#""type":"{event_type}""#))
}

/// Returns all lines of a record as text.
///
/// # Panics
///
/// Panics if the record is damaged or not UTF-8.
pub fn text(data: &[u8]) -> String {
    let lines = decode::lines(data).unwrap_or_else(|why| panic!("{why}"));
    String::from_utf8(lines).expect("records are text")
}
