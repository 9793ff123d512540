//! Decompresses and de-aggregates the data of a record. Pure.
//!
//! The first bytes tell the format, so a consumer does not need to know a function's settings (docs/consuming.md).

use std::borrow::Cow;
use std::io::Read;

use md5::{Digest as _, Md5};

use crate::wire::{MAX_INFLATED_BYTES, MAX_LINES};

const GZIP: [u8; 2] = [0x1F, 0x8B];
const ZSTD: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
/// An aggregate of the Kinesis Producer Library (`aggregation-format.md` of awslabs/amazon-kinesis-producer).
const KPL: [u8; 4] = [0xF3, 0x89, 0x9A, 0xC2];
const CHECKSUM: usize = 16;
/// `records` of an aggregate, and `data` of such a record.
const RECORDS: u64 = 3;
const DATA: u64 = 3;

/// Returns the lines that the data of a record holds, each with its `\n`.
///
/// Data that is neither compressed nor an aggregate is returned as it is, whatever it holds.
///
/// # Errors
///
/// Returns a message that names the damage: the compression (`gzip`, `zstd`), a size after decompression of more than 16 MiB,
/// or the aggregate (its length, checksum or Protobuf encoding).
pub fn lines(data: &[u8]) -> Result<Vec<u8>, String> {
    let data = inflate(data)?;
    Ok(records(&data)?.concat())
}

/// Returns the format of a record with its compression: `ndjson`, `kpl`, `ndjson+gzip` or `ndjson+zstd`.
///
/// The first bytes tell it, so a damaged record has a format, too.
pub fn format(data: &[u8]) -> &'static str {
    match data {
        _ if data.starts_with(&KPL) => "kpl",
        _ if data.starts_with(&GZIP) => "ndjson+gzip",
        _ if data.starts_with(&ZSTD) => "ndjson+zstd",
        _ => "ndjson",
    }
}

/// Decompresses the data of a record. Other data is returned as it is.
pub(crate) fn inflate(data: &[u8]) -> Result<Cow<'_, [u8]>, String> {
    if data.starts_with(&GZIP) {
        let mut decoder = flate2::bufread::GzDecoder::new(data);
        let inflated = read(&mut decoder, "gzip")?;
        return end(decoder.into_inner(), "gzip").map(|()| inflated.into());
    }
    if data.starts_with(&ZSTD) {
        let damaged = |error| format!("its zstd is damaged: {error}");
        let decoder = zstd::stream::Decoder::with_buffer(data).map_err(damaged)?;
        let mut decoder = decoder.single_frame();
        // A frame may ask for a window of gigabytes.
        decoder.window_log_max(MAX_INFLATED_BYTES.ilog2()).map_err(damaged)?;
        let inflated = read(&mut decoder, "zstd")?;
        return end(decoder.finish(), "zstd").map(|()| inflated.into());
    }
    Ok(data.into())
}

fn read(decoder: &mut impl Read, what: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let read = decoder.take(MAX_INFLATED_BYTES as u64 + 1).read_to_end(&mut out);
    read.map_err(|error| format!("its {what} is damaged: {error}"))?;
    if out.len() > MAX_INFLATED_BYTES {
        return Err(format!("its {what} decompresses to more than {MAX_INFLATED_BYTES} bytes"));
    }
    Ok(out)
}

fn end(rest: &[u8], what: &str) -> Result<(), String> {
    if rest.is_empty() {
        Ok(())
    } else {
        Err(format!("its {what} is damaged: bytes follow its end"))
    }
}

/// Returns the records inside an aggregate. Other data is returned as the only record.
pub(crate) fn records(data: &[u8]) -> Result<Vec<&[u8]>, String> {
    if !data.starts_with(&KPL) {
        return Ok(vec![data]);
    }
    let damaged = |what: &str| format!("its aggregate is damaged: {what}");
    let end = data.len().checked_sub(CHECKSUM).filter(|end| *end >= KPL.len());
    let (message, checksum) = data.split_at(end.ok_or_else(|| damaged("it is too short"))?);
    let message = &message[KPL.len()..];
    if Md5::digest(message).as_slice() != checksum {
        return Err(damaged("its checksum is wrong"));
    }
    let fields = fields(message).map_err(damaged)?;
    let records = fields.into_iter().filter(|it| it.0 == RECORDS);
    records
        .map(|(_, record)| {
            let inner = self::fields(record).map_err(damaged)?;
            let data = inner.into_iter().find(|it| it.0 == DATA);
            Ok(data.map_or(&[][..], |it| it.1))
        })
        .collect()
}

/// Returns the number and content of each field of a Protobuf message, as far as aggregates have them.
fn fields(mut message: &[u8]) -> Result<Vec<(u64, &[u8])>, &'static str> {
    const BROKEN: &str = "it is not Protobuf";
    let mut found = Vec::new();
    while !message.is_empty() {
        let tag = varint(&mut message).filter(|tag| u32::try_from(*tag).is_ok()).ok_or(BROKEN)?;
        let value = varint(&mut message).ok_or(BROKEN)?;
        // Each record may come with a partition key of its own.
        if found.len() == 2 * MAX_LINES {
            return Err("it holds too many fields");
        }
        match tag & 7 {
            0 => found.push((tag >> 3, &[][..])),
            2 => {
                let length = usize::try_from(value).map_err(|_| BROKEN)?;
                let (field, rest) = message.split_at_checked(length).ok_or(BROKEN)?;
                found.push((tag >> 3, field));
                message = rest;
            }
            _ => return Err(BROKEN),
        }
    }
    Ok(found)
}

/// Takes a number of at most 64 bits.
fn varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = message.split_first()?;
        *message = rest;
        // The tenth byte holds one bit.
        if shift == 63 && *byte > 1 {
            return None;
        }
        value |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Write as _;

    use super::*;

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    /// As `extension/src/pack/kpl.rs` writes it, whose bytes the published libraries read.
    pub(crate) fn kpl(records: &[&str]) -> Vec<u8> {
        let mut message = b"\x0A\x01k".to_vec();
        for data in records {
            let length = u8::try_from(data.len()).unwrap();
            // Two bytes each, so that lengths above 127 are encoded, too.
            let varint = |value: u8| [value | 0x80, value >> 7];
            message.push(0x1A);
            message.extend(varint(length + 5));
            message.extend([0x08, 0, 0x1A]);
            message.extend(varint(length));
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

    #[test]
    fn a_record_that_decompresses_to_more_than_its_bound_is_refused() {
        let bomb = vec![b'\n'; MAX_INFLATED_BYTES + 1];
        for data in [gzip(&bomb), zstd::bulk::compress(&bomb, 1).unwrap()] {
            assert!(
                lines(&data).unwrap_err().ends_with("decompresses to more than 16777216 bytes")
            );
        }
        assert_eq!(lines(&gzip(&bomb[1..])).unwrap().len(), MAX_INFLATED_BYTES);
    }

    #[test]
    fn a_number_in_an_aggregate_has_at_most_64_bits() {
        for (message, is_number) in [
            (&[0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01][..], true),
            (&[0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02], false),
            (&[0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01], false),
        ] {
            assert_eq!(fields(message).is_ok(), is_number, "{message:?}");
        }
        let fields = [0x1A, 0].repeat(2 * MAX_LINES + 1);
        assert_eq!(super::fields(&fields), Err("it holds too many fields"));
    }
}
