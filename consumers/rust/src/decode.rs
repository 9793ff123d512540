//! Decompresses and de-aggregates the data of a record. Pure.
//!
//! The first bytes tell the format, so a consumer does not need to know a function's settings (docs/consuming.md).

use std::io::Read;

use md5::{Digest as _, Md5};

const GZIP: [u8; 2] = [0x1F, 0x8B];
const ZSTD: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
/// An aggregate of the Kinesis Producer Library (`aggregation-format.md` of awslabs/amazon-kinesis-producer).
const KPL: [u8; 4] = [0xF3, 0x89, 0x9A, 0xC2];
const CHECKSUM: usize = 16;
/// `records` of an aggregate, and `data` of such a record.
const RECORDS: u64 = 3;
const DATA: u64 = 3;
/// Bytes that a record may decompress to. The extension's own records stay below a quarter of `QUEUE_MAX_BYTES`; a record of
/// another producer must not exhaust the memory.
const MOST: u64 = 1024 * 1024 * 1024;

/// Returns the lines that the data of a record holds, each with its `\n`.
///
/// Data that is neither compressed nor an aggregate is returned as it is, whatever it holds.
///
/// # Errors
///
/// Returns a message that names the damage: the compression (`gzip`, `zstd`), a size of more than 1 GiB after decompression,
/// or the aggregate (its length, checksum or Protobuf encoding).
pub fn lines(data: &[u8]) -> Result<Vec<u8>, String> {
    let inflated = inflate(data)?;
    let data = inflated.as_deref().unwrap_or(data);
    if data.starts_with(&KPL) { aggregate(data) } else { Ok(data.to_vec()) }
}

fn inflate(data: &[u8]) -> Result<Option<Vec<u8>>, String> {
    if data.starts_with(&GZIP) {
        return read(flate2::read::MultiGzDecoder::new(data), "gzip").map(Some);
    }
    if data.starts_with(&ZSTD) {
        let decoder = zstd::stream::Decoder::new(data).map_err(|e| format!("no zstd: {e}"))?;
        return read(decoder, "zstd").map(Some);
    }
    Ok(None)
}

fn read(decoder: impl Read, what: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let read = decoder.take(MOST + 1).read_to_end(&mut out);
    read.map_err(|error| format!("its {what} is damaged: {error}"))?;
    if out.len() as u64 > MOST {
        return Err(format!("its {what} inflates to more than {MOST} bytes"));
    }
    Ok(out)
}

/// Returns the data of all records in an aggregate, concatenated.
fn aggregate(data: &[u8]) -> Result<Vec<u8>, String> {
    let damaged = |what: &str| format!("its aggregate is damaged: {what}");
    let end = data.len().checked_sub(CHECKSUM).filter(|end| *end >= KPL.len());
    let (message, checksum) = data.split_at(end.ok_or_else(|| damaged("it is too short"))?);
    let message = &message[KPL.len()..];
    if Md5::digest(message).as_slice() != checksum {
        return Err(damaged("its checksum is wrong"));
    }
    let mut out = Vec::new();
    for (_, record) in fields(message)
        .ok_or_else(|| damaged("it is no protobuf"))?
        .into_iter()
        .filter(|it| it.0 == RECORDS)
    {
        let inner = fields(record).ok_or_else(|| damaged("a record in it is no protobuf"))?;
        for (_, data) in inner.into_iter().filter(|it| it.0 == DATA) {
            out.extend_from_slice(data);
        }
    }
    Ok(out)
}

/// Returns the number and content of each length-delimited field of a Protobuf message, and skips varints.
fn fields(mut message: &[u8]) -> Option<Vec<(u64, &[u8])>> {
    let mut found = Vec::new();
    while !message.is_empty() {
        let tag = varint(&mut message)?;
        match tag & 7 {
            0 => _ = varint(&mut message)?,
            2 => {
                let length = usize::try_from(varint(&mut message)?).ok()?;
                let (field, rest) = message.split_at_checked(length)?;
                found.push((tag >> 3, field));
                message = rest;
            }
            _ => return None,
        }
    }
    Some(found)
}

fn varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = message.split_first()?;
        *message = rest;
        value |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    /// As `extension/src/pack/kpl.rs` writes it, whose bytes the published libraries read.
    fn kpl(records: &[&str]) -> Vec<u8> {
        let mut message = b"\x0A\x01k".to_vec();
        for data in records {
            let length = u8::try_from(data.len()).unwrap();
            message.extend([0x1A, length + 4, 0x08, 0, 0x1A, length]);
            message.extend(data.as_bytes());
        }
        [&KPL[..], &message, Md5::digest(&message).as_slice()].concat()
    }

    #[test]
    fn every_form_comes_back_as_the_lines_that_it_was_made_of() {
        let text = b"{\"a\":1}\n{\"b\":2}\n";
        for data in [
            text.to_vec(),
            gzip(text),
            zstd::bulk::compress(text, 1).unwrap(),
            kpl(&["{\"a\":1}\n", "{\"b\":2}\n"]),
            gzip(&kpl(&["{\"a\":1}\n", "{\"b\":2}\n"])),
        ] {
            assert_eq!(lines(&data).unwrap(), text);
        }
    }

    #[test]
    fn what_is_damaged_says_what_it_is() {
        let mut aggregate = kpl(&["{}\n"]);
        aggregate[6] ^= 1;
        let gzip = gzip(b"{}\n");
        for (data, why) in [
            (&gzip[..gzip.len() - 3], "its gzip is damaged"),
            (&[0x28, 0xB5, 0x2F, 0xFD, 0xFF][..], "its zstd is damaged"),
            (&aggregate[..], "its checksum is wrong"),
            (&KPL[..], "it is too short"),
        ] {
            let error = lines(data).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
