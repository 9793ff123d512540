//! Splits the array in a body into its members, so that an invalid member affects only itself.
//!
//! It agrees with `serde_json` on every body that `serde_json` accepts. Everything else is split by its bytes: strings
//! with escapes, nesting depth, and commas outside. It is iterative, takes linear time, and allocates no memory.

use std::str::Utf8Error;

use memchr::memchr;
use serde_json::value::RawValue;

use super::peek::Member;
use crate::base::json::{is_space, string_end, token_end};

/// A piece of an array. Only whitespace, separating commas and the array's own brackets lie between pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// The text of a JSON value, as it is in the body.
    Value(&'a str),
    /// Bytes that are not a JSON value. `is_sure` is true if their end is certain, because quotes and brackets match.
    Invalid { bytes: &'a [u8], is_sure: bool },
    /// The body ends before its array does. Always the last piece.
    Unfinished,
}

impl<'a> Piece<'a> {
    /// Returns the bytes of the piece.
    pub(super) fn bytes(&self) -> &'a [u8] {
        match self {
            Self::Value(text) => text.as_bytes(),
            Self::Invalid { bytes, .. } => bytes,
            Self::Unfinished => &[],
        }
    }
}

/// Returns the pieces of the array in `body`, each with the values that were read; none if the body is not an array.
/// Only objects are read. Other values have their text only, and invalid pieces nothing.
///
/// A member whose quotes or brackets do not match has no certain end. It is assumed to end where the next event starts:
/// at a comma followed by a `{` and the name of an event's member.
pub(super) fn members(
    body: &[u8],
) -> Option<impl Iterator<Item = (Piece<'_>, Member<'_>)> + Clone> {
    let start = skip_space(body, 0);
    let first = skip_space(body, start + 1);
    let is_array = body.get(start) == Some(&b'[') && first < body.len();
    // Each search for an uncertain end may read all remaining bytes.
    let budget = 4 * body.len() + 4 * 1024 * 1024;
    is_array.then_some(Members {
        body,
        at: first,
        bad_end: 0,
        comma: None,
        state: State::Open,
        budget,
        text: ("", 0),
        member: Member::default(),
    })
}

#[derive(Clone)]
struct Members<'a> {
    body: &'a [u8],
    at: usize,
    /// The end of the slot that contains `at`, if it contains more than a value.
    bad_end: usize,
    /// The comma that was read last, if no value has followed it.
    comma: Option<usize>,
    state: State,
    /// The number of bytes that searches for uncertain ends may still read.
    budget: usize,
    /// The part of the body that was last found to be UTF-8, and its position.
    text: (&'a str, usize),
    /// The members that were read of the last value.
    member: Member<'a>,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Open,
    Closed,
    Ended,
}

impl<'a> Iterator for Members<'a> {
    type Item = (Piece<'a>, Member<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let piece = self.piece()?;
        Some((piece, std::mem::take(&mut self.member)))
    }
}

