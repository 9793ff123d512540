//! The list as comma-separated values: quoted by RFC 4180, with LF as line ending, and safe to open in a spreadsheet. Pure.

use anyhow::{Context as _, Result};
use csv::Writer;
use extension_spec::variable;
use kinesis_telemetry_terminal::plain;

use super::row::Row;

const HEADER: [&str; 14] = [
    "name",
    "arn",
    "architecture",
    "runtime",
    "layer_version",
    "behind",
    "layers",
    "problem",
    "stream",
    "settings",
    "last_modified",
    "managed_by",
    "stack",
    "old_aliases",
];

pub(super) fn text(rows: &[Row]) -> Result<String> {
    let mut writer = Writer::from_writer(Vec::new());
    let written = writer
        .write_record(HEADER)
        .and_then(|()| rows.iter().try_for_each(|row| writer.write_record(cells(row))));
    written.context("the list cannot be written as CSV")?;
    let bytes = writer.into_inner().context("the list cannot be written as CSV")?;
    String::from_utf8(bytes).context("the list cannot be written as CSV")
}

fn cells(row: &Row) -> [String; HEADER.len()] {
    let managed = row.managed.as_ref();
    let settings = row.settings_error.as_ref().map_or_else(
        || row.settings_without(&[variable::STREAM]),
        |why| format!("unreadable ({why})"),
    );
    let old_aliases = row.old_aliases.as_ref().map_or_else(
        || "?".to_owned(),
        |aliases| {
            let layer = |it: Option<i64>| it.map_or_else(|| "none".to_owned(), |it| it.to_string());
            let aliases = aliases.iter().map(|it| {
                format!("{}:{}:{}", it.alias, it.function_version, layer(it.layer_version))
            });
            aliases.collect::<Vec<_>>().join(" ")
        },
    );
    let text = |value: &str| inert(&plain(value));
    [
        text(&row.name),
        text(&row.arn),
        text(&row.architecture),
        text(row.runtime.as_deref().unwrap_or_default()),
        row.layer_version.to_string(),
        row.behind.to_string(),
        text(&row.layers.join(" ")),
        text(row.problem.as_deref().unwrap_or_default()),
        text(row.stream()),
        text(&settings),
        text(&row.last_modified),
        managed.map_or("?", |it| it.managed_by).to_owned(),
        text(managed.and_then(|it| it.stack.as_deref()).unwrap_or_default()),
        text(&old_aliases),
    ]
}

/// Returns a cell that no spreadsheet evaluates as a formula (OWASP, "CSV Injection").
fn inert(value: &str) -> String {
    let is_formula = value
        .trim_start()
        .starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']);
    // A single dash is our own mark for an empty cell.
    if is_formula && value != "-" { format!("'{value}") } else { value.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_becomes_text() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\u{ff1d}1"] {
            assert_eq!(inert(formula), format!("'{formula}"));
        }
        for text in ["orders", "a=b", "", "-", "arn:aws:lambda"] {
            assert_eq!(inert(text), text);
        }
    }
}
