//! Pieces of records that are on hand, and the records that they make. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use extension_spec::limits;

use super::piece::{Encoding, Key, Piece};
use super::report::Reason;

/// Most memory of pieces that wait for others, as [`Letter::charge`] counts it.
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// The memory that a message needs in addition to its body, for its key, its id and its receipt handle.
const MESSAGE_BYTES: usize = 4 * 1024;
/// The number of missing pieces that are listed.
const LISTED: usize = 10;

/// A record with all of its pieces.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Whole {
    pub(super) key: Rc<Key>,
    pub(super) data: Vec<u8>,
    /// Ids of the messages that bear it.
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

/// The result for records.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) whole: Vec<Whole>,
    pub(super) kept: Vec<Kept>,
}

/// The pieces on hand of one record.
#[derive(Debug, Default)]
struct Letter {
    /// The position of its latest piece.
    age: u64,
    /// The bodies of its pieces, by number.
    bodies: BTreeMap<usize, String>,
    /// Ids of all messages that bear it; a piece may have come twice.
    messages: Vec<String>,
    /// Bytes of all bodies.
    bytes: usize,
    /// The memory that it needs.
    charge: usize,
    /// Why the record stays in the queue, with all of its pieces that are still to come.
    bad: Option<Reason>,
}

/// Records whose pieces are not all on hand, or not proved to belong together.
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
    /// Adds the pieces of one answer of the queue, with the ids of their messages. Returns the records that are whole, and
    /// what stays in the queue.
    ///
    /// A record of one piece is whole at once, and a record of several if they fit the checksum in its name. Without a checksum
    /// it waits for [`rest`](Self::rest), because a piece that contradicts one of its own may still come. If memory gets scarce,
    /// the oldest letters make room.
    pub(super) fn file(&mut self, pieces: Vec<(Piece, String)>) -> Outcome {
        let (mut outcome, mut keys) = (Outcome::default(), BTreeSet::new());
        for (piece, message) in pieces {
            let key = self.add(piece, message);
            if key.pieces == 1 {
                // Letters of one piece are never mixed, even if they claim the same record.
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
                "redrive holds {} MiB of unfinished records at most, and has not found all pieces of this one: redrive again",
                self.most_bytes / 1024 / 1024
            );
            self.take_out(&key, &mut outcome, |_, _| Reason::Incomplete(why));
        }
        outcome
    }

    /// Ends the run: returns the records whose pieces nothing has contradicted, and everything else as kept. `is_read`: the
    /// queue has nothing more.
    pub(super) fn rest(&mut self, is_read: bool) -> Outcome {
        let mut outcome = Outcome::default();
        while let Some((_, key)) = self.ages.first_key_value() {
            let key = Rc::clone(key);
            if !is_read && let Some(letter) = self.by_key.get_mut(&key) {
                letter.bad.get_or_insert_with(|| {
                    Reason::Incomplete("redrive ended before the queue did".to_owned())
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

    /// Moves the letter of a key to the outcome, if there is no more to wait for.
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
            // Those that came before are kept already.
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
                    "the queue has two contents of its piece {number}, of which one is forged; compare them, and delete that one"
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

    /// Gives up on the record. Its bodies are needed no more.
    fn spoil(&mut self, reason: Reason) {
        self.charge -= self.bytes;
        self.bytes = 0;
        self.bodies.clear();
        self.bad = Some(reason);
    }

    /// True if all pieces are on hand: their numbers are different, and none is beyond the last.
    fn is_complete(&self, key: &Key) -> bool {
        self.bodies.len() == key.pieces
    }

    /// Returns the record's data, and true if nothing that may still come can contradict it. Pieces were cut after the data was
    /// encoded, so they are joined before it is decoded.
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
        // A forger of a whole record can write its checksum, too: it only shows that pieces belong together.
        let fits = key.checksum().map(|it| it == crc32fast::hash(&data));
        if key.pieces > 1 && fits == Some(false) {
            return Err(Reason::Incomplete(
                "its pieces do not fit the checksum in its name, so one of them is forged or damaged".to_owned(),
            ));
        }
        Ok((data, fits == Some(true)))
    }

    /// Names the missing pieces.
    fn lacks(&self, key: &Key) -> Reason {
        let mut missing = (1..=key.pieces).filter(|it| !self.bodies.contains_key(it));
        let listed: Vec<String> = missing.by_ref().take(LISTED).map(|it| it.to_string()).collect();
        let more = match missing.count() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let listed = listed.join(", ");
        Reason::Incomplete(format!(
            "of its {} pieces {listed}{more} are not in the queue",
            key.pieces
        ))
    }
}

fn too_large() -> Reason {
    Reason::Format(format!(
        "it is larger than a record of Kinesis, which has {} MiB at most",
        limits::RECORD_BYTES_MAX / 1024 / 1024
    ))
}

#[cfg(test)]
mod tests;
