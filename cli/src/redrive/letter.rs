//! Pieces of a record, as messages of a queue bear them, and the record that they make. Pure.
//!
//! The format is the extension's (`extension/src/delivery/sqs/message.rs`), described in docs/consuming.md, "Dead letters".

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// What all pieces of a record have in common. A record may have been sent twice, the second time under another key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(clippy::struct_field_names, reason = "so Kinesis calls it")]
pub(super) struct Key {
    /// Its name for people: instance, numbers and checksum.
    pub(super) record: String,
    pub(super) stream: String,
    pub(super) partition_key: String,
    encoding: String,
    pieces: usize,
}

/// What one message holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) key: Key,
    number: usize,
    body: String,
}

impl Piece {
    /// Reads the attributes that matter for putting it back.
    pub(super) fn of(
        attribute: impl Fn(&str) -> Result<String, String>,
        body: &str,
    ) -> Result<Self, String> {
        let number = |name: &str| {
            let text = attribute(name)?;
            text.parse().map_err(|_| {
                format!("the attribute {name} of a message is \"{text}\", which is no number")
            })
        };
        let key = Key {
            record: attribute("Record")?,
            stream: attribute("Stream")?,
            partition_key: attribute("PartitionKey")?,
            encoding: attribute("Encoding")?,
            pieces: number("Pieces")?,
        };
        let (number, pieces) = (number("Piece")?, key.pieces);
        if !(1..=pieces).contains(&number) {
            return Err(format!("a message says that it is piece {number} of {pieces}"));
        }
        Ok(Self { key, number, body: body.to_owned() })
    }
}

/// A record, all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Whole {
    pub(super) key: Key,
    pub(super) data: Vec<u8>,
    /// Ids of the messages that bear it.
    pub(super) messages: Vec<String>,
}

impl Whole {
    /// As Kinesis counts it.
    pub(super) fn size(&self) -> usize {
        self.data.len() + self.key.partition_key.len()
    }
}

/// A record, or what is there of its pieces so far.
#[derive(Debug, Default)]
pub(super) struct Letter {
    bodies: BTreeMap<usize, String>,
    /// Ids of all messages that bear it; a piece may have come twice.
    pub(super) messages: Vec<String>,
}

impl Letter {
    pub(super) fn add(&mut self, piece: Piece, message: String) {
        self.bodies.insert(piece.number, piece.body);
        self.messages.push(message);
    }

    /// The record's data, once all pieces are there. They were cut after it was encoded, so they are joined before it is
    /// decoded.
    pub(super) fn data(&self, key: &Key) -> Option<Result<Vec<u8>, String>> {
        let all: Option<String> =
            (1..=key.pieces).map(|n| self.bodies.get(&n).map(String::as_str)).collect();
        let text = all?;
        Some(match key.encoding.as_str() {
            "text" => Ok(text.into_bytes()),
            "base64" => BASE64_STANDARD
                .decode(text)
                .map_err(|error| format!("its base64 is damaged: {error}")),
            other => Err(format!("its Encoding is \"{other}\", which this version does not know")),
        })
    }

    /// Which pieces are missing, in words.
    pub(super) fn lacks(&self, key: &Key) -> String {
        let missing = (1..=key.pieces).filter(|n| !self.bodies.contains_key(n));
        let missing: Vec<String> = missing.map(|n| n.to_string()).collect();
        format!("of its {} pieces {} are not in the queue", key.pieces, missing.join(", "))
    }
}

#[cfg(test)]
impl Key {
    pub(super) fn sample(stream: &str) -> Self {
        Self {
            record: "i-3-4-9c38f1af".into(),
            stream: stream.into(),
            partition_key: "k-1".into(),
            encoding: "text".into(),
            pieces: 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(number: &str, pieces: &str, encoding: &str, body: &str) -> Result<Piece, String> {
        let values = [
            ("Stream", "telemetry"),
            ("PartitionKey", "k-1"),
            ("Record", "i-3-4-9c38f1af"),
            ("Encoding", encoding),
            ("Piece", number),
            ("Pieces", pieces),
        ];
        let value = |name: &str| Some(values.iter().find(|it| it.0 == name)?.1.to_owned());
        Piece::of(|name| value(name).ok_or_else(|| name.to_owned()), body)
    }

    fn letter(pieces: &[Piece]) -> (Key, Letter) {
        let mut letter = Letter::default();
        for piece in pieces {
            letter.add(piece.clone(), format!("message of {}", piece.number));
        }
        (pieces[0].key.clone(), letter)
    }

    #[test]
    fn pieces_join_in_whatever_order_they_come_before_they_are_decoded() {
        // Cut where no base64 ends.
        let (key, mut letter) = letter(&[piece("2", "2", "base64", "sI").unwrap()]);
        assert_eq!(letter.data(&key), None);
        assert_eq!(letter.lacks(&key), "of its 2 pieces 1 are not in the queue");
        letter.add(piece("1", "2", "base64", "H4").unwrap(), "message".to_owned());
        assert_eq!(letter.data(&key), Some(Ok(vec![0x1F, 0x8B, 0x08])));
        assert_eq!(letter.messages.len(), 2);
    }

    #[test]
    fn a_piece_that_came_twice_is_one_piece_and_two_messages() {
        let one = piece("1", "1", "text", "{}\n").unwrap();
        let (key, letter) = letter(&[one.clone(), one]);
        assert_eq!(letter.data(&key), Some(Ok(b"{}\n".to_vec())));
        assert_eq!(letter.messages.len(), 2);
    }

    #[test]
    fn what_is_odd_says_what_it_is() {
        let error = piece("one", "1", "text", "").unwrap_err();
        assert_eq!(error, "the attribute Piece of a message is \"one\", which is no number");
        for (number, pieces) in [("0", "1"), ("2", "1"), ("1", "0"), ("0", "0")] {
            let error = piece(number, pieces, "text", "").unwrap_err();
            assert_eq!(error, format!("a message says that it is piece {number} of {pieces}"));
        }
        for (encoding, body, why) in
            [("rot13", "", "\"rot13\""), ("base64", "!", "base64 is damaged")]
        {
            let (key, letter) = letter(&[piece("1", "1", encoding, body).unwrap()]);
            let error = letter.data(&key).unwrap().unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
