//! What a consumer does: inflates records, takes aggregates apart, splits lines, finds each event's identity, drops
//! doubles and joins parts. By docs/consuming.md, and with none of the extension's own code.

use std::collections::BTreeMap;
use std::io::Read as _;

use extension_spec::event_type;
use md5::Digest as _;
use serde_json::Value;

/// Events by instance and number, as they were before they got their identity, and how often one came again.
#[derive(Debug, Default)]
pub(crate) struct Arrived {
    pub(crate) events: BTreeMap<(String, u64), String>,
    pub(crate) doubled: usize,
    parts: BTreeMap<(String, u64), BTreeMap<u64, String>>,
}

impl Arrived {
    /// Of these records, each the data of one.
    pub(crate) fn of<D: AsRef<[u8]>>(records: impl IntoIterator<Item = D>) -> Self {
        let mut arrived = Self::default();
        records.into_iter().for_each(|data| arrived.take(data.as_ref()));
        arrived
    }

    fn take(&mut self, data: &[u8]) {
        let data = text(data);
        // With the identity in the first line of a record: whose lines follow, and from which number on.
        let mut head: Option<(String, u64)> = None;
        let mut last = None;
        for line in data.lines() {
            let event: Value = serde_json::from_str(line).expect("every line is JSON");
            let source = &event["source"];
            if event["type"] == event_type::RECORD {
                head = identity(source);
                continue;
            }
            let (instance, seq) = match &mut head {
                Some((instance, next)) => {
                    *next += 1;
                    (instance.clone(), *next - 1)
                }
                // Without any identity the order of arrival is all there is.
                None => identity(source)
                    .unwrap_or_else(|| (String::new(), self.events.len() as u64 + 1)),
            };
            assert!(last.replace(seq).is_none_or(|last| last < seq), "in order");
            // Of whom the first line tells, the others do not.
            let own = match &head {
                Some(_) => line.to_owned(),
                None => without_source(line),
            };
            self.file((instance, seq), own, &event);
        }
    }

    fn file(&mut self, key: (String, u64), own: String, event: &Value) {
        if event["type"] != event_type::PART {
            let is_double = self.events.insert(key, own).is_some();
            self.doubled += usize::from(is_double);
            return;
        }
        let fragment = event["record"].as_str().expect("a part holds text").to_owned();
        let (part, of) = (event["source"]["part"].as_u64(), event["source"]["parts"].as_u64());
        let parts = self.parts.entry(key.clone()).or_default();
        let is_double = parts.insert(part.expect("a part has its number"), fragment).is_some();
        self.doubled += usize::from(is_double);
        if of == Some(parts.len() as u64) {
            self.events.insert(key, parts.values().map(String::as_str).collect());
        }
    }
}

/// All lines of a record, as text.
pub(crate) fn text(data: &[u8]) -> String {
    let pieces = deaggregate(&inflate(data));
    assert!(pieces.iter().all(|piece| piece.ends_with(b"\n")), "every line ends");
    String::from_utf8(pieces.concat()).expect("records are text")
}

fn identity(source: &Value) -> Option<(String, u64)> {
    Some((source["instance"].as_str()?.to_owned(), source["seq"].as_u64()?))
}

/// An event as it was before it got its identity.
fn without_source(line: &str) -> String {
    let Some(at) = line.rfind(r#""source":{"function":"#) else { return line.to_owned() };
    format!("{}}}", line[..at].strip_suffix(',').unwrap_or(&line[..at]))
}

fn inflate(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    if data.starts_with(&[0x1F, 0x8B]) {
        flate2::read::GzDecoder::new(data).read_to_end(&mut out).expect("gzip");
    } else if data.starts_with(&[0x28, 0xB5, 0x2F, 0xFD]) {
        out = zstd::stream::decode_all(data).expect("zstd");
    } else {
        out.extend_from_slice(data);
    }
    out
}

/// The inner records of an aggregate; of what is none, the data itself. Knows no more of protobuf than it must.
fn deaggregate(data: &[u8]) -> Vec<Vec<u8>> {
    let Some(aggregate) = data.strip_prefix(&[0xF3, 0x89, 0x9A, 0xC2]) else {
        return vec![data.to_vec()];
    };
    let (mut rest, checksum) = aggregate.split_at(aggregate.len() - 16);
    assert_eq!(md5::Md5::digest(rest)[..], *checksum);
    assert_eq!(field(&mut rest).0, 0x0A, "the key comes first");
    let mut records = Vec::new();
    while !rest.is_empty() {
        let (tag, inner) = field(&mut rest);
        assert_eq!((tag, &inner[..2]), (0x1A, &[0x08, 0x00][..]), "index 0 is written");
        let mut inner = &inner[2..];
        let (tag, line) = field(&mut inner);
        assert_eq!((tag, inner.len()), (0x1A, 0));
        records.push(line.to_vec());
    }
    records
}

/// Takes a length-delimited field off the front: its tag and its bytes.
fn field<'a>(bytes: &mut &'a [u8]) -> (u8, &'a [u8]) {
    let (tag, mut at, mut len, mut shift) = (bytes[0], 1, 0_usize, 0);
    loop {
        let byte = bytes[at];
        len |= usize::from(byte & 0x7F) << shift;
        (at, shift) = (at + 1, shift + 7);
        if byte < 0x80 {
            break;
        }
    }
    let value = &bytes[at..at + len];
    *bytes = &bytes[at + len..];
    (tag, value)
}
