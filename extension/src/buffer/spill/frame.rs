//! The format of a record in a spill file.
//!
//! Pure. The first line of a file names its format. Each frame has the length of its body and a checksum of it (four
//! bytes each, little-endian), then the body: a line of JSON that describes the record, then the record's data. The
//! highest bit of the length marks a record that is no longer queued.

use std::borrow::Cow;
use std::time::{Duration, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::base::clock::Moment;
use crate::pack::{Part, Record, Span};

/// The first line of every spill file of this format.
pub(super) const MAGIC: &[u8] = b"kinesis-telemetry-extension spill 1\n";
/// The size of a frame's head: length and checksum.
pub(super) const HEAD: usize = 8;
/// The value and the position of the byte that marks a frame as done. It is the highest byte of the length, which is 0
/// otherwise.
pub(super) const DONE: (u8, u64) = (0x80, 3);
/// The largest body. Every record is smaller, so a longer body is invalid.
const LONGEST: usize = 16 * 1024 * 1024 - 1;
/// The largest description of a record: two keys of at most 256 characters, each perhaps escaped.
pub(super) const LONGEST_ABOUT: usize = 4 * 1024;
/// The maximum number of events in a record, even after compression. Sums of such numbers do not overflow.
const MOST_EVENTS: u64 = u32::MAX as u64;

#[derive(Serialize, Deserialize)]
struct About<'a> {
    #[serde(borrow)]
    #[serde(rename = "base")]
    base_key: Cow<'a, str>,
    #[serde(borrow)]
    key: Cow<'a, str>,
    aggregate: bool,
    events: u64,
    #[serde(borrow)]
    instance: Cow<'a, str>,
    first: u64,
    last: u64,
    part: Option<(u64, u64)>,
    /// When its oldest event reached the extension, in milliseconds since 1970, because another process does not share
    /// the monotonic clock.
    received: u64,
}

/// The description of a record whose data was not read.
#[derive(Debug)]
pub(super) struct Summary {
    pub(super) events: u64,
    pub(super) span: Span,
    pub(super) is_part: bool,
}

/// Returns a record as a frame, written at this moment.
pub(super) fn encode(record: &Record, now: Moment) -> Vec<u8> {
    let age = now.monotonic.saturating_duration_since(record.oldest);
    let received = now.wall.duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(age);
    let about = About {
        base_key: Cow::Borrowed(&record.base_key),
        key: Cow::Borrowed(&record.key),
        aggregate: record.is_aggregate,
        events: record.events,
        instance: Cow::Borrowed(&record.span.instance),
        first: record.span.first,
        last: record.span.last,
        part: record.part.map(|part| (part.part, part.parts)),
        received: u64::try_from(received.as_millis()).unwrap_or_default(),
    };
    let mut body = serde_json::to_vec(&about).expect("it holds strings and numbers");
    body.push(b'\n');
    body.extend_from_slice(&record.data);
    let length = u32::try_from(body.len()).expect("no record is as large as 4 GiB");
    let mut frame = Vec::with_capacity(HEAD + body.len());
    frame.extend(length.to_le_bytes());
    frame.extend(crc32fast::hash(&body).to_le_bytes());
    frame.extend(body);
    frame
}

/// The head of a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    /// The bytes of the body.
    pub(super) body: usize,
    pub(super) checksum: u32,
    /// True if the record is no longer queued.
    pub(super) is_done: bool,
}

/// Returns the head of a frame; none if it is invalid.
pub(super) fn head(mut bytes: [u8; HEAD]) -> Option<Head> {
    let is_done = bytes[3] == DONE.0;
    if is_done {
        bytes[3] = 0;
    }
    let number = |at: usize| u32::from_le_bytes(std::array::from_fn(|index| bytes[at + index]));
    let body = number(0) as usize;
    (1..=LONGEST).contains(&body).then(|| Head { body, checksum: number(4), is_done })
}

/// Returns the description of a record from the start of a frame's body; none if it is invalid.
pub(super) fn summary(beginning: &[u8]) -> Option<Summary> {
    let (about, _) = about(beginning)?;
    let span = Span { instance: about.instance.into(), first: about.first, last: about.last };
    Some(Summary { events: about.events, span, is_part: about.part.is_some() })
}

/// Returns the description, and the position of the data after it.
fn about(body: &[u8]) -> Option<(About<'_>, usize)> {
    let end = memchr::memchr(b'\n', body)?;
    let about: About<'_> = serde_json::from_slice(&body[..end]).ok()?;
    (about.events <= MOST_EVENTS).then_some((about, end + 1))
}

/// Returns the record of a body; none if the body does not match its checksum.
pub(super) fn decode(body: &[u8], checksum: u32, now: Moment) -> Option<Record> {
    if crc32fast::hash(body) != checksum {
        return None;
    }
    let (about, data) = about(body)?;
    let since_1970 = now.wall.duration_since(UNIX_EPOCH).unwrap_or_default();
    let age = since_1970.saturating_sub(Duration::from_millis(about.received));
    // A monotonic clock that started later cannot represent that moment.
    let oldest = now.monotonic.checked_sub(age).unwrap_or(now.monotonic);
    Some(Record {
        data: body[data..].to_vec().into(),
        base_key: about.base_key.into(),
        key: about.key.into(),
        is_aggregate: about.aggregate,
        events: about.events,
        span: Span { instance: about.instance.into(), first: about.first, last: about.last },
        oldest,
        released: oldest,
        part: about.part.map(|(part, parts)| Part { part, parts }),
    })
}
