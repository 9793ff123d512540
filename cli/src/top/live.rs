//! The view on a terminal: reads keys and draws frames. The terminal is restored even after an error or a panic.

use std::cell::RefCell;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use kinesis_telemetry_args::Top;
use kinesis_telemetry_terminal::HeldNotes;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{Instant, sleep_until};

use super::keys::{Action, press};
use super::picture::Picture;
use super::reading::Reading;
use super::screen::{Look, draw, page};
use super::view::View;

/// Longest pause between two updates while the reader catches up.
const HASTE: Duration = Duration::from_millis(500);
/// The time for which a message is shown.
const SHOWN: Duration = Duration::from_secs(10);

/// The terminal in the mode of the view, until it is dropped.
struct Screen {
    terminal: DefaultTerminal,
    notes: HeldNotes,
    note: Option<(String, Instant)>,
    is_colored: bool,
}

/// Shows the view until the user ends it, or for the requested number of updates.
pub(super) async fn show(
    reading: &RefCell<Reading>,
    options: &Top,
    is_colored: bool,
) -> Result<()> {
    let mut screen = Screen::open(is_colored)?;
    let mut events = events();
    let mut view = View::new(options.sort);
    let mut updates = 0;
    let mut picture = reading.borrow().picture(None);
    let mut last = Instant::now();
    loop {
        screen.draw(&picture, &view)?;
        let has_caught_up = reading.borrow().has_caught_up;
        let pause = if has_caught_up { options.interval } else { options.interval.min(HASTE) };
        let is_fresh = tokio::select! {
            () = sleep_until(last + pause) => {
                last = Instant::now();
                updates += u64::from(has_caught_up);
                if options.count.is_some_and(|most| updates > most) {
                    return Ok(());
                }
                view.is_paused
            }
            event = events.recv() => match event {
                None => bail!("the terminal cannot be read"),
                Some(Event::Key(key)) => {
                    let height = screen.terminal.size().map_or(0, |it| it.height);
                    match press(&mut view, key, &picture, page(height)) {
                        Action::End => return Ok(()),
                        Action::Draw => true,
                        Action::Refresh => false,
                    }
                }
                Some(_) => true,
            },
        };
        if !is_fresh {
            picture = reading.borrow().picture(view.function.as_deref());
        }
    }
}

impl Screen {
    fn open(is_colored: bool) -> Result<Self> {
        let notes = HeldNotes::hold();
        // Also restores the terminal if the program panics.
        let terminal = ratatui::try_init().inspect_err(|_| _ = ratatui::try_restore());
        let terminal = terminal
            .context("the terminal cannot show a view; redirect the output to get tables")?;
        Ok(Self { terminal, notes, note: None, is_colored })
    }

    fn draw(&mut self, picture: &Picture, view: &View) -> Result<()> {
        if let Some(note) = self.notes.take() {
            self.note = Some((note, Instant::now()));
        }
        let note = self.note.as_ref().filter(|(_, since)| since.elapsed() < SHOWN);
        let look = Look { is_colored: self.is_colored, note: note.map(|(text, _)| text.as_str()) };
        self.terminal
            .draw(|frame| draw(frame, picture, view, look))
            .context("the terminal cannot be written")?;
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // The panic hook has restored the terminal before it printed the message.
        if !thread::panicking() {
            _ = self.terminal.show_cursor();
            _ = ratatui::try_restore();
        }
    }
}

/// Returns keys and changes of size. A separate thread waits for them.
fn events() -> UnboundedReceiver<Event> {
    let (sender, receiver) = unbounded_channel();
    thread::spawn(move || {
        while let Ok(event) = event::read() {
            if sender.send(event).is_err() {
                break;
            }
        }
    });
    receiver
}
