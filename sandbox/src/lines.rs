//! Splits the output of a process into log lines.
//!
//! Pure. Only `\n` ends a line; `\r` stays; an unterminated last line counts; a line that is too long becomes several.

/// Cuts bytes into lines.
#[derive(Debug)]
pub(crate) struct Lines {
    pending: Vec<u8>,
    max: usize,
}

impl Lines {
    /// Lines of at most `max` bytes.
    pub(crate) fn new(max: usize) -> Self {
        Self { pending: Vec::new(), max: max.max(4) }
    }

    /// Takes bytes as they come; returns the lines that they complete.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            match piece.strip_suffix(b"\n") {
                Some(end) => {
                    self.pending.extend_from_slice(end);
                    self.cut(&mut lines);
                    lines.push(text(&std::mem::take(&mut self.pending)));
                }
                None => self.pending.extend_from_slice(piece),
            }
        }
        self.cut(&mut lines);
        lines
    }

    /// The unterminated last line, if there is one.
    pub(crate) fn finish(self) -> Option<String> {
        (!self.pending.is_empty()).then(|| text(&self.pending))
    }

    /// Cuts off full lines from what is pending, never within a character.
    fn cut(&mut self, lines: &mut Vec<String>) {
        while self.pending.len() > self.max {
            let is_start = |at: &usize| self.pending[*at] & 0b1100_0000 != 0b1000_0000;
            let at = (1..=self.max).rev().find(is_start).unwrap_or(self.max);
            let rest = self.pending.split_off(at);
            lines.push(text(&std::mem::replace(&mut self.pending, rest)));
        }
    }
}

/// Go's JSON encoder, which Lambda uses, replaces what is not UTF-8.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(max: usize, pieces: &[&[u8]]) -> Vec<String> {
        let mut lines = Lines::new(max);
        let mut all: Vec<String> = pieces.iter().flat_map(|piece| lines.push(piece)).collect();
        all.extend(lines.finish());
        all
    }

    #[test]
    fn only_a_line_feed_ends_a_line_and_the_last_may_lack_it() {
        assert_eq!(lines(100, &[b"a\r\nb\rc\n\nd"]), ["a\r", "b\rc", "", "d"]);
        assert_eq!(lines(100, &[b""]), [""; 0]);
    }

    #[test]
    fn a_line_and_a_character_may_come_in_pieces() {
        let crab = "🦀".as_bytes();
        assert_eq!(lines(100, &[b"a", &crab[..2], &crab[2..], b"b\nc"]), ["a🦀b", "c"]);
    }

    #[test]
    fn a_long_line_becomes_several_and_no_character_is_cut() {
        assert_eq!(lines(4, &[b"abcdefghij\nk\n"]), ["abcd", "efgh", "ij", "k"]);
        assert_eq!(lines(5, &["éééé\n".as_bytes()]), ["éé", "éé"]);
        assert_eq!(lines(4, &[b"abcd\n"]), ["abcd"], "exactly the limit");
    }
}
