//! The data of the page's script, by column: 10,000 invocations take about 1 MB.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{Invocation, Outcome, Report};
use crate::text::{json, visible, visible_lines};

/// Largest number of characters of one log line in the page.
const LINE_CHARS: usize = 16 * 1024;
/// Largest size of all log lines in the page, in bytes. The first failures get them.
const LINES_BYTES: usize = 3 * 1024 * 1024;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    from_ms: i64,
    to_ms: i64,
    /// All functions, versions, instances and types of errors, to which the columns refer by index.
    names: Vec<Cow<'a, str>>,
    /// The invocations in the order of their start.
    invocations: Columns<'a>,
    /// The log lines of failures, by index of the invocation.
    lines: BTreeMap<usize, Vec<Line<'a>>>,
    /// The number of failures whose log lines were omitted because the page would become too large.
    without_lines: usize,
}

/// The invocations by column: one vector for each member, all of the same length.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Columns<'a> {
    function: Vec<usize>,
    version: Vec<Option<usize>>,
    instance: Vec<usize>,
    request_id: Vec<Cow<'a, str>>,
    start_ms: Vec<i64>,
    init_ms: Vec<Option<f64>>,
    duration_ms: Vec<Option<f64>>,
    extension_ms: Vec<Option<f64>>,
    billed_ms: Vec<Option<f64>>,
    memory_mb: Vec<Option<u64>>,
    max_memory_mb: Vec<Option<u64>>,
    lag_ms: Vec<Option<i64>>,
    outcome: Vec<Outcome>,
    error_type: Vec<Option<usize>>,
    events: Vec<u64>,
}

/// Time, level and text of a log line.
type Line<'a> = (Option<i64>, Option<Cow<'a, str>>, Cow<'a, str>);

/// Returns the data of a report as JSON that a `<script>` element can hold.
pub(crate) fn of(report: &Report) -> String {
    let mut invocations: Vec<&Invocation> = report.invocations.iter().collect();
    invocations.sort_by_key(|it| it.start_ms);
    let mut names = Names::default();
    let mut columns = Columns::default();
    for it in &invocations {
        columns.function.push(names.index(&it.function));
        columns.version.push(it.version.as_deref().map(|version| names.index(version)));
        columns.instance.push(names.index(&it.instance));
        columns.request_id.push(visible(&it.request_id));
        columns.start_ms.push(it.start_ms);
        columns.init_ms.push(rounded(it.init_ms));
        columns.duration_ms.push(rounded(it.duration_ms));
        columns.extension_ms.push(rounded(it.extension_ms));
        columns.billed_ms.push(rounded(it.billed_ms));
        columns.memory_mb.push(it.memory_mb);
        columns.max_memory_mb.push(it.max_memory_mb);
        columns.lag_ms.push(it.lag_ms);
        columns.outcome.push(it.outcome);
        columns.error_type.push(it.error_type.as_deref().map(|error| names.index(error)));
        columns.events.push(it.events);
    }
    let (lines, without_lines) = lines(&invocations);
    let data = Data {
        from_ms: report.from_ms,
        to_ms: report.to_ms,
        names: names.list,
        invocations: columns,
        lines,
        without_lines,
    };
    json(&serde_json::to_string(&data).expect("only numbers and text"))
}

fn lines<'a>(invocations: &[&'a Invocation]) -> (BTreeMap<usize, Vec<Line<'a>>>, usize) {
    let mut held = BTreeMap::new();
    let (mut bytes, mut left_out) = (0, 0);
    let failures = invocations.iter().enumerate().filter(|(_, it)| it.outcome.is_failure());
    for (index, it) in failures.filter(|(_, it)| !it.lines.is_empty()) {
        if bytes >= LINES_BYTES {
            left_out += 1;
            continue;
        }
        let mut own = Vec::new();
        for line in &it.lines {
            if bytes >= LINES_BYTES {
                own.push((None, None, "… (further log lines are omitted)".into()));
                break;
            }
            let text = beginning(&line.text);
            bytes += text.len() + 32;
            own.push((line.time_ms, line.level.as_deref().map(visible), text));
        }
        held.insert(index, own);
    }
    (held, left_out)
}

/// Returns the first characters of a text, and `…` if it has more.
fn beginning(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(LINE_CHARS) {
        Some((end, _)) => format!("{}…", visible_lines(&text[..end])).into(),
        None => visible_lines(text),
    }
}

/// Returns a figure with three decimals. A figure that is not a number is unknown.
fn rounded(figure: Option<f64>) -> Option<f64> {
    figure.filter(|it| it.is_finite()).map(|it| (it * 1000.0).round() / 1000.0)
}

/// Collects names, each once.
#[derive(Default)]
struct Names<'a> {
    list: Vec<Cow<'a, str>>,
    known: BTreeMap<&'a str, usize>,
}

impl<'a> Names<'a> {
    fn index(&mut self, name: &'a str) -> usize {
        *self.known.entry(name).or_insert_with(|| {
            self.list.push(visible(name));
            self.list.len() - 1
        })
    }
}
