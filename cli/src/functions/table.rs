//! The list as a table for people. Pure.

mod widths;

use extension_spec::variable;
use kinesis_telemetry_stream::counted;
use kinesis_telemetry_terminal::{Style, Styles, Text, plain};
use textwrap::core::display_width;

use super::row::Row;
use crate::fleet::{Managed, Published};
use crate::wrapped::wrapped;
use widths::{Column, fitted, shortened};

/// Space between two columns.
pub(super) const GAP: usize = 2;

/// The columns, and the width that each keeps before other columns are omitted.
const COLUMNS: [(&str, Column); 9] = [
    ("function", Column { comfortable: 24, least: 12, dropped: None }),
    ("layer", Column { comfortable: 5, least: 5, dropped: None }),
    ("behind", Column { comfortable: 6, least: 6, dropped: None }),
    ("arch", Column { comfortable: 6, least: 6, dropped: None }),
    ("stream", Column { comfortable: 12, least: 8, dropped: None }),
    ("managed by", Column { comfortable: 16, least: 10, dropped: None }),
    ("runtime", Column { comfortable: 14, least: 14, dropped: Some(2) }),
    ("changed", Column { comfortable: 10, least: 10, dropped: Some(1) }),
    ("settings", Column { comfortable: 12, least: 12, dropped: Some(0) }),
];

/// Variables that the settings column omits: the stream has its own column, and the queue is usually the deployment's.
const LEFT_OUT: [&str; 2] = [variable::STREAM, variable::DEAD_LETTER_QUEUE_URL];

/// Returns the table, at most `width` columns wide.
pub(super) fn text(
    rows: &[Row],
    published: &Published,
    region: &str,
    columns: usize,
    styles: Styles,
) -> Text {
    let mut text = styles.text();
    if rows.is_empty() {
        let none = format!(
            "No function in {region} has the layer (published: {published}). kinesis-telemetry outputs shows how to add it."
        );
        wrapped(&mut text, &none, columns, ["", ""], &[]);
        return text;
    }
    let cells: Vec<_> = rows.iter().map(cells).collect();
    let natural = std::array::from_fn(|index| {
        let title = COLUMNS[index].0.len();
        cells.iter().map(|it| display_width(&it[index])).max().unwrap_or_default().max(title)
    });
    let widths = fitted(&COLUMNS.map(|(_, column)| column), natural, columns);
    line(&mut text, &COLUMNS.map(|(title, _)| title.to_owned()), &widths, |_| &[Style::Bold]);
    for (row, cells) in rows.iter().zip(&cells) {
        let style = |index: usize| -> &[Style] {
            match index {
                0 if row.problem.is_some() => &[Style::Red],
                2 if row.behind != 0 => &[Style::Yellow],
                6.. => &[Style::Dim],
                _ => &[],
            }
        };
        line(&mut text, cells, &widths, style);
        if let Some(problem) = &row.problem {
            wrapped(
                &mut text,
                &format!("problem: {problem}"),
                columns,
                ["  ", "    "],
                &[Style::Red],
            );
        }
        if let Some(aliases) = aliases(row) {
            wrapped(
                &mut text,
                &format!("aliases: {aliases}"),
                columns,
                ["  ", "    "],
                &[Style::Yellow],
            );
        }
    }
    text.end_line();
    wrapped(&mut text, &summary(rows, published), columns, ["", ""], &[]);
    text
}

fn cells(row: &Row) -> [String; COLUMNS.len()] {
    let behind = match row.behind {
        0 => "-".to_owned(),
        behind => behind.to_string(),
    };
    let cells = [
        row.name.clone(),
        row.layer_version.to_string(),
        behind,
        row.architecture.clone(),
        row.stream().to_owned(),
        row.managed.as_ref().map_or_else(|| "?".to_owned(), Managed::words),
        row.runtime.clone().unwrap_or_else(|| "-".to_owned()),
        row.last_modified.chars().take(10).collect(),
        row.settings_without(&LEFT_OUT),
    ];
    cells.map(|it| plain(&it).into_owned())
}

/// Describes the aliases that run an older layer version, or states that the aliases could not be read.
fn aliases(row: &Row) -> Option<String> {
    let Some(aliases) = &row.old_aliases else { return Some("?".to_owned()) };
    let words = aliases.iter().map(|it| {
        let layer = match it.layer_version {
            Some(version) => format!("layer version {version}"),
            None => "no layer".to_owned(),
        };
        format!("{} runs function version {} with {layer}", it.alias, it.function_version)
    });
    let words: Vec<_> = words.collect();
    (!words.is_empty()).then(|| words.join("; "))
}

fn summary(rows: &[Row], published: &Published) -> String {
    let count = |is: fn(&Row) -> bool| rows.iter().filter(|it| is(it)).count();
    let behind = count(|it| it.behind > 0);
    let problems = count(|it| it.problem.is_some());
    let aliases = count(|it| it.old_aliases.as_ref().is_some_and(|it| !it.is_empty()));
    let verb = if rows.len() == 1 { "has" } else { "have" };
    let mut parts = vec![match behind {
        0 => format!("none behind the published version ({published})"),
        behind => format!("{behind} behind the published version ({published})"),
    }];
    if problems > 0 {
        parts.push(format!("{problems} with a wrong layer"));
    }
    if aliases > 0 {
        parts.push(format!("{aliases} with aliases that run an older layer version"));
    }
    format!("{} {verb} the layer: {}", counted(rows.len(), "function"), parts.join(", "))
}

fn line<'a>(
    text: &mut Text,
    cells: &[String],
    widths: &[Option<usize>],
    style: impl Fn(usize) -> &'a [Style],
) {
    for (index, (cell, width)) in cells.iter().zip(widths).enumerate() {
        let Some(width) = *width else { continue };
        let cell = shortened(cell, width);
        let space = " ".repeat(width.saturating_sub(display_width(&cell)));
        // Numbers are right-aligned.
        if matches!(index, 1 | 2) {
            text.push(&space).push_in(style(index), &cell);
        } else {
            text.push_in(style(index), &cell).push(&space);
        }
        text.push(&" ".repeat(GAP));
    }
    text.end_line();
}
