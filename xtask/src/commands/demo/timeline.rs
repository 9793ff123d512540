//! A picture of what took how long, in plain text. Pure.

use std::fmt::Write as _;

use super::reports::Report;

/// The column of the bars: after a table with columns of 16, 9 and three times 11, and two spaces.
const TABLE_WIDTH: usize = 60;
/// The width of the shortest useful bars, and of the longest that are easy to compare.
const BAR_WIDTHS: (usize, usize) = (20, 38);
/// If there are more than twice this many rows, only the first and the last are drawn.
const ENDS: usize = 10;

/// A bar, and what stands before it.
struct Row {
    label: String,
    status: String,
    /// The time until the function had finished; for init, until every process had.
    function_ms: Option<f64>,
    /// The time from then until the extension had finished.
    extension_ms: Option<f64>,
    /// The time from the start until the last event was in the stream.
    delivered_ms: Option<f64>,
}

/// Draws `reports` in lines of at most `width` columns, and never less than 80; `delivered` says when the last event of a
/// request was in the stream.
pub(super) fn draw(
    reports: &[Report],
    delivered: impl Fn(&str) -> Option<i64>,
    width: usize,
) -> String {
    let bar_width = width.saturating_sub(TABLE_WIDTH).clamp(BAR_WIDTHS.0, BAR_WIDTHS.1);
    let rows = |report| restore(report).into_iter().chain([row(report, &delivered)]);
    let rows: Vec<Row> = reports.iter().flat_map(rows).collect();
    let longest = rows.iter().map(Row::end_ms).fold(1.0, f64::max);
    let scale = ms(Some(longest));
    let mut text = format!(
        "{:<16}{:<9}{:>11}{:>11}{:>11}  0{scale:>width$}\n",
        "",
        "",
        "function",
        "extension",
        "delivered",
        width = bar_width - 1
    );
    for (i, row) in rows.iter().enumerate() {
        if rows.len() > 2 * ENDS && (ENDS..rows.len() - ENDS).contains(&i) {
            if i == ENDS {
                _ = writeln!(text, "  … {} more", rows.len() - 2 * ENDS);
            }
            continue;
        }
        _ = writeln!(text, "{}", row.draw(longest, bar_width));
    }
    text.push_str(
        "\n= function (or start)   # extension, while the invocation is held open\n\
         * last event in the stream, platform.report apart: Lambda sends it with the\n  \
           next invocation\n",
    );
    text
}

/// Returns the restore before an invocation, if it began from a snapshot.
fn restore(report: &Report) -> Option<Row> {
    let Report::Invocation { restore_ms: Some(restore_ms), .. } = report else { return None };
    Some(Row {
        label: "restore".to_owned(),
        status: String::new(),
        function_ms: Some(*restore_ms),
        extension_ms: None,
        delivered_ms: None,
    })
}

fn row(report: &Report, delivered: &impl Fn(&str) -> Option<i64>) -> Row {
    match report {
        Report::Init { status, duration_ms, .. } => Row {
            label: "init".to_owned(),
            status: status.clone(),
            function_ms: Some(*duration_ms),
            extension_ms: None,
            delivered_ms: None,
        },
        Report::Invocation {
            n, request_id, status, start_time, function_ms, extension_ms, ..
        } => Row {
            label: format!("invocation {n}"),
            status: status.clone(),
            function_ms: Some(*function_ms),
            extension_ms: Some(*extension_ms),
            delivered_ms: delivered(request_id).and_then(|at| since(start_time, at)),
        },
        Report::Shutdown { reason, duration_ms, .. } => Row {
            label: "shutdown".to_owned(),
            status: reason.clone(),
            function_ms: None,
            extension_ms: Some(*duration_ms),
            delivered_ms: None,
        },
    }
}

/// Milliseconds from an RFC 3339 time to `at_ms` since 1970.
fn since(start_time: &str, at_ms: i64) -> Option<f64> {
    let start = humantime::parse_rfc3339(start_time).ok()?;
    let start = start.duration_since(std::time::UNIX_EPOCH).ok()?;
    let start_ms = i64::try_from(start.as_millis()).ok()?;
    // Two clocks may differ slightly, so a negative time counts as zero.
    let delay = i32::try_from(at_ms - start_ms).ok()?;
    Some(f64::from(delay.max(0)))
}

impl Row {
    fn end_ms(&self) -> f64 {
        let held = self.function_ms.unwrap_or(0.0) + self.extension_ms.unwrap_or(0.0);
        held.max(self.delivered_ms.unwrap_or(0.0))
    }

    fn draw(&self, longest: f64, bar_width: usize) -> String {
        let [function, extension, delivered] =
            [self.function_ms, self.extension_ms, self.delivered_ms].map(ms);
        let bar = self.bar(longest, bar_width);
        let Self { label, status, .. } = self;
        format!("{label:<16}{status:<9}{function:>11}{extension:>11}{delivered:>11}  {bar}")
            .trim_end()
            .to_owned()
    }

    fn bar(&self, longest: f64, width: usize) -> String {
        let column = |ms| column(ms, longest, width);
        let function = self.function_ms.unwrap_or(0.0);
        let held = function + self.extension_ms.unwrap_or(0.0);
        let mut bar = vec![' '; width];
        bar[..column(held)].fill('#');
        bar[..column(function)].fill('=');
        if let Some(delivered) = self.delivered_ms {
            bar[column(delivered).min(width - 1)] = '*';
        }
        bar.into_iter().collect()
    }
}

/// Returns the number of columns of a time; even the shortest is visible.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "between 0 and the width of a bar"
)]
fn column(ms: f64, longest: f64, width: usize) -> usize {
    let columns = (ms / longest * width as f64).round() as usize;
    if ms > 0.0 { columns.clamp(1, width) } else { 0 }
}

fn ms(ms: Option<f64>) -> String {
    ms.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.1} ms"))
}

#[cfg(test)]
mod tests;
