//! Wraps text to lines of a terminal. Pure.

use kinesis_telemetry_terminal::{Style, Text, plain};

/// Adds a text as wrapped lines. `indent` has the indent of the first line and that of the others.
pub(crate) fn wrapped(
    text: &mut Text,
    value: &str,
    columns: usize,
    indent: [&str; 2],
    styles: &[Style],
) {
    let options = textwrap::Options::new(columns.max(20));
    let options = options.initial_indent(indent[0]).subsequent_indent(indent[1]);
    // People copy whole ARNs, so they are not split.
    let options = options.word_splitter(textwrap::WordSplitter::NoHyphenation);
    for line in textwrap::wrap(&plain(value), options) {
        text.push_in(styles, &line).end_line();
    }
}
