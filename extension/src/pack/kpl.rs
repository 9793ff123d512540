//! The aggregated record format of the Kinesis Producer Library.
//!
//! Pure. Source: `aggregation-format.md` of awslabs/amazon-kinesis-producer. An aggregate is a magic number, a protobuf
//! message, and the MD5 of that message as a checksum. The message has only three tags, so it is written by hand.
//!
//! All inner records have the outer record's partition key and no explicit hash key. KCL silently drops a whole
//! aggregate if one inner key belongs to another shard.

use md5::{Digest as _, Md5};

const MAGIC: [u8; 4] = [0xF3, 0x89, 0x9A, 0xC2];
const CHECKSUM: usize = 16;
/// `partition_key_table`, length-delimited.
const KEY_TAG: u8 = 0x0A;
/// `records`, length-delimited.
const RECORD_TAG: u8 = 0x1A;
/// `partition_key_index` = 0. proto2 requires the field, so it is written although 0 is the default.
const KEY_INDEX: [u8; 2] = [0x08, 0x00];
/// `data`, length-delimited.
const DATA_TAG: u8 = 0x1A;

/// Returns the bytes of an aggregate before its first record.
pub(super) fn overhead(key: &str) -> usize {
    MAGIC.len() + 1 + varint_len(key.len()) + key.len() + CHECKSUM
}

/// Returns the bytes that a record adds.
pub(super) fn inner(len: usize) -> usize {
    let body = body(len);
    1 + varint_len(body) + body
}

/// Returns the bytes of the inner message.
fn body(len: usize) -> usize {
    KEY_INDEX.len() + 1 + varint_len(len) + len
}

/// Returns an aggregate of these records. `capacity` is its size, which the caller computes.
pub(super) fn aggregate<'a>(
    key: &str,
    records: impl Iterator<Item = &'a [u8]>,
    capacity: usize,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(capacity);
    head(key, &mut out);
    for data in records {
        out.push(RECORD_TAG);
        varint(body(data.len()), &mut out);
        out.extend(KEY_INDEX);
        out.push(DATA_TAG);
        varint(data.len(), &mut out);
        out.extend_from_slice(data);
    }
    seal(out)
}

/// Returns the aggregate under another key. The key comes first, so the rest is unchanged. Data that is too short for
/// an aggregate is returned as it is, because another program may have written the spill file.
pub(super) fn rekey(aggregate: &[u8], old: &str, new: &str) -> Vec<u8> {
    let records = overhead(old) - CHECKSUM..aggregate.len().saturating_sub(CHECKSUM);
    let Some(records) = aggregate.get(records) else { return aggregate.to_vec() };
    let mut out = Vec::with_capacity(aggregate.len() + new.len());
    head(new, &mut out);
    out.extend_from_slice(records);
    seal(out)
}

fn head(key: &str, out: &mut Vec<u8>) {
    out.extend(MAGIC);
    out.push(KEY_TAG);
    varint(key.len(), out);
    out.extend(key.as_bytes());
}

fn seal(mut out: Vec<u8>) -> Vec<u8> {
    let checksum = Md5::digest(&out[MAGIC.len()..]);
    out.extend_from_slice(&checksum);
    out
}

fn varint(mut value: usize, out: &mut Vec<u8>) {
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            out.push(low & 0x7F);
            return;
        }
        out.push(low | 0x80);
    }
}

fn varint_len(value: usize) -> usize {
    let bits = usize::BITS - (value | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(key: &str, records: &[&[u8]]) -> Vec<u8> {
        let size = overhead(key) + records.iter().map(|it| inner(it.len())).sum::<usize>();
        let aggregate = aggregate(key, records.iter().copied(), size);
        assert_eq!(aggregate.len(), size, "the predicted size is exact");
        aggregate
    }

    #[test]
    fn an_aggregate_has_the_bytes_of_the_published_format() {
        let aggregate = of("k", &[b"ab", b""]);
        let message = [
            &[0x0A, 1, b'k'][..],
            &[0x1A, 6, 0x08, 0, 0x1A, 2, b'a', b'b'],
            &[0x1A, 4, 0x08, 0, 0x1A, 0],
        ]
        .concat();
        let expected = [&MAGIC[..], &message, &Md5::digest(&message)].concat();
        assert_eq!(aggregate, expected);
    }

    #[test]
    fn aggregate_sizes_are_predicted_exactly() {
        for len in [0, 1, 123, 124, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152] {
            of("a key", &[&vec![b'x'; len]]);
        }
        for value in [0, 1, 127, 128, 16_383, 16_384, usize::MAX] {
            let mut out = Vec::new();
            varint(value, &mut out);
            assert_eq!(out.len(), varint_len(value), "{value}");
        }
    }

    #[test]
    fn rekeying_equals_aggregating_with_the_new_key() {
        let records: [&[u8]; 2] = [b"one", b"two"];
        assert_eq!(rekey(&of("key", &records), "key", "key-12"), of("key-12", &records));
    }
}
