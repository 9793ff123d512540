//! Applies keys to the view. Pure.

use clap::ValueEnum as _;
use kinesis_telemetry_args::Order;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::columns::Level;
use super::picture::Picture;
use super::view::{Mode, View};

/// The action that follows a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Draw the view again.
    Draw,
    /// Update the figures, and draw.
    Refresh,
    End,
}

/// The keys that choose an order.
const ORDERS: [(char, Order); 8] = [
    ('e', Order::Events),
    ('b', Order::Bytes),
    ('l', Order::Lag),
    ('i', Order::Invocations),
    ('f', Order::Failures),
    ('m', Order::Memory),
    ('x', Order::Missing),
    ('n', Order::Name),
];

/// Applies a key to the view. `page` is the number of visible rows.
pub(super) fn press(view: &mut View, key: KeyEvent, picture: &Picture, page: usize) -> Action {
    if key.kind == KeyEventKind::Release {
        return Action::Draw;
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return if key.code == KeyCode::Char('c') { Action::End } else { Action::Draw };
    }
    match view.mode {
        Mode::Filter => type_filter(view, key.code),
        Mode::Help => view.mode = Mode::Browse,
        Mode::Browse => return browse(view, key.code, picture, page),
    }
    Action::Draw
}

fn type_filter(view: &mut View, key: KeyCode) {
    match key {
        KeyCode::Char(c) => view.list_mut().filter.push(c),
        KeyCode::Backspace => _ = view.list_mut().filter.pop(),
        KeyCode::Enter => view.mode = Mode::Browse,
        KeyCode::Esc => {
            view.list_mut().filter.clear();
            view.mode = Mode::Browse;
        }
        _ => {}
    }
}

fn browse(view: &mut View, key: KeyCode, picture: &Picture, page: usize) -> Action {
    let rows = view.rows(picture);
    let at = view.selected(&rows);
    match key {
        KeyCode::Char('q') => return Action::End,
        KeyCode::Char('?' | 'h') => view.mode = Mode::Help,
        KeyCode::Char('/') => view.mode = Mode::Filter,
        KeyCode::Char('s') => view.order = after(view.order),
        KeyCode::Char(' ') => {
            view.is_paused = !view.is_paused;
            return if view.is_paused { Action::Draw } else { Action::Refresh };
        }
        KeyCode::Down | KeyCode::Char('j') => view.select(&rows, at + 1),
        KeyCode::Up | KeyCode::Char('k') => view.select(&rows, at.saturating_sub(1)),
        KeyCode::PageDown => view.select(&rows, at + page.max(1)),
        KeyCode::PageUp => view.select(&rows, at.saturating_sub(page.max(1))),
        KeyCode::Home | KeyCode::Char('g') => view.select(&rows, 0),
        KeyCode::End | KeyCode::Char('G') => view.select(&rows, usize::MAX),
        KeyCode::Enter | KeyCode::Right => {
            if let Some(row) = rows.get(at).filter(|_| view.level() == Level::Functions) {
                view.enter(&row.name);
                return Action::Refresh;
            }
        }
        KeyCode::Esc | KeyCode::Left | KeyCode::Backspace => {
            if !view.list().filter.is_empty() && key == KeyCode::Esc {
                view.list_mut().filter.clear();
            } else if view.function.take().is_some() {
                return Action::Refresh;
            }
        }
        KeyCode::Char(c) => {
            if let Some((_, order)) = ORDERS.iter().find(|(key, _)| *key == c) {
                view.order = *order;
            }
        }
        _ => {}
    }
    Action::Draw
}

fn after(order: Order) -> Order {
    let orders = Order::value_variants();
    let at = orders.iter().position(|it| *it == order).unwrap_or_default();
    orders[(at + 1) % orders.len()]
}

#[cfg(test)]
mod tests {
    use super::super::tests::{picture, row};
    use super::*;

    fn pressed(view: &mut View, picture: &Picture, keys: &str) -> Action {
        let code = |c| match c {
            '\n' => KeyCode::Enter,
            '<' => KeyCode::Esc,
            '\u{8}' => KeyCode::Backspace,
            'v' => KeyCode::PageDown,
            c => KeyCode::Char(c),
        };
        let mut action = Action::Draw;
        for c in keys.chars() {
            action = press(view, code(c).into(), picture, 10);
        }
        action
    }

