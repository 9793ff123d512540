//! Splits a large body into parts that are read one after the other, so that no body needs twice its memory.

use memchr::memchr_iter;

use super::members::{Piece, members};
use crate::buffer::memory_budget::BufferedBody;

/// The approximate size of a part, in bytes.
const PART_BYTES: usize = 256 * 1024;
/// The maximum number of members of a part.
const PART_MEMBERS: usize = 2_500;
/// The number of commas below which a small body stays whole. It includes commas within members: a line of JSON has
/// about ten.
const FEW_COMMAS: usize = 4 * PART_MEMBERS;

/// A body or a part of one.
#[derive(Debug)]
pub(crate) enum Part {
    /// A whole body, or a part that is an array.
    Body(BufferedBody),
    /// Bytes of a body that is not an array.
    Raw(BufferedBody),
}

/// Returns the parts of a body in order. A small body is one part. The parts of an array are arrays.
pub(crate) fn parts(mut body: BufferedBody) -> Vec<Part> {
    let mut parts = Vec::new();
    let Some(cuts) = cuts(&body) else {
        if body.len() <= PART_BYTES {
            return vec![Part::Body(body)];
        }
        for at in (1..body.len().div_ceil(PART_BYTES)).rev() {
            parts.push(Part::Raw(body.split_off(char_start(&body, at * PART_BYTES))));
        }
        parts.push(Part::Raw(body));
        parts.reverse();
        return parts;
    };
    // Splitting starts at the end, so that each step copies only its own part.
    for (end, start) in cuts.into_iter().rev() {
        let mut part = body.split_off(start - 1);
        part.set(0, b'[');
        drop(body.split_off(end));
        body.extend(b"]");
        parts.push(Part::Body(part));
    }
    parts.push(Part::Body(body));
    parts.reverse();
    parts
}

/// Returns the positions at which a body may be split: the end of a member, and the start of the next. None if it is
/// not an array.
fn cuts(body: &[u8]) -> Option<Vec<(usize, usize)>> {
    // A small body with few commas has few members, so they need not be counted.
    if body.len() <= PART_BYTES && memchr_iter(b',', body).count() < FEW_COMMAS {
        return Some(Vec::new());
    }
    let mut pieces = members(body)?.map(|(piece, _)| piece).peekable();
    let (mut cuts, mut part, mut count, mut last) = (Vec::new(), 0, 0, 0);
    let mut is_array = false;
    while let Some(piece) = pieces.next() {
        if piece == Piece::Unfinished {
            break;
        }
        let bytes = piece.bytes();
        let is_doubtful = matches!(piece, Piece::Invalid { is_sure: false, .. });
        is_array |= !is_doubtful || !matches!(pieces.peek(), Some(Piece::Unfinished));
        let start = bytes.as_ptr().addr() - body.as_ptr().addr();
        let end = start + bytes.len();
        let is_full = count >= PART_MEMBERS || end - part > PART_BYTES;
        if is_full && last > 0 && body[last..start].trim_ascii() == b"," {
            cuts.push((last, start));
            (part, count) = (start, 0);
        }
        count += 1;
        last = end;
    }
    (is_array || last == 0).then_some(cuts)
}

/// Returns the start of the character that contains this byte; the position itself if the byte is in none.
fn char_start(bytes: &[u8], at: usize) -> usize {
    let is_start = |at: &usize| bytes[*at] & 0xc0 != 0x80;
    (at.saturating_sub(3)..=at).rev().find(is_start).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::buffer::memory_budget::MemoryBudget;

    fn texts(body: &str) -> Vec<String> {
        let memory = Arc::new(MemoryBudget::new(1));
        let parts = parts(memory.hold(body.to_owned().into()));
        let texts = parts.iter().map(|part| {
            let (Part::Body(body) | Part::Raw(body)) = part;
            String::from_utf8(body.to_vec()).unwrap()
        });
        let texts: Vec<String> = texts.collect();
        assert_eq!(memory.held(), texts.iter().map(String::len).sum::<usize>());
        drop(parts);
        assert_eq!(memory.held(), 0);
        texts
    }

    #[test]
    fn parts_of_a_large_array_are_arrays_with_all_its_members() {
        let line = format!("{{\"record\":\"{}\"}}", "é,".repeat(1_000));
        for (member, count, separator) in
            [("1", 25_000, ","), ("[2]", 25_000, " ,\n "), (&line, 2_000, ", ")]
        {
            let body = format!("[{}]", vec![member; count].join(separator));
            let parts = texts(&body);
            assert!(parts.len() > 2);
            let mut members = 0;
            for part in parts {
                assert!(part.len() <= PART_BYTES + line.len() + 10);
                let part: Vec<serde_json::Value> = serde_json::from_str(&part).unwrap();
                assert!(part.len() <= PART_MEMBERS);
                let member: serde_json::Value = serde_json::from_str(member).unwrap();
                assert!(part.iter().all(|it| *it == member));
                members += part.len();
            }
            assert_eq!(members, count);
        }
    }

    #[test]
    fn a_large_body_without_an_array_is_cut_between_characters() {
        for body in ["é".repeat(2_000_000), format!("[\"{}", "🦀".repeat(1_000_000))] {
            let parts = texts(&body);
            assert!(parts.len() > 2);
            assert_eq!(parts.concat(), body);
        }
    }

    #[test]
    fn small_bodies_are_one_part() {
        for body in ["", "no json", "[]", "[{},{}]", "[{"] {
            assert_eq!(texts(body), [body]);
        }
    }
}
