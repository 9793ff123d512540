//! The piece of a record in a message. Pure.
//!
//! The extension writes the format (`extension/src/delivery/sqs/message.rs`), and docs/consuming.md describes it under "Dead
//! letters". Every principal that can send to the queue can write a message, so each attribute is checked before it takes memory.

use extension_spec::limits;

use super::allowed::{Allowed, NotAllowed};
use super::report::Reason;

/// Largest length of a record's name in characters. The extension writes fewer than 100.
const RECORD_NAME_CHARS: usize = 256;
/// Number of characters that a reason quotes from an attribute.
const QUOTED_CHARS: usize = 40;

/// The encoding of a record's data in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Encoding {
    Text,
    Base64,
}

/// The properties that all pieces of a record share. Pieces that differ in any of them are never joined.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(clippy::struct_field_names, reason = "Kinesis's name for it")]
pub(super) struct Key {
    /// Name of the record for people: instance, first and last number, and checksum.
    pub(super) record: String,
    /// ARN of an allowed stream.
    pub(super) stream: String,
    /// The partition key. A record may have been sent twice with different keys.
    pub(super) partition_key: String,
    pub(super) encoding: Encoding,
    pub(super) pieces: usize,
}

impl Key {
    /// The checksum of the record's data, if the name ends in one.
    pub(super) fn checksum(&self) -> Option<u32> {
        let (_, digits) = self.record.rsplit_once('-')?;
        let is_checksum = digits.len() == 8 && digits.bytes().all(|it| it.is_ascii_hexdigit());
        u32::from_str_radix(digits, 16).ok().filter(|_| is_checksum)
    }
}

/// The content of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) key: Key,
    /// The number of the piece, from 1 to `key.pieces`.
    pub(super) number: usize,
    pub(super) body: String,
}

impl Piece {
    /// Reads the attributes and the body of a message. Fails with the reason why the message stays in the queue.
    pub(super) fn of<'a>(
        attribute: impl Fn(&str) -> Option<&'a str>,
        body: Option<&str>,
        allowed: &Allowed,
    ) -> Result<Self, Reason> {
        let attribute = |name: &str| {
            attribute(name).ok_or_else(|| {
                Reason::Format(format!(
                    "not a dead letter of the extension, because it has no attribute {name}: read it, and delete it yourself"
                ))
            })
        };
        let body = body.filter(|it| !it.is_empty()).ok_or_else(|| {
            Reason::Format("not a dead letter of the extension, because it has no body".to_owned())
        })?;
        let (number, pieces) = (attribute("Piece")?, attribute("Pieces")?);
        let key = Key {
            record: bounded("Record", attribute("Record")?, RECORD_NAME_CHARS)?,
            partition_key: bounded(
                "PartitionKey",
                attribute("PartitionKey")?,
                limits::PARTITION_KEY_CHARS,
            )?,
            encoding: encoding(attribute("Encoding")?)?,
            pieces: whole_number("Pieces", pieces)?,
            stream: stream(attribute("Stream")?, allowed)?,
        };
        let piece = Self { number: whole_number("Piece", number)?, key, body: body.to_owned() };
        if piece.key.pieces > limits::DEAD_LETTER_PIECES {
            return Err(Reason::Format(format!(
                "a message states that its record has {} pieces; a record has at most {}",
                quoted(pieces),
                limits::DEAD_LETTER_PIECES
            )));
        }
        if !(1..=piece.key.pieces).contains(&piece.number) {
            return Err(Reason::Format(format!(
                "a message states that it is piece {} of {pieces}",
                quoted(number)
            )));
        }
        Ok(piece)
    }
}

/// Returns a text of 1 to `most` characters.
fn bounded(name: &str, text: &str, most: usize) -> Result<String, Reason> {
    let chars = text.chars().count();
    if (1..=most).contains(&chars) {
        return Ok(text.to_owned());
    }
    Err(Reason::Format(format!(
        "the attribute {name} of a message has {chars} characters; it must have 1 to {most}"
    )))
}

