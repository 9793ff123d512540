//! The sandbox's journal: what the platform generated for the extension. The stream is compared with it.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::value::RawValue;

/// An event of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    /// The event as the platform wrote it, byte for byte.
    pub(crate) text: String,
    /// True if the extension acknowledged the event and became responsible for it.
    pub(crate) accepted: bool,
}

pub(crate) fn read(path: &Path) -> Result<Vec<Expected>> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("the journal {} cannot be read", path.display()))?;
    parse(&text).with_context(|| format!("the journal {} is malformed", path.display()))
}

fn parse(text: &str) -> Result<Vec<Expected>> {
    #[derive(Deserialize)]
    struct Line<'a> {
        #[serde(borrow)]
        event: &'a RawValue,
        accepted: bool,
    }
    let lines = text.lines().enumerate().map(|(i, line)| {
        let line: Line<'_> =
            serde_json::from_str(line).with_context(|| format!("line {}", i + 1))?;
        Ok(Expected { text: line.event.get().to_owned(), accepted: line.accepted })
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::{Expected, parse};

    #[test]
    fn an_event_keeps_its_bytes() {
        let journal = "{\"event\":{\"a\": 1.0 ,\"b\":1e3},\"accepted\":true}\n";
        let text = "{\"a\": 1.0 ,\"b\":1e3}".to_owned();
        assert_eq!(parse(journal).unwrap(), [Expected { text, accepted: true }]);
    }

    #[test]
    fn a_truncated_line_is_reported() {
        let journal = "{\"event\":{},\"accepted\":false}\n{\"event\":{";
        assert_eq!(parse(journal).unwrap_err().to_string(), "line 2");
    }
}
