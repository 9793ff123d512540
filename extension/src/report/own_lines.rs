//! Recognises lines that the extension itself prints. With a subscription to `extension` events it receives them again,
//! and must not process them.

use extension_spec::{EXTENSION_NAME, LOG_PREFIX};

use super::metrics::MARK;

/// True if the record of an `extension` event, as JSON text, is a line of this extension's log or metrics, either as
/// text or as an object.
pub(crate) fn is_own_line(record: &str) -> bool {
    is_of_log(record) || is_of_metrics(record)
}

fn is_of_log(record: &str) -> bool {
    record.strip_prefix('"').is_some_and(|rest| rest.starts_with(LOG_PREFIX))
}

fn is_of_metrics(record: &str) -> bool {
    let text = format!("{{\"{MARK}\":\"{EXTENSION_NAME}\"");
    record.starts_with(&text)
        || record
            .strip_prefix('"')
            .is_some_and(|inner| inner.starts_with(&text.replace('"', "\\\"")))
}

#[cfg(test)]
mod tests {
    use extension_spec::Metrics;
    use serde_json::Value;

    use super::*;
    use crate::base::log;
    use crate::buffer::ledger::Ledger;
    use crate::buffer::stats::Stats;
    use crate::report::metrics::Meter;

    #[test]
    fn own_lines_are_recognised_as_text_and_as_object() {
        let ledger = Ledger { received: 1, ..Ledger::default() };
        let line = Meter::new(Metrics::Basic).line(&ledger, &Stats::default(), &[], 0, 0).unwrap();
        assert!(is_own_line(&line));
        assert!(is_own_line(&Value::String(line + "\n").to_string()));
        assert!(is_own_line(&Value::String(log::line("WARN", "a message")).to_string()));
        assert!(!is_own_line(r#""a line""#) && !is_own_line(r#"{"extension":"other"}"#));
    }
}
