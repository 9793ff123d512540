//! Joins received pieces to records. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use extension_spec::limits;

use super::piece::{Encoding, Key, Piece};
use super::report::Reason;

/// Largest memory of incomplete records in bytes, as counted by [`Letter::charge`].
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// The memory in bytes of a message in addition to its body, for its key, its ID and its receipt handle.
const MESSAGE_BYTES: usize = 4 * 1024;
/// Number of missing pieces that are listed.
const LISTED: usize = 10;

/// A record with all of its pieces.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Whole {
    pub(super) key: Rc<Key>,
    pub(super) data: Vec<u8>,
    /// IDs of the messages that contain it.
    pub(super) messages: Vec<String>,
}

impl Whole {
    /// Returns the size as Kinesis counts it.
    pub(super) fn size(&self) -> usize {
        self.data.len() + self.key.partition_key.len()
    }
}

/// Messages of one record that stay in the queue.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) record: String,
    pub(super) reason: Reason,
    pub(super) messages: usize,
}

/// The records that are complete, and those that stay in the queue.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) whole: Vec<Whole>,
    pub(super) kept: Vec<Kept>,
}

/// The received pieces of one record.
#[derive(Debug, Default)]
struct Letter {
    /// The position of its latest piece.
    age: u64,
    /// The bodies of its pieces, by number.
    bodies: BTreeMap<usize, String>,
    /// IDs of all its messages; a piece may have arrived twice.
    messages: Vec<String>,
    /// Bytes of all bodies.
    bytes: usize,
    /// The memory that it needs.
    charge: usize,
    /// The reason why the record stays in the queue, with all of its later pieces.
    bad: Option<Reason>,
}

/// Records whose pieces are incomplete, or not proved to belong together.
pub(super) struct Letters {
    by_key: BTreeMap<Rc<Key>, Letter>,
    /// Keys by the ages of their letters.
    ages: BTreeMap<u64, Rc<Key>>,
    age: u64,
    bytes: usize,
    most_bytes: usize,
}

impl Default for Letters {
    fn default() -> Self {
        Self {
            by_key: BTreeMap::new(),
            ages: BTreeMap::new(),
            age: 0,
            bytes: 0,
            most_bytes: MOST_BYTES,
        }
    }
}

impl Letters {
    /// Adds the pieces of one response of the queue, with the IDs of their messages. Returns the complete records, and the
    /// messages that stay in the queue.
    ///
    /// A record of one piece is complete at once; a record of several pieces is complete if they match the checksum in its name.
    /// Without a checksum it waits for [`rest`](Self::rest), because a contradicting piece may still arrive. If memory runs out,
    /// the oldest letters are released.
    pub(super) fn file(&mut self, pieces: Vec<(Piece, String)>) -> Outcome {
        let (mut outcome, mut keys) = (Outcome::default(), BTreeSet::new());
        for (piece, message) in pieces {
            let key = self.add(piece, message);
            if key.pieces == 1 {
                // Letters of one piece are never joined, even if they name the same record.
                self.take_out(&key, &mut outcome, Letter::lacks);
            } else {
                keys.insert(key);
            }
        }
        for key in keys {
            self.settle(&key, &mut outcome);
        }
        while self.bytes > self.most_bytes
            && let Some((_, key)) = self.ages.first_key_value()
        {
            let key = Rc::clone(key);
            let why = format!(
                "redrive holds at most {} MiB of incomplete records, and has not found all pieces of this one: run redrive again",
                self.most_bytes / 1024 / 1024
            );
            self.take_out(&key, &mut outcome, |_, _| Reason::Incomplete(why));
        }
        outcome
    }

    /// Ends the run. Returns the records with no contradicting pieces, and all others as kept. `is_read` is true if the whole
    /// queue was read.
    pub(super) fn rest(&mut self, is_read: bool) -> Outcome {
        let mut outcome = Outcome::default();
        while let Some((_, key)) = self.ages.first_key_value() {
            let key = Rc::clone(key);
            if !is_read && let Some(letter) = self.by_key.get_mut(&key) {
                letter.bad.get_or_insert_with(|| {
                    Reason::Incomplete("redrive stopped before the end of the queue".to_owned())
                });
            }
            self.take_out(&key, &mut outcome, Letter::lacks);
        }
        outcome
    }

    fn add(&mut self, piece: Piece, message: String) -> Rc<Key> {
        let key = Rc::new(piece.key);
        let mut letter = self.remove(&key).unwrap_or_default();
        letter.messages.push(message);
        if letter.bad.is_none() {
            letter.add(piece.number, piece.body);
        }
        letter.charge += MESSAGE_BYTES;
        self.insert(&key, letter);
        key
    }

    /// Moves the letter of a key to the outcome if it is complete or bad.
    fn settle(&mut self, key: &Rc<Key>, outcome: &mut Outcome) {
        let Some(mut letter) = self.remove(key) else { return };
        if letter.is_complete(key) {
            match letter.data(key) {
                Ok((data, true)) => return outcome.whole(key, letter, data),
                Ok((_, false)) => {}
                Err(reason) => letter.spoil(reason),
            }
        }
        if let Some(reason) = letter.bad.clone() {
            outcome.keep(key, &letter, reason);
            letter.messages.clear();
            letter.charge = MESSAGE_BYTES;
        }
        self.insert(key, letter);
    }

