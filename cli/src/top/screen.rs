//! Draws the view from a picture and the state of the view. Pure.

use clap::ValueEnum as _;
use kinesis_telemetry_args::Order;
use kinesis_telemetry_terminal::plain;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph};

use super::columns::{Column, Level, Tone, fitting};
use super::figures::{self, fitted};
use super::picture::Picture;
use super::row::Row;
use super::table::shown;
use super::view::{Mode, View};

/// Number of lines above the rows: stream, two lines of sums, the shown level and filter, titles.
const ABOVE: u16 = 5;
/// Number of lines below the rows: the keys.
const BELOW: u16 = 1;

const HELP: &str = "\
EVENTS/S, BYTES/S  over the last 10 s, or --interval if that is longer
LAG P50, P99       from the time of an event to its arrival, of a minute
INVOKED, FAILED    invocations, and those that failed or timed out
COLD               starts of environments
MEMORY MB          highest use of an invocation, and the memory it has
MISSING            numbers that have not arrived 10 s after a later one
SHED               events that the extension discarded, by its ledger
DROPPED            log lines that Lambda discarded
SAMPLED OUT        lines of invocations outside of the sample

arrows, j k, PgUp PgDn, g G   select
Enter / Esc                   instances of a function / back
s                             next order
e b l i f m x n               order by events, bytes, lag, invocations,
                              failures, memory, missing, name
/                             filter by name
Space                         pause
q, Ctrl-C                     quit";

/// Drawing options.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Look<'a> {
    pub(super) is_colored: bool,
    /// A message that replaces the keys.
    pub(super) note: Option<&'a str>,
}

/// Returns the number of rows that a terminal of this height shows.
pub(super) fn page(height: u16) -> usize {
    height.saturating_sub(ABOVE + BELOW).into()
}

/// Draws the view.
pub(super) fn draw(frame: &mut Frame<'_>, picture: &Picture, view: &View, look: Look<'_>) {
    let area = frame.area();
    let width = usize::from(area.width);
    let [rates, sums] = picture.totals();
    let mut lines = vec![
        head(picture, view, look, width),
        spans(&rates, look, width),
        spans(&sums, look, width),
        Line::from(place(view)),
    ];
    let rows = view.rows(picture);
    let longest = rows.iter().map(|it| figures::width(shown(&it.name))).max();
    let (name, columns) = fitting(picture.level, width, longest.unwrap_or_default());
    lines.push(titles(view, picture.level, name, &columns));
    let page = page(area.height);
    let selected = view.selected(&rows);
    let first = (selected + 1).saturating_sub(page);
    for (index, row) in rows.iter().enumerate().skip(first).take(page) {
        let line = row_line(row, name, &columns, look);
        let is_selected = index == selected;
        lines.push(if is_selected { line.style(Modifier::REVERSED) } else { line });
    }
    if rows.is_empty() {
        lines.push(Line::from(if picture.rows.is_empty() {
            "waiting for events"
        } else {
            "no name matches the filter"
        }));
    }
    frame.render_widget(Paragraph::new(lines), area);
    if area.height > BELOW {
        let last = Rect { y: area.bottom() - BELOW, height: BELOW, ..area };
        frame.render_widget(Clear, last);
        frame.render_widget(foot(view, look, width), last);
    }
    if view.mode == Mode::Help {
        help(frame);
    }
}

fn head<'a>(picture: &Picture, view: &View, look: Look<'_>, width: usize) -> Line<'a> {
    let time = picture.time();
    let time = time.get(11..).unwrap_or_default();
    let right = if view.is_paused { format!("paused  {time}") } else { time.to_owned() };
    let mut reading = vec![(String::new(), Tone::Plain)];
    reading.extend(picture.reading());
    let reading = spans(&reading, look, width);
    let rest = width.saturating_sub(right.len() + reading.width() + 1);
    let name = fitted(picture.stream_name(), figures::width(picture.stream_name()).min(rest));
    let space = " ".repeat(rest.saturating_sub(figures::width(&name)) + 1);
    let mut line = Line::from(Span::styled(name, Modifier::BOLD));
    line.extend(reading);
    line.push_span(Span::raw(space));
    line.push_span(Span::raw(right));
    line
}

