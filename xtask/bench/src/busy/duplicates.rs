//! Counts events that arrived more than once. Pure.

use std::collections::HashSet;

use kinesis_telemetry_consumer::record;

/// Counts of events of this project's formats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Duplicates {
    /// Different events.
    pub(crate) events: u64,
    /// Duplicates: every further arrival of an event counts.
    pub(crate) repeated: u64,
}

impl Duplicates {
    /// Counts the events of an environment. Returns `None` if a record is in another format, or without identity.
    pub(super) fn count<'a>(records: impl IntoIterator<Item = &'a [u8]>) -> Option<Self> {
        let mut seen = HashSet::new();
        let mut all = 0;
        for event in records.into_iter().flat_map(record) {
            let source = event.ok()?.source;
            if source.instance.is_empty() {
                return None;
            }
            all += 1;
            seen.insert((source.instance, source.seq, source.part));
        }
        let events = seen.len() as u64;
        Some(Self { events, repeated: all - events })
    }

    /// Returns the sum of two counts.
    pub(super) fn plus(self, other: Self) -> Self {
        Self { events: self.events + other.events, repeated: self.repeated + other.repeated }
    }
}

#[cfg(test)]
mod tests {
    use super::Duplicates;

    fn event(seq: u64) -> String {
        format!(
            r#"{{"time":"2026-01-02T03:04:05.678Z","type":"function","record":"x","source":{{"function":"f","version":"1","instance":"i","seq":{seq}}}}}"#
        ) + "\n"
    }

    #[test]
    fn an_event_that_comes_twice_counts_once_and_as_repeated() {
        let [first, second] = [event(1), event(2)];
        let records = [first.clone() + &second, second];
        let counted = Duplicates::count(records.iter().map(String::as_bytes));
        assert_eq!(counted, Some(Duplicates { events: 2, repeated: 1 }));
    }

    #[test]
    fn records_of_others_are_not_counted() {
        let theirs = br#"{"message":"theirs"}"#;
        assert_eq!(Duplicates::count([event(1).as_bytes(), theirs]), None);
        assert_eq!(Duplicates::count([]), Some(Duplicates::default()));
    }
}