    /// Moves a letter of any kind to the outcome.
    fn take_out(
        &mut self,
        key: &Rc<Key>,
        outcome: &mut Outcome,
        lacks: impl FnOnce(&Letter, &Key) -> Reason,
    ) {
        let Some(letter) = self.remove(key) else { return };
        if let Some(reason) = letter.bad.clone() {
            // Earlier messages are already kept.
            if !letter.messages.is_empty() {
                outcome.keep(key, &letter, reason);
            }
            return;
        }
        if !letter.is_complete(key) {
            let reason = lacks(&letter, key);
            return outcome.keep(key, &letter, reason);
        }
        match letter.data(key) {
            Ok((data, _)) => outcome.whole(key, letter, data),
            Err(reason) => outcome.keep(key, &letter, reason),
        }
    }

    fn insert(&mut self, key: &Rc<Key>, letter: Letter) {
        self.age += 1;
        self.bytes += letter.charge;
        self.ages.insert(self.age, Rc::clone(key));
        self.by_key.insert(Rc::clone(key), Letter { age: self.age, ..letter });
    }

    fn remove(&mut self, key: &Rc<Key>) -> Option<Letter> {
        let letter = self.by_key.remove(key)?;
        self.ages.remove(&letter.age);
        self.bytes -= letter.charge;
        Some(letter)
    }
}

impl Outcome {
    fn whole(&mut self, key: &Rc<Key>, letter: Letter, data: Vec<u8>) {
        self.whole.push(Whole { key: Rc::clone(key), data, messages: letter.messages });
    }

    fn keep(&mut self, key: &Key, letter: &Letter, reason: Reason) {
        let messages = letter.messages.len();
        self.kept.push(Kept { record: key.record.clone(), reason, messages });
    }
}

impl Letter {
    fn add(&mut self, number: usize, body: String) {
        if let Some(known) = self.bodies.get(&number) {
            if *known != body {
                self.spoil(Reason::Incomplete(format!(
                    "the queue has two different versions of its piece {number}, and one is forged: compare them, and delete \
                     the forged one"
                )));
            }
            return;
        }
        self.bytes += body.len();
        self.charge += body.len();
        self.bodies.insert(number, body);
        // Base64 has four characters for three bytes.
        if self.bytes as u64 > limits::RECORD_BYTES_MAX.div_ceil(3) * 4 {
            self.spoil(too_large());
        }
    }

    /// Marks the record as bad, and drops its bodies.
    fn spoil(&mut self, reason: Reason) {
        self.charge -= self.bytes;
        self.bytes = 0;
        self.bodies.clear();
        self.bad = Some(reason);
    }

    /// Returns true if all pieces have arrived. Their numbers are distinct, and none exceeds the last.
    fn is_complete(&self, key: &Key) -> bool {
        self.bodies.len() == key.pieces
    }

    /// Returns the record's data, and true if no later piece can contradict it. The data was encoded before it was split, so the
    /// pieces are joined before decoding.
    fn data(&self, key: &Key) -> Result<(Vec<u8>, bool), Reason> {
        let text: String = self.bodies.values().map(String::as_str).collect();
        let data = match key.encoding {
            Encoding::Text => text.into_bytes(),
            Encoding::Base64 => BASE64_STANDARD
                .decode(text)
                .map_err(|error| Reason::Format(format!("its base64 is damaged: {error}")))?,
        };
        if (data.len() + key.partition_key.len()) as u64 > limits::RECORD_BYTES_MAX {
            return Err(too_large());
        }
        // The checksum only shows that pieces belong together; the forger of a whole record can also write its checksum.
        let fits = key.checksum().map(|it| it == crc32fast::hash(&data));
        if key.pieces > 1 && fits == Some(false) {
            return Err(Reason::Incomplete(
                "its pieces do not match the checksum in its name, so one of them is forged or damaged".to_owned(),
            ));
        }
        Ok((data, fits == Some(true)))
    }

    /// Returns a reason that lists the missing pieces.
    fn lacks(&self, key: &Key) -> Reason {
        let mut missing = (1..=key.pieces).filter(|it| !self.bodies.contains_key(it));
        let listed: Vec<String> = missing.by_ref().take(LISTED).map(|it| it.to_string()).collect();
        let more = match missing.count() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let listed = listed.join(", ");
        Reason::Incomplete(format!(
            "of its {} pieces, these are not in the queue: {listed}{more}",
            key.pieces
        ))
    }
}

fn too_large() -> Reason {
    Reason::Format(format!(
        "it is larger than a Kinesis record can be ({} MiB)",
        limits::RECORD_BYTES_MAX / 1024 / 1024
    ))
}

#[cfg(test)]
mod tests;