/// Returns the shown level and the filter.
fn place(view: &View) -> String {
    let mut parts = Vec::new();
    if let Some(function) = &view.function {
        parts.push(format!("instances of {}", plain(shown(function))));
    }
    let filter = &view.list().filter;
    if view.mode == Mode::Filter || !filter.is_empty() {
        let cursor = if view.mode == Mode::Filter { "_" } else { "" };
        parts.push(format!("filter: {}{cursor}", plain(filter)));
    }
    parts.join("  ")
}

fn titles<'a>(view: &View, level: Level, name: usize, columns: &[&Column]) -> Line<'a> {
    let style = |is_ordered: bool| {
        let bold = Style::new().add_modifier(Modifier::BOLD);
        if is_ordered { bold.add_modifier(Modifier::UNDERLINED) } else { bold }
    };
    let title = if level == Level::Functions { "FUNCTION" } else { "INSTANCE" };
    let by_name = view.order == Order::Name;
    let mut line = Line::from(Span::styled(title, style(by_name)));
    line.push_span(" ".repeat(name.saturating_sub(title.len())));
    for column in columns {
        line.push_span(" ".repeat(column.width + 1 - column.title.len()));
        line.push_span(Span::styled(column.title, style(column.order == Some(view.order))));
    }
    line
}

fn row_line<'a>(row: &Row, name: usize, columns: &[&Column], look: Look<'_>) -> Line<'a> {
    let mut line = Line::from(fitted(shown(&row.name), name));
    for column in columns {
        let (value, tone) = column.value(row);
        line.push_span(" ".repeat(column.width + 1 - value.len().min(column.width)));
        line.push_span(Span::styled(value, style(tone, look)));
    }
    line
}

fn foot<'a>(view: &View, look: Look<'_>, width: usize) -> Line<'a> {
    if let Some(note) = look.note {
        return Line::from(Span::styled(fitted(note, width), style(Tone::Warning, look)));
    }
    let order = view.order.to_possible_value();
    let order = format!("order: {}", order.as_ref().map_or("", |it| it.get_name()));
    let keys: &[(&str, &str)] = match (view.mode, view.level()) {
        (Mode::Filter, _) => &[("Enter", "keep"), ("Esc", "clear")],
        (Mode::Help, _) => &[("any key", "back")],
        (_, Level::Functions) => &[
            ("Enter", "instances"),
            ("s", &order),
            ("/", "filter"),
            ("Space", "pause"),
            ("?", "help"),
            ("q", "quit"),
        ],
        (_, Level::Instances) => &[
            ("Esc", "functions"),
            ("s", &order),
            ("/", "filter"),
            ("Space", "pause"),
            ("?", "help"),
            ("q", "quit"),
        ],
    };
    let mut line = Line::default();
    for (key, does) in keys {
        line.push_span(Span::styled((*key).to_owned(), Modifier::BOLD));
        line.push_span(format!(" {does}  "));
    }
    line
}

/// Draws the help in the middle of the screen.
fn help(frame: &mut Frame<'_>) {
    let area = frame.area();
    let text = Paragraph::new(HELP).block(Block::bordered().title(" help "));
    let width = HELP.lines().map(str::len).max().unwrap_or_default() + 4;
    let width = area.width.min(u16::try_from(width).unwrap_or(u16::MAX));
    let height = u16::try_from(HELP.lines().count() + 2).unwrap_or(u16::MAX);
    let height = height.min(area.height.saturating_sub(BELOW));
    let middle = Rect {
        x: (area.width - width) / 2,
        y: (area.height.saturating_sub(BELOW) - height) / 2,
        width,
        height,
    };
    frame.render_widget(Clear, middle);
    frame.render_widget(text, middle);
}

/// Returns the parts that fit completely, because a number that is cut would mislead.
fn spans<'a>(parts: &[(String, Tone)], look: Look<'_>, width: usize) -> Line<'a> {
    let mut line = Line::default();
    for (index, (part, tone)) in parts.iter().enumerate() {
        let space = if index > 0 { "  " } else { "" };
        if line.width() + space.len() + part.len() > width {
            break;
        }
        line.push_span(space);
        line.push_span(Span::styled(part.clone(), style(*tone, look)));
    }
    line
}

fn style(tone: Tone, look: Look<'_>) -> Style {
    let colored = |color| if look.is_colored { Style::new().fg(color) } else { Style::new() };
    match tone {
        Tone::Plain => Style::new(),
        Tone::Warning => colored(Color::Yellow),
        Tone::Alarm => colored(Color::Red).add_modifier(Modifier::BOLD),
    }
}

#[cfg(test)]
mod tests;
