//! Text of any length in lines of a terminal. Pure.

use kinesis_telemetry_terminal::{Style, Text, plain};

/// Adds a text of any length as lines. `indent` is that of the first line and that of the others.
pub(crate) fn wrapped(
    text: &mut Text,
    value: &str,
    columns: usize,
    indent: [&str; 2],
    styles: &[Style],
) {
    let options = textwrap::Options::new(columns.max(20));
    let options = options.initial_indent(indent[0]).subsequent_indent(indent[1]);
    // An ARN is copied as a whole.
    let options = options.word_splitter(textwrap::WordSplitter::NoHyphenation);
    for line in textwrap::wrap(&plain(value), options) {
        text.push_in(styles, &line).end_line();
    }
}
