//! Notes: lines on stderr, or in a view that owns the whole screen.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::plain::plain;
use crate::write;

/// The notes that a view has not shown yet, if there is a view.
static HELD: Mutex<Option<Vec<String>>> = Mutex::new(None);

/// Prints one line on stderr. While [`HeldNotes`] exist, holds it back for the view instead.
pub fn note(text: &str) {
    let text = plain(text);
    match &mut *held() {
        Some(notes) => notes.push(text.into_owned()),
        None => write(&mut io::stderr(), &format!("{text}\n")),
    }
}

/// Holds notes back while a view owns the screen, because they would overwrite parts of it.
#[derive(Debug)]
#[non_exhaustive]
pub struct HeldNotes;

impl HeldNotes {
    /// Holds notes back from now on, until the value is dropped.
    pub fn hold() -> Self {
        *held() = Some(Vec::new());
        Self
    }

    /// Returns the latest note since the last call.
    pub fn take(&self) -> Option<String> {
        held().as_mut().and_then(|notes| std::mem::take(notes).pop())
    }
}

impl Drop for HeldNotes {
    fn drop(&mut self) {
        *held() = None;
    }
}

fn held() -> MutexGuard<'static, Option<Vec<String>>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_gets_the_latest_note_as_safe_text() {
        let notes = HeldNotes::hold();
        assert_eq!(notes.take(), None);
        note("one");
        note("two\u{1b}[2J");
        assert_eq!(notes.take().as_deref(), Some("two\u{fffd}[2J"));
        assert_eq!(notes.take(), None);
    }
}
