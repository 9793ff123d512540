//! The containers of lines: compression and aggregates, intact and damaged, and decompression bombs.

use std::io::Write as _;

use extension_spec::{consuming, limits};
use fastrand::Rng;
use flate2::Compression;
use flate2::write::GzEncoder;
use md5::{Digest as _, Md5};

use super::line::Lines;
use super::{Hostile, value};

/// Packs lines into a record.
pub(super) fn pack(rng: &mut Rng, lines: Lines) -> Hostile {
    let text: Vec<u8> = lines.all.iter().flat_map(|line| [line, &b"\n"[..]].concat()).collect();
    let one_each = |lines: &Lines| {
        let records = lines.all.iter().map(|line| [line, &b"\n"[..]].concat());
        aggregate(&records.collect::<Vec<_>>())
    };
    // No record is larger than Kinesis takes.
    let is_small = text.len() <= usize::try_from(limits::RECORD_BYTES_MAX).unwrap_or(usize::MAX);
    let (name, data, is_intact) = match rng.u8(if is_small { 0..27 } else { 8..12 }) {
        0..8 => ("text", text, true),
        8..10 => ("gzip", gzip(&text), true),
        10..12 => ("zstd", zstd(&text), true),
        12..14 => ("aggregate", one_each(&lines), true),
        14 => ("gzip of an aggregate", gzip(&one_each(&lines)), true),
        15 => ("aggregate of gzip", aggregate(&[gzip(&text)]), false),
        16 => ("damaged", damaged(rng, &text), false),
        17 => ("more than one gzip", [gzip(&text), gzip(&text)].concat(), false),
        18 => ("bomb", bomb(rng), false),
        19 => ("bomb of lines", compressed(rng, &lines_of(&text, 20 << 20)), false),
        20 => {
            let count = rng.usize(20_000..200_000);
            ("many lines", compressed(rng, &b"{}\n".repeat(count)), false)
        }
        21 => ("many fields", sealed(&b"\x1A\x00".repeat(rng.usize(40_000..500_000))), false),
        22 => ("numbers without an end", sealed(&numbers(rng)), false),
        23 => ("many heads", heads(rng), false),
        24 => ("many labels", labels(rng), false),
        25 => {
            let line = format!("{{\"r\":[{}1]}}\n", "1,".repeat(130_000));
            let lines = line.repeat(rng.usize(1..62));
            ("many numbers", compressed(rng, lines.as_bytes()), false)
        }
        _ => ("wide", wide(rng), false),
    };
    let names = [&[name][..], &lines.names].concat();
    Hostile { name: names.join(", "), data, good: is_intact.then_some(lines.good) }
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).expect("a vector takes all bytes");
    encoder.finish().expect("a vector takes all bytes")
}

fn zstd(data: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(data, 1).expect("the buffer has the size that the library asks for")
}

fn compressed(rng: &mut Rng, data: &[u8]) -> Vec<u8> {
    if rng.bool() { gzip(data) } else { zstd(data) }
}

fn damaged(rng: &mut Rng, text: &[u8]) -> Vec<u8> {
    let mut data = compressed(rng, text);
    match rng.u8(0..3) {
        0 => data.truncate(rng.usize(0..data.len())),
        1 => data.extend(std::iter::repeat_with(|| rng.u8(..)).take(20)),
        _ => {
            let at = rng.usize(4..data.len());
            data[at] ^= 1 << rng.u8(0..8);
        }
    }
    data
}

/// Some kilobytes that decompress to many megabytes.
fn bomb(rng: &mut Rng) -> Vec<u8> {
    let byte = *rng.choice(b"\n{a[").expect("there are bytes");
    let size = rng.usize(consuming::INFLATED_BYTES - 10..64 << 20);
    compressed(rng, &vec![byte; size])
}

fn lines_of(text: &[u8], size: usize) -> Vec<u8> {
    text.repeat(size / text.len() + 1)
}

/// A large line that parsers turn into many objects.
fn wide(rng: &mut Rng) -> Vec<u8> {
    let element = *rng
        .choice(&["[],", "{},", "\"ab\",", "1,", "\"\",", "[", "{\"\":"])
        .expect("there are elements");
    let elements = element.repeat(rng.usize(1..12 << 20) / element.len());
    compressed(rng, format!("{{\"record\":[{elements}\n").as_bytes())
}

/// Records in an aggregate that each announce lines which do not follow.
fn heads(rng: &mut Rng) -> Vec<u8> {
    let head = br#"{"type":"kinesis-telemetry.record","source":{"instance":"evil","seq":1,"events":50000}}"#;
    let records = vec![[&head[..], b"\n"].concat(); rng.usize(1..20_000)];
    gzip(&aggregate(&records))
}

/// A first line whose long identity is that of many short lines.
fn labels(rng: &mut Rng) -> Vec<u8> {
    let names: String = value::many_labels(rng);
    let count = rng.usize(1..49_000);
    let head = format!(
        r#"{{"type":"kinesis-telemetry.record","source":{{"instance":"evil","seq":1,"events":{count}{names}}}}}"#
    );
    compressed(rng, [head.as_bytes(), b"\n", &b"{}\n".repeat(count)].concat().as_slice())
}

fn numbers(rng: &mut Rng) -> Vec<u8> {
    let length = rng.usize(1..1_000_000);
    let mut numbers = vec![0x0A];
    numbers.resize(length, 0xFF);
    numbers.push(1);
    numbers
}

fn aggregate(records: &[Vec<u8>]) -> Vec<u8> {
    let mut message = b"\x0A\x01k".to_vec();
    for data in records {
        let inner = [&[0x08, 0, 0x1A], &varint(data.len())[..], data].concat();
        message.push(0x1A);
        message.extend(varint(inner.len()));
        message.extend(inner);
    }
    sealed(&message)
}

/// Adds the magic number and the checksum of an aggregate.
fn sealed(message: &[u8]) -> Vec<u8> {
    [&[0xF3, 0x89, 0x9A, 0xC2], message, Md5::digest(message).as_slice()].concat()
}

fn varint(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    bytes.push(value.to_le_bytes()[0]);
    bytes
}
