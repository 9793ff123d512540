//! Splits events that are too large for a record into parts.
//!
//! A consumer joins the `record` strings of all parts with the same `instance` and `seq`, in the order of `part`, and
//! has the event's own JSON text again.

use extension_spec::event_type;

use crate::event::{Event, Source};

/// The shortest piece: room for a character with its escape.
const SHORTEST: usize = 8;

/// Splits an event into lines of at most `room` bytes, one part each.
pub(super) fn split(event: &Event, source: &Source, room: usize) -> Vec<Vec<u8>> {
    let own =
        std::str::from_utf8(&event.line[..event.own_len]).expect("a line is made of a string");
    let head = format!(r#"{{"type":"{}","record":""#, event_type::PART);
    let tail = |part: usize, parts: usize| format!("\",{}}}\n", source.of_part(event, part, parts));
    // No event has more parts than bytes, so this frame is the longest possible.
    let fixed = head.len() + tail(own.len(), own.len()).len();
    let fragments = fragments(&format!("{own}}}"), room.saturating_sub(fixed).max(SHORTEST));
    let parts = fragments.len();
    let line = |(index, fragment): (usize, String)| {
        format!("{head}{fragment}{}", tail(index + 1, parts)).into_bytes()
    };
    fragments.into_iter().enumerate().map(line).collect()
}

/// Splits JSON text into pieces of at most `room` bytes as the content of a JSON string.
fn fragments(text: &str, room: usize) -> Vec<String> {
    let mut fragments = vec![String::new()];
    for c in text.chars() {
        let escaped = match c {
            '"' | '\\' => 1 + c.len_utf8(),
            // A tab is the only possible control character, because line breaks were removed.
            '\t' => 2,
            _ => c.len_utf8(),
        };
        if fragments.last().is_some_and(|last| last.len() + escaped > room) {
            fragments.push(String::new());
        }
        let last = fragments.last_mut().expect("there is always one");
        match c {
            '"' | '\\' => last.extend(['\\', c]),
            '\t' => last.push_str("\\t"),
            _ => last.push(c),
        }
    }
    fragments
}
