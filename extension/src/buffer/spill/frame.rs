//! How a record lies in a spill file.
//!
//! Pure. A file begins with a line that names its format. Each frame is the length of its body and a checksum of it
//! (four bytes each, little-endian), then the body: a line of JSON about the record, then the record's data. The highest
//! bit of the length says that the record waits no longer.

use std::borrow::Cow;
use std::time::{Duration, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::base::clock::Moment;
use crate::pack::{Part, Record, Span};

/// What every spill file of this format begins with.
pub(super) const MAGIC: &[u8] = b"kinesis-telemetry-extension spill 1\n";
/// Length and checksum.
pub(super) const HEAD: usize = 8;
/// The byte that says of a frame that its record waits no longer, and its place: it is the highest of the length, which
/// is 0 otherwise.
pub(super) const DONE: (u8, u64) = (0x80, 3);
/// No record is that large, so a longer body is no body.
const LONGEST: usize = 16 * 1024 * 1024 - 1;
/// What is written about a record is shorter than that: two keys of 256 characters at most, each perhaps an escape.
pub(super) const LONGEST_ABOUT: usize = 4 * 1024;
/// No record holds more events, however much they shrink. Sums of such numbers stay numbers.
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
    /// When its oldest event reached us, in milliseconds since 1970: another process knows no other clock of ours.
    received: u64,
}

/// What is known of a record whose data was not read.
#[derive(Debug)]
pub(super) struct Summary {
    pub(super) events: u64,
    pub(super) span: Span,
    pub(super) is_part: bool,
}

/// A record as a frame, at this moment by both clocks.
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

/// What a frame begins with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    /// Bytes of the body.
    pub(super) body: usize,
    pub(super) checksum: u32,
    /// True if the record waits no longer.
    pub(super) is_done: bool,
}

/// Returns what a frame's head states; none if it cannot be a head.
pub(super) fn head(mut bytes: [u8; HEAD]) -> Option<Head> {
    let is_done = bytes[3] == DONE.0;
    if is_done {
        bytes[3] = 0;
    }
    let number = |at: usize| u32::from_le_bytes(std::array::from_fn(|index| bytes[at + index]));
    let body = number(0) as usize;
    (1..=LONGEST).contains(&body).then(|| Head { body, checksum: number(4), is_done })
}

/// What the beginning of a body says about its record; none if that cannot be.
pub(super) fn summary(beginning: &[u8]) -> Option<Summary> {
    let (about, _) = about(beginning)?;
    let span = Span { instance: about.instance.into(), first: about.first, last: about.last };
    Some(Summary { events: about.events, span, is_part: about.part.is_some() })
}

/// What stands before the data, and where that begins.
fn about(body: &[u8]) -> Option<(About<'_>, usize)> {
    let end = memchr::memchr(b'\n', body)?;
    let about: About<'_> = serde_json::from_slice(&body[..end]).ok()?;
    (about.events <= MOST_EVENTS).then_some((about, end + 1))
}

/// The record of a body; none if it is not what was written.
pub(super) fn decode(body: &[u8], checksum: u32, now: Moment) -> Option<Record> {
    if crc32fast::hash(body) != checksum {
        return None;
    }
    let (about, data) = about(body)?;
    let since_1970 = now.wall.duration_since(UNIX_EPOCH).unwrap_or_default();
    let age = since_1970.saturating_sub(Duration::from_millis(about.received));
    // A clock that began after that knows no such moment.
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
