//! The events of an execution environment. Pure.

use std::collections::BTreeSet;

use extension_spec::event_type;
use kinesis_telemetry_consumer::{self as consumer, Gathering, Instance};
use serde_json::Value;

/// The event that ends an invocation.
pub(crate) const REPORT: &str = "platform.report";
/// The event that begins an invocation.
pub(crate) const START: &str = "platform.start";

/// An event that Lambda generated.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// The `type`.
    pub(crate) kind: String,
    /// The `time`, in milliseconds since 1970.
    pub(crate) time_ms: Option<i64>,
    pub(crate) record: Value,
    /// The JSON text, byte for byte.
    pub(crate) text: String,
}

impl Event {
    fn of(event: &consumer::Event) -> Self {
        let whole: Value = serde_json::from_str(&event.text).unwrap_or_default();
        Self {
            kind: event.kind.clone(),
            time_ms: event.time_ms,
            record: whole["record"].clone(),
            text: event.text.clone(),
        }
    }

    /// Returns the invocation that the record names.
    pub(crate) fn request_id(&self) -> Option<&str> {
        self.record["requestId"].as_str()
    }
}

/// The events of an execution environment, from the start of its extension to the end, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Life(pub(crate) Vec<Event>);

impl Life {
    /// Reads one event a line.
    #[cfg(test)]
    pub(crate) fn of_lines(lines: &str) -> Self {
        Self(
            lines
                .lines()
                .map(|it| Event::of(&consumer::Event::without_identity(it).unwrap()))
                .collect(),
        )
    }

    /// Returns one event a line.
    pub(crate) fn lines(&self) -> String {
        // In strings JSON escapes line breaks, so these are between tokens.
        self.0.iter().map(|it| it.text.replace(['\n', '\r'], " ") + "\n").collect()
    }

    /// Returns how many events of this type there are.
    pub(crate) fn count(&self, kind: &str) -> usize {
        self.0.iter().filter(|it| it.kind == kind).count()
    }

    /// Returns the beginning of the events, without the reports of this many last invocations.
    pub(crate) fn until_report(&self, invocations: usize) -> Self {
        let reports = self.0.iter().enumerate().filter(|(_, it)| it.kind == REPORT);
        let end = reports.map(|(at, _)| at + 1).nth(invocations.saturating_sub(1));
        Self(self.0[..end.unwrap_or(self.0.len())].to_vec())
    }
}

/// The events of one function.
#[derive(Debug, Default)]
pub(crate) struct Delivered {
    /// Its environments, the oldest first.
    pub(crate) lives: Vec<Life>,
    /// The verdict on the numbers of their events.
    pub(crate) instances: Vec<Instance>,
}

/// Returns the events of a function, without those of the invocations `left_out`, and without environments that have no others.
pub(crate) fn delivered(
    gathering: &Gathering,
    function: &str,
    left_out: &BTreeSet<String>,
) -> Delivered {
    let mut delivered = Delivered::default();
    for judged in gathering.judged() {
        let events = judged.arrivals.iter().map(|it| it.event.as_ref());
        let mut own =
            events.filter(|it| it.source.function.as_deref() == Some(function)).peekable();
        if own.peek().is_none() {
            continue;
        }
        let is_left_out = |it: &&consumer::Event| {
            it.kind.starts_with(event_type::PREFIX)
                || it.request_id.as_ref().is_some_and(|id| left_out.contains(id))
        };
        let life = Life(own.filter(|it| !is_left_out(it)).map(Event::of).collect());
        delivered.instances.push(judged.instance);
        if life.count(START) > 0 {
            delivered.lives.push(life);
        }
    }
    delivered.lives.sort_by_key(|life| life.0.first().and_then(|it| it.time_ms));
    delivered
}
