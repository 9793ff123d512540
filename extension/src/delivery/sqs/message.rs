//! Converts a record to messages of a queue.
//!
//! Pure. Source of the limits: `SendMessageBatch` in the SQS API reference.

use std::borrow::Cow;

use crate::pack::Record;

/// The largest message, including attributes, in bytes. Every queue accepts it, and SQS bills it as four requests of 64
/// KB.
const LARGEST: usize = 256 * 1024;
/// The bytes reserved for the attributes.
const ATTRIBUTES: usize = 4 * 1024;

/// A record, or a piece of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) body: String,
    /// The attributes, by name and value.
    pub(super) attributes: Vec<(&'static str, String)>,
    /// The message group, whose messages a FIFO queue keeps in order.
    pub(super) group: String,
    /// The deduplication id: equal for the same piece of the same record.
    pub(super) identity: String,
}

impl Message {
    /// Returns the messages of a record that was meant for this stream. Valid text stays text; other data is base64.
    pub(super) fn of(record: &Record, stream: &str) -> Vec<Self> {
        let text =
            std::str::from_utf8(&record.data).ok().filter(|text| text.chars().all(is_allowed));
        let (encoding, body) = match text {
            Some(text) => ("text", Cow::Borrowed(text)),
            None => ("base64", Cow::Owned(base64_simd::STANDARD.encode_to_string(&record.data))),
        };
        let pieces = pieces(&body, LARGEST - ATTRIBUTES);
        let span = &record.span;
        // The halves of a split record may have equal spans, and FIFO queues drop apparent duplicates.
        let checksum = crc32fast::hash(&record.data);
        let identity = format!("{}-{}-{}-{checksum:08x}", span.instance, span.first, span.last);
        let count = pieces.len();
        let message = |(index, piece): (usize, &str)| Self {
            body: piece.to_owned(),
            attributes: vec![
                ("Stream", stream.to_owned()),
                ("PartitionKey", record.key.to_string()),
                ("Record", identity.clone()),
                ("Instance", span.instance.to_string()),
                ("FirstSeq", span.first.to_string()),
                ("LastSeq", span.last.to_string()),
                ("Events", record.events.to_string()),
                ("Encoding", encoding.to_owned()),
                ("Piece", (index + 1).to_string()),
                ("Pieces", count.to_string()),
            ],
            group: span.instance.to_string(),
            identity: format!("{identity}-{index}"),
        };
        pieces.into_iter().enumerate().map(message).collect()
    }

    /// Returns the size as SQS counts it: the body, and the names, types and values of attributes.
    pub(super) fn size(&self) -> usize {
        let attribute = |(name, value): &(&str, String)| name.len() + "String".len() + value.len();
        self.body.len() + self.attributes.iter().map(attribute).sum::<usize>()
    }
}

/// True if a message may contain this character (XML 1.0).
fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// Splits a text into pieces of at most `room` bytes; there is at least one.
fn pieces(mut text: &str, room: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    while text.len() > room {
        let (piece, rest) = text.split_at(text.floor_char_boundary(room));
        pieces.push(piece);
        text = rest;
    }
    pieces.push(text);
    pieces
}

#[cfg(test)]
mod tests {
    use extension_spec::limits;

    use super::*;
    use crate::pack::Span;

    fn record(data: &[u8]) -> Record {
        let span = Span { instance: "i".into(), first: 3, last: 4 };
        Record { key: "k-1".into(), events: 2, span, ..Record::sample(data, "k") }
    }

    fn attribute<'a>(message: &'a Message, name: &str) -> &'a str {
        &message.attributes.iter().find(|it| it.0 == name).unwrap().1
    }

    #[test]
    fn a_text_record_becomes_a_message_with_its_identity() {
        let messages = Message::of(&record(b"{}\n{}\n"), "telemetry");
        assert_eq!(messages.len(), 1);
        assert_eq!(messages[0].body, "{}\n{}\n");
        for (name, value) in [
            ("Stream", "telemetry"),
            ("PartitionKey", "k-1"),
            ("Record", "i-3-4-9c38f1af"),
            ("Events", "2"),
            ("Encoding", "text"),
            ("Pieces", "1"),
        ] {
            assert_eq!(attribute(&messages[0], name), value);
        }
        assert!(messages[0].attributes.len() <= 10, "the limit of SQS");
    }

    #[test]
    fn data_that_xml_cannot_contain_is_base64() {
        for data in [&b"\x1f\x8b\x08"[..], "\u{FFFE}".as_bytes(), b"\0"] {
            let messages = Message::of(&record(data), "telemetry");
            assert_eq!(attribute(&messages[0], "Encoding"), "base64");
            let decoded = base64_simd::STANDARD.decode_to_vec(&messages[0].body).unwrap();
            assert_eq!(decoded, data);
        }
    }

    #[test]
    fn pieces_of_a_large_record_fit_and_join_to_the_whole() {
        let text = "é€".repeat(150_000);
        let messages = Message::of(&record(text.as_bytes()), "telemetry");
        assert!(messages.len() > 1 && messages.iter().all(|it| it.size() <= LARGEST));
        assert_eq!(messages.iter().map(|it| it.body.as_str()).collect::<String>(), text);
        let numbers: Vec<_> = messages.iter().map(|it| attribute(it, "Piece")).collect();
        assert_eq!(numbers, ["1", "2", "3"]);
    }

    #[test]
    fn the_largest_record_has_no_more_pieces_than_readers_accept() {
        let data = vec![0; usize::try_from(limits::RECORD_BYTES_MAX).unwrap()];
        let messages = Message::of(&record(&data), "telemetry");
        assert_eq!(messages.len(), 55, "limits.rs states this number");
        assert!(messages.len() <= limits::DEAD_LETTER_PIECES);
    }

    #[test]
    fn halves_of_a_split_record_have_different_identities() {
        let whole = Record { data: "{\"a\":1}\n{\"b\":2}\n".into(), ..record(b"") };
        let (one, two) = whole.halves().unwrap();
        let identity = |record: &Record| Message::of(record, "telemetry")[0].identity.clone();
        assert_ne!(identity(&one), identity(&two));
    }
}
