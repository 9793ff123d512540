//! What the commands of this repository write to terminals: progress on stderr, colours, and values that are safe to show.
//!
//! A [`StatusLine`] is written over on a terminal. Where stderr is piped, `NO_COLOR` is set or the terminal is dumb
//! (`TERM=dumb`), the output is plain text without escape sequences. A closed stderr is not an error: commands do their
//! work even if their progress has no reader.
//!
//! [`plain`] makes a value of unknown origin safe to show, and [`Text`] adds colours to such values. Everything that this crate
//! prints is made safe in any case.

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
    /// True if the line can be written over.
    is_live: bool,
    state: Mutex<State<W>>,
}

#[derive(Debug)]
struct State<W> {
    out: W,
    /// The latest text: on a terminal, what the line shows now.
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

    /// Locks the state. A panic in another thread leaves it usable: the worst that can be wrong is one line of text.
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

/// Writes `text` in one call, so that lines of several processes do not mix. Progress without a reader is not an error.
fn write(out: &mut impl Write, text: &str) {
    _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
