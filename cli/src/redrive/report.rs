//! The report about a redrive: records that were put back, and letters that were kept. No other module prints text of letters.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::mem::discriminant;

use kinesis_telemetry_stream::{counted, thousands};
use kinesis_telemetry_terminal::beginning;
use serde_json::{Value, json};

/// Number of records or messages that are named for one reason.
const NAMED: usize = 3;
/// Number of reasons of one kind that are listed. Forged letters can cause any number of them.
const REASONS: usize = 20;
/// Largest length of a name and of a reason, in characters.
const NAME_CHARS: usize = 80;
const REASON_CHARS: usize = 600;

/// The reason why a letter stays in the queue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reason {
    /// The letter is for the stream with this ARN, which the operator has not allowed.
    OtherStream(String),
    /// The letter does not have the extension's format.
    Format(String),
    /// Pieces of the letter are missing, or contradict each other.
    Incomplete(String),
    /// Kinesis or SQS rejected the letter.
    Refused(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherStream(arn) => write!(
                f,
                "for the stream {arn}, which is not the stream of this deployment; if they belong there, put them back with \
                 --also-to {arn}"
            ),
            Self::Format(why) | Self::Incomplete(why) | Self::Refused(why) => f.write_str(why),
        }
    }
}

/// Letters that stay for the same reason.
#[derive(Debug, Default)]
struct Kept {
    named: Vec<String>,
    records: usize,
    messages: usize,
}

/// The results so far. Its size does not depend on the number of letters.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) records: usize,
    pub(super) bytes: usize,
    kept: BTreeMap<Reason, Kept>,
    /// Number of messages that stay for reasons that are not listed.
    more: usize,
}

impl Report {
    /// Notes that the record or message `what` stays in the queue, as this number of messages.
    pub(super) fn keep(&mut self, reason: Reason, what: &str, messages: usize) {
        let kind = discriminant(&reason);
        let is_listed = self.kept.contains_key(&reason)
            || self.kept.keys().filter(|it| discriminant(*it) == kind).count() < REASONS;
        if !is_listed {
            self.more += messages;
            return;
        }
        let kept = self.kept.entry(reason).or_default();
        kept.records += 1;
        kept.messages += messages;
        if kept.named.len() < NAMED {
            kept.named.push(beginning(what, NAME_CHARS));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records == 0 && self.kept.is_empty()
    }

    /// Returns the report for machines. `left`, `visible` and `hidden` are numbers of messages in the queue: left by this run,
    /// new, and held by other readers.
    pub(super) fn document(&self, left: usize, visible: u64, hidden: u64) -> Value {
        let kept = self.kept.iter().map(|(reason, kept)| {
            let kind = match reason {
                Reason::OtherStream(_) => "otherStream",
                Reason::Format(_) => "format",
                Reason::Incomplete(_) => "incomplete",
                Reason::Refused(_) => "refused",
            };
            let why = beginning(&reason.to_string(), REASON_CHARS);
            json!({ "kind": kind, "reason": why, "messages": kept.messages, "examples": kept.named })
        });
        json!({
            "records": self.records,
            "bytes": self.bytes,
            "kept": kept.collect::<Vec<_>>(),
            "unlisted": self.more,
            "messagesLeft": left,
            "messagesVisible": visible,
            "messagesHidden": hidden,
        })
    }

    /// Returns the report for people, with a line for each reason.
    pub(super) fn text(&self) -> String {
        let (records, bytes) = (counted(self.records, "record"), thousands(self.bytes));
        let mut text = format!("{records} put back into the stream, {bytes} bytes\n");
        for (reason, kept) in &self.kept {
            let why = beginning(&reason.to_string(), REASON_CHARS);
            let letters = if matches!(reason, Reason::OtherStream(_)) {
                counted(kept.messages, "message")
            } else {
                kept.text()
            };
            _ = writeln!(text, "left: {letters}: {why}");
        }
        if self.more > 0 {
            let messages = counted(self.more, "message");
            _ = writeln!(
                text,
                "left: {messages}: for further streams and reasons (only {REASONS} of each kind are listed)"
            );
        }
        text
    }
}

impl Kept {
    fn text(&self) -> String {
        let more = self.records - self.named.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{}{more}", self.named.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:kinesis:us-east-1:999999999999:stream/payments";

    #[test]
    fn letters_for_other_streams_are_counted_by_stream() {
        let mut report = Report::default();
        for n in 0..12 {
            report.keep(Reason::OtherStream(ARN.into()), &format!("message {n}"), 1);
        }
        let text = report.text();
        assert!(text.contains(&format!("left: 12 messages: for the stream {ARN}, ")), "{text}");
        assert!(text.contains(&format!("--also-to {ARN}\n")), "{text}");
    }

    #[test]
    fn the_document_has_every_reason_with_its_kind() {
        let mut report = Report::default();
        report.keep(Reason::OtherStream(ARN.into()), "message 1", 1);
        report.keep(Reason::Refused("busy".into()), "record 2", 2);
        let document = report.document(3, 0, 1);
        assert_eq!(document["kept"][0]["kind"], "otherStream");
        assert_eq!(document["kept"][1]["messages"], 2);
        assert_eq!(
            (&document["messagesLeft"], &document["messagesHidden"]),
            (&json!(3), &json!(1))
        );
    }

    #[test]
    fn up_to_three_letters_are_named_for_one_reason() {
        let mut report = Report::default();
        for n in 0..12 {
            report.keep(Reason::Refused("busy".into()), &format!("record {n}"), 2);
        }
        assert!(report.text().contains("left: record 0, record 1, record 2 and 9 more: busy\n"));
    }

    #[test]
    fn countless_reasons_and_streams_make_a_short_report() {
        let mut report = Report::default();
        for n in 0..100_000 {
            let reason = if n % 2 == 0 { Reason::Format } else { Reason::OtherStream };
            report.keep(reason(format!("reason {n}")), "message", 1);
        }
        report.keep(Reason::Refused("denied".into()), "record a", 1);
        let text = report.text();
        assert_eq!(text.lines().count(), 1 + 2 * REASONS + 1 + 1);
        assert!(text.contains("left: record a: denied\n"), "{text}");
        assert!(text.contains("left: 99,960 messages: for further streams"), "{text}");
    }

    #[test]
    fn text_of_letters_is_cut_and_safe_to_show() {
        let mut report = Report::default();
        report.keep(Reason::Format("a\u{1b}[2J\r\nb".into()), "a\u{9b}\nb", 1);
        assert!(
            report.text().ends_with("\nleft: a\u{fffd} b: a\u{fffd}[2J  b\n"),
            "{:?}",
            report.text()
        );
        assert_eq!(beginning(&"x".repeat(100_000), 80).chars().count(), 81);
    }
}