impl<'a> Members<'a> {
    fn piece(&mut self) -> Option<Piece<'a>> {
        while self.state != State::Ended {
            if self.at < self.bad_end {
                if let Some(piece) = self.within_bad_slot() {
                    return Some(piece);
                }
                continue;
            }
            self.at = skip_space(self.body, self.at);
            let at = self.at;
            match self.body.get(at) {
                None => {
                    let was_open = std::mem::replace(&mut self.state, State::Ended) == State::Open;
                    return was_open.then_some(Piece::Unfinished);
                }
                Some(b',') => {
                    // No value precedes this comma.
                    self.at = end_of_commas(self.body, at);
                    self.comma = None;
                    return Some(self.invalid(at, self.at, true));
                }
                Some(b']') => {
                    let was_closed =
                        std::mem::replace(&mut self.state, State::Closed) == State::Closed;
                    self.at += 1;
                    let comma = self.comma.take();
                    if was_closed {
                        return Some(self.invalid(at, at + 1, true));
                    }
                    if let Some(comma) = comma {
                        return Some(self.invalid(comma, comma + 1, true));
                    }
                }
                Some(_) => {
                    self.comma = None;
                    match self.value() {
                        Some(text) => return Some(Piece::Value(text)),
                        None => {
                            if let Some(piece) = self.enter_bad_slot() {
                                return Some(piece);
                            }
                        }
                    }
                }
            }
        }
        None
    }

    /// Reads a value that is followed by a comma or the end of the array.
    fn value(&mut self) -> Option<&'a str> {
        let (member, end) = self.value_at(self.at)?;
        let end = skip_space(self.body, end);
        matches!(self.body.get(end), None | Some(b',' | b']')).then(|| self.leave(end))?;
        self.member = member;
        Some(self.member.text)
    }

    /// Reads the JSON value that starts here. Returns it and its end.
    fn value_at(&mut self, at: usize) -> Option<(Member<'a>, usize)> {
        let text = self.text_at(at);
        let values = serde_json::Deserializer::from_str(text);
        if !text.starts_with('{') {
            let mut values = values.into_iter::<&RawValue>();
            let text = values.next()?.ok()?.get();
            return Some((Member::default().with_text(text), at + values.byte_offset()));
        }
        let mut values = values.into_iter::<Member<'_>>();
        let member = values.next()?.ok()?;
        let length = values.byte_offset();
        Some((member.with_text(&text[..length]), at + length))
    }

    /// Returns the text from here up to the first byte that is not UTF-8. Each byte is read once.
    fn text_at(&mut self, at: usize) -> &'a str {
        let (text, start) = self.text;
        let known = at.checked_sub(start).and_then(|at| text.get(at..));
        known.filter(|text| !text.is_empty()).unwrap_or_else(|| {
            let rest = &self.body[at..];
            let valid = |error: Utf8Error| std::str::from_utf8(&rest[..error.valid_up_to()]);
            let text = std::str::from_utf8(rest).or_else(valid).unwrap_or_default();
            self.text = (text, at);
            text
        })
    }

    /// Continues after a slot.
    fn leave(&mut self, end: usize) {
        self.at = end;
        if self.body.get(end) == Some(&b',') {
            self.comma = Some(end);
            self.at += 1;
        }
    }

    /// Finds the end of a slot that contains no value, or several. Returns the whole slot if its end is uncertain.
    fn enter_bad_slot(&mut self) -> Option<Piece<'a>> {
        let start = self.at;
        let (end, is_sure) = slot(self.body, start);
        if is_sure {
            self.bad_end = end;
            return None;
        }
        let may_search = self.budget > 0;
        self.budget = self.budget.saturating_sub(end - start);
        match next_event(&self.body[..end], start + 1).filter(|_| may_search) {
            Some(next) => self.at = next,
            None => self.leave(end),
        }
        let end = if self.at < end { self.at } else { end };
        Some(self.invalid(start, end, false))
    }

    /// Separates objects from the other bytes of a slot.
    fn within_bad_slot(&mut self) -> Option<Piece<'a>> {
        let slot = &self.body[..self.bad_end];
        let start = skip_space(slot, self.at);
        let mut at = start;
        while at < slot.len() {
            let end = token_end(slot, at);
            if slot[at] == b'{'
                && let Some((member, value_end)) = self.value_at(at)
                && value_end == end
            {
                if start == at {
                    self.at = end;
                    self.leave_if_done();
                    self.member = member;
                    return Some(Piece::Value(self.member.text));
                }
                break;
            }
            at = end;
        }
        self.at = at;
        self.leave_if_done();
        (start < at).then(|| self.invalid(start, at, true))
    }

    fn leave_if_done(&mut self) {
        if skip_space(self.body, self.at) >= self.bad_end {
            self.leave(self.bad_end);
        }
    }

    fn invalid(&self, start: usize, end: usize, is_sure: bool) -> Piece<'a> {
        Piece::Invalid { bytes: trim_space(&self.body[start..end]), is_sure }
    }
}

/// Returns the end of the slot that starts here: a comma or a `]` outside strings and brackets, or the end of the body.
/// The flag is false if quotes or brackets do not match, so that the end is uncertain.
fn slot(body: &[u8], start: usize) -> (usize, bool) {
    let (mut at, mut depth, mut is_sure) = (start, 0_usize, true);
    // One bit per outer level: set if it is an array. Deeper levels are only counted.
    let mut arrays = 0_u128;
    while let Some(byte) = body.get(at) {
        let level = |depth: usize| u32::try_from(depth).ok().and_then(|it| 1_u128.checked_shl(it));
        match byte {
            b'"' => {
                let Some(end) = string_end(body, at) else { return (body.len(), false) };
                let next = body.get(skip_space(body, end));
                is_sure &= matches!(next, None | Some(b',' | b':' | b']' | b'}'));
                at = end;
                continue;
            }
            b'{' => {
                arrays &= !level(depth).unwrap_or(0);
                depth += 1;
            }
            b'[' => {
                arrays |= level(depth).unwrap_or(0);
                depth += 1;
            }
            b',' | b']' if depth == 0 => return (at, is_sure),
            b'}' | b']' if depth > 0 => {
                depth -= 1;
                let is_array = |level| arrays & level != 0;
                is_sure &= level(depth).is_none_or(|it| is_array(it) == (*byte == b']'));
            }
            _ => {}
        }
        at += 1;
    }
    (at, false)
}

/// Returns the position at which the next event seems to start: a `{` after a comma, followed by the name of an event's
/// member.
fn next_event(body: &[u8], from: usize) -> Option<usize> {
    let mut from = from;
    loop {
        let at = from + memchr(b'{', body.get(from..)?)?;
        let name = &body[skip_space(body, at + 1)..];
        let is_event =
            ["\"time\"", "\"type\"", "\"record\""].iter().any(|it| name.starts_with(it.as_bytes()));
        if is_event && trim_space(&body[from - 1..at]).ends_with(b",") {
            return Some(at);
        }
        from = at + 1;
    }
}

/// Returns the end of a run of commas and whitespace, after its last comma.
fn end_of_commas(body: &[u8], start: usize) -> usize {
    let (mut at, mut end) = (start, start);
    while body.get(at) == Some(&b',') {
        end = at + 1;
        at = skip_space(body, end);
    }
    end
}

fn skip_space(body: &[u8], from: usize) -> usize {
    let rest = body.get(from..).unwrap_or_default();
    rest.iter().position(|byte| !is_space(*byte)).map_or(body.len(), |at| from + at)
}

fn trim_space(bytes: &[u8]) -> &[u8] {
    let last = bytes.iter().rposition(|byte| !is_space(*byte));
    &bytes[..last.map_or(0, |last| last + 1)]
}

#[cfg(test)]
mod tests;