/// Parses a number in the exact form that the extension writes. Numbers beyond `usize` become the largest one.
fn whole_number(name: &str, text: &str) -> Result<usize, Reason> {
    let is_number = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    if is_number && (text == "0" || !text.starts_with('0')) {
        return Ok(text.parse().unwrap_or(usize::MAX));
    }
    Err(Reason::Format(format!(
        "the attribute {name} of a message is \"{}\", which is not a number",
        quoted(text)
    )))
}

fn encoding(text: &str) -> Result<Encoding, Reason> {
    match text {
        "text" => Ok(Encoding::Text),
        "base64" => Ok(Encoding::Base64),
        _ => Err(Reason::Format(format!(
            "its Encoding is \"{}\", which this version does not support",
            quoted(text)
        ))),
    }
}

fn stream(text: &str, allowed: &Allowed) -> Result<String, Reason> {
    allowed.resolve(text).map_err(|error| match error {
        NotAllowed::Other(arn) => Reason::OtherStream(arn),
        NotAllowed::Unreadable => Reason::Format(format!(
            "its Stream is \"{}\", which is neither the name nor the ARN of a stream",
            quoted(text)
        )),
    })
}

/// Returns the beginning of a text, which any sender can choose.
fn quoted(text: &str) -> String {
    let beginning: String = text.chars().take(QUOTED_CHARS).collect();
    if beginning.len() < text.len() { beginning + "…" } else { beginning }
}

#[cfg(test)]
impl Piece {
    /// Returns one piece of a record for tests.
    pub(super) fn sample(record: &str, number: usize, pieces: usize, body: &str) -> Self {
        let key = Key {
            record: record.into(),
            stream: "arn:aws:kinesis:eu-central-1:111122223333:stream/telemetry".into(),
            partition_key: "k-1".into(),
            encoding: Encoding::Text,
            pieces,
        };
        Self { key, number, body: body.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "arn:aws:kinesis:eu-central-1:111122223333:stream/telemetry";

    /// Reads a message that is valid except for one attribute.
    fn piece(changed: &str, value: Option<&str>) -> Result<Piece, String> {
        let usual = [
            ("Stream", OWN),
            ("PartitionKey", "k-1"),
            ("Record", "i-3-4-9c38f1af"),
            ("Encoding", "text"),
            ("Piece", "1"),
            ("Pieces", "2"),
        ];
        let value = |name: &str| {
            let usual = usual.iter().find(|it| it.0 == name)?.1;
            if name == changed { value } else { Some(usual) }
        };
        let allowed = Allowed::new(OWN, &[]).unwrap();
        Piece::of(value, Some("{}\n"), &allowed).map_err(|it| it.to_string())
    }

    #[test]
    fn a_message_of_the_extension_has_the_record_checksum() {
        let piece = piece("none", None).unwrap();
        assert_eq!((piece.number, piece.key.pieces), (1, 2));
        assert_eq!(piece.key.checksum(), Some(0x9c38_f1af));
    }

    #[test]
    fn only_eight_hexadecimal_digits_at_the_end_are_a_checksum() {
        for name in ["i-1-1-x", "a", "9c38f1af", "i-1-1-+c38f1af", "i-1-1-9c38f1af0", "i-1-1-"] {
            assert_eq!(Piece::sample(name, 1, 1, "").key.checksum(), None, "{name}");
        }
    }

    #[test]
    fn an_invalid_attribute_is_reported_with_a_bounded_value() {
        let long = "9".repeat(100_000);
        for (name, value, error) in [
            (
                "Piece",
                Some("one"),
                "the attribute Piece of a message is \"one\", which is not a number",
            ),
            ("Piece", Some("3"), "a message states that it is piece 3 of 2"),
            ("Piece", None, "it has no attribute Piece"),
            (
                "Pieces",
                Some("1000000000000"),
                "has 1000000000000 pieces; a record has at most 1000",
            ),
            ("Pieces", Some(&long), "has 9999999999999999999999999999999999999999… pieces"),
            ("PartitionKey", Some(&long), "PartitionKey of a message has 100000 characters"),
            ("Encoding", Some("rot13"), "its Encoding is \"rot13\""),
            ("Stream", Some("a b"), "its Stream is \"a b\""),
        ] {
            let found = piece(name, value).unwrap_err();
            assert!(found.contains(error) && found.len() < 200, "{found}");
        }
    }
}
