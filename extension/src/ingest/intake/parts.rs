//! Cuts a large body into parts that are taken in one after the other, so that no body needs its memory twice.

use memchr::memchr_iter;

use super::members::{Piece, members};
use crate::buffer::memory_budget::BufferedBody;

/// Bytes of a part, about.
const PART_BYTES: usize = 256 * 1024;
/// Members of a part.
const PART_MEMBERS: usize = 2_500;
/// Commas of a small body that is taken whole, those in its members included: a line of JSON has about ten.
const FEW_COMMAS: usize = 4 * PART_MEMBERS;

/// A body, or a part of one.
#[derive(Debug)]
pub(crate) enum Part {
    /// An array of its own, or a whole body.
    Body(BufferedBody),
    /// Bytes of a body that is no array.
    Raw(BufferedBody),
}

/// Returns the parts of a body, in their order; small bodies are one. Of an array each part is an array.
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
    // From the end, so that each copies only itself.
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

/// Returns where a body may be cut: the end of a member, and the beginning of the next. None if it is no array.
fn cuts(body: &[u8]) -> Option<Vec<(usize, usize)>> {
    // Members are not told apart twice if their commas say already that they are few.
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

/// Returns the beginning of the character in which this byte lies, if it lies in one.
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
    fn the_parts_of_a_large_array_are_arrays_with_all_of_its_members() {
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
    fn a_large_body_that_is_no_array_is_cut_between_characters() {
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