    fn selected(view: &View, picture: &Picture) -> String {
        let rows = view.rows(picture);
        rows[view.selected(&rows)].name.clone()
    }

    fn functions() -> Picture {
        picture((0..30).map(|n| row(&format!("f{n:02}"), 100 - n)).collect())
    }

    #[test]
    fn the_selection_moves_and_stays_within_the_rows() {
        let (picture, mut view) = (functions(), View::default());
        for (keys, expected) in [
            ("jj", "f02"),
            ("k", "f01"),
            ("kkk", "f00"),
            ("v", "f10"),
            ("G", "f29"),
            ("j", "f29"),
            ("g", "f00"),
        ] {
            pressed(&mut view, &picture, keys);
            assert_eq!(selected(&view, &picture), expected, "{keys}");
        }
    }

    #[test]
    fn the_selection_follows_its_name() {
        let (mut picture, mut view) = (functions(), View::default());
        pressed(&mut view, &picture, "jj");
        picture.rows[29].rate.events = 1_000.0;
        assert_eq!(selected(&view, &picture), "f02");
        pressed(&mut view, &picture, "g");
        assert_eq!(selected(&view, &picture), "f29", "the row that is now the first");
    }

    #[test]
    fn enter_shows_instances_and_escape_goes_back() {
        let (picture, mut view) = (functions(), View::default());
        assert_eq!(pressed(&mut view, &picture, "j\n"), Action::Refresh);
        assert_eq!(view.function.as_deref(), Some("f01"));
        assert_eq!(pressed(&mut view, &picture, "\n"), Action::Draw, "instances have no rows");
        assert_eq!(pressed(&mut view, &picture, "<"), Action::Refresh);
        assert_eq!((view.function.as_deref(), selected(&view, &picture).as_str()), (None, "f01"));
    }

    #[test]
    fn a_filter_is_typed_kept_and_cleared() {
        let (picture, mut view) = (functions(), View::default());
        pressed(&mut view, &picture, "/F1q\u{8}");
        assert_eq!((view.mode, view.rows(&picture).len()), (Mode::Filter, 10));
        pressed(&mut view, &picture, "\nj");
        assert_eq!((view.mode, selected(&view, &picture).as_str()), (Mode::Browse, "f11"));
        pressed(&mut view, &picture, "<");
        assert_eq!((view.rows(&picture).len(), selected(&view, &picture).as_str()), (30, "f11"));
        pressed(&mut view, &picture, "/zz");
        assert_eq!(view.rows(&picture).len(), 0);
        assert_eq!(pressed(&mut view, &picture, "\njk\nvGg"), Action::Draw, "no row to select");
        pressed(&mut view, &picture, "/<");
        assert_eq!(view.rows(&picture).len(), 30);
    }

    #[test]
    fn orders_have_keys_and_a_cycle() {
        let (picture, mut view) = (functions(), View::default());
        for (key, order) in ORDERS {
            pressed(&mut view, &picture, &key.to_string());
            assert_eq!(view.order, order);
        }
        pressed(&mut view, &picture, "s");
        assert_eq!(view.order, Order::Events, "after the last one");
        pressed(&mut view, &picture, &"s".repeat(Order::value_variants().len()));
        assert_eq!(view.order, Order::Events);
    }

    #[test]
    fn pause_help_and_end() {
        let (picture, mut view) = (functions(), View::default());
        assert_eq!((pressed(&mut view, &picture, " "), view.is_paused), (Action::Draw, true));
        assert_eq!((pressed(&mut view, &picture, " "), view.is_paused), (Action::Refresh, false));
        pressed(&mut view, &picture, "?");
        assert_eq!(view.mode, Mode::Help);
        assert_eq!(pressed(&mut view, &picture, "q"), Action::Draw, "any key closes the help");
        assert_eq!(pressed(&mut view, &picture, "q"), Action::End);
        for mode in [Mode::Browse, Mode::Filter, Mode::Help] {
            view.mode = mode;
            let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
            assert_eq!(press(&mut view, interrupt, &picture, 10), Action::End, "{mode:?}");
        }
    }
}
