//! Terminal output of this repository's commands: progress on stderr, colours, and values that are safe to show.
//!
//! On a terminal, a [`StatusLine`] is overwritten in place. If stderr is piped, `NO_COLOR` is set or the terminal is dumb
//! (`TERM=dumb`), the output is plain text without escape sequences. A closed stderr is not an error: commands complete even if
//! nothing reads their progress.
//!
//! [`plain`] makes a value of unknown origin safe to show, and [`Text`] adds colours to such values. This crate makes everything
//! that it prints safe.

use std::env;
use std::io::{self, IsTerminal as _, Stderr, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

mod notes;
mod plain;
mod style;
#[cfg(test)]
mod tests;

pub use notes::{HeldNotes, note};
pub use plain::{beginning, json, lines, plain};
pub use style::{Style, Styles, Text};

use style::has_colors;

/// Moves the cursor to the first column and erases the line.
const ERASE: &str = "\r\x1b[2K";

/// A line at the bottom of the terminal that shows the current state of a command.
///
/// Dropping it erases the line, so that the output that follows starts in the first column.
#[derive(Debug)]
pub struct StatusLine<W: Write = Stderr> {
    /// True if the line can be overwritten.
    is_live: bool,
    state: Mutex<State<W>>,
}

#[derive(Debug)]
struct State<W> {
    out: W,
    /// The latest text; on a terminal, the line shows it.
    text: String,
}

impl Default for StatusLine {
    /// Returns an empty status line on stderr.
    fn default() -> Self {
        let stderr = io::stderr();
        let is_live = has_colors(stderr.is_terminal(), |name| env::var_os(name));
        Self::new(stderr, is_live)
    }
}

impl<W: Write> StatusLine<W> {
    fn new(out: W, is_live: bool) -> Self {
        Self { is_live, state: Mutex::new(State { out, text: String::new() }) }
    }

    /// Shows `text` in the status line; plain output omits it.
    pub fn set(&self, text: &str) {
        if self.is_live {
            self.state().show(&plain(text));
        }
    }

    /// Shows `text` in the status line; plain output gets a line whenever the text changes.
    pub fn report(&self, text: &str) {
        let (text, mut state) = (&*plain(text), self.state());
        if self.is_live {
            state.show(text);
        } else if state.text != text {
            text.clone_into(&mut state.text);
            write(&mut state.out, &format!("{text}\n"));
        }
    }

    /// Prints a line that stays, above the status line.
    pub fn print(&self, line: &str) {
        let (line, mut state) = (plain(line), self.state());
        let text = if self.is_live {
            format!("{ERASE}{line}\n{}", state.text)
        } else {
            format!("{line}\n")
        };
        write(&mut state.out, &text);
    }

    /// Erases the status line.
    pub fn clear(&self) {
        let mut state = self.state();
        if self.is_live && !state.text.is_empty() {
            write(&mut state.out, ERASE);
        }
        state.text.clear();
    }

    /// Locks the state. A panic in another thread leaves it usable: at worst, one line of text is wrong.
    fn state(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: Write> Drop for StatusLine<W> {
    fn drop(&mut self) {
        self.clear();
    }
}

impl<W: Write> State<W> {
    fn show(&mut self, text: &str) {
        if self.text != text {
            text.clone_into(&mut self.text);
            write(&mut self.out, &format!("{ERASE}{text}"));
        }
    }
}

/// Writes `text` in one call, so that lines of several processes do not mix. Errors are ignored, because progress needs no reader.
fn write(out: &mut impl Write, text: &str) {
    _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
