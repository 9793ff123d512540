//! The demo's result, for people and for machines. Pure.

use std::fmt::Write as _;
use std::sync::LazyLock;

use anyhow::{Context, Result};
use extension_spec::ENV_PREFIX;
use kinesis_telemetry_terminal as terminal;
use serde::Serialize;
use serde_json::Value;

use super::reports::Report;
use super::timeline;
use super::verification::Verification;
use super::{Options, STREAM};

/// The columns of a narrow terminal.
pub(super) const NARROW: usize = 80;
/// A setting to try, as `--env` takes it.
pub(super) static SETTING: LazyLock<String> =
    LazyLock::new(|| format!("{ENV_PREFIX}ENVELOPE=record"));

/// Returns the result for people, in lines of at most `width` columns.
pub(super) fn text(
    reports: &[Report],
    verification: &Verification,
    troubles: &[String],
    width: usize,
) -> String {
    let timeline = timeline::draw(reports, |request| verification.delivered_ms(request), width);
    let mut text = format!("{timeline}\n{}", verification.text);
    for trouble in troubles {
        let trouble = wrapped(&format!("PROBLEM: {trouble}"), width);
        _ = write!(text, "\n{trouble}\n");
    }
    text
}

/// Breaks a text into lines between words. A longer word stays whole: it may be a path.
fn wrapped(text: &str, width: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is a first line");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.join("\n")
}

/// Three things to try after a run.
pub(super) fn next() -> String {
    let try_next = [
        ("--mode managed-instances".to_owned(), "two at a time"),
        (format!("--env {}", *SETTING), "shorter events"),
        ("--keep".to_owned(), "read it yourself"),
    ];
    let lines = try_next.map(|(options, what)| {
        let command = format!("cargo xtask demo {options}");
        format!("  {command:<57} # {what}\n")
    });
    format!("Try next:\n{}", lines.concat())
}

/// Returns the same facts as one document.
pub(super) fn json(
    reports: &[Report],
    verification: &Verification,
    troubles: &[String],
) -> Result<String> {
    #[derive(Serialize)]
    struct Document<'a> {
        timeline: &'a [Report],
        verification: &'a Value,
        troubles: &'a [String],
    }
    let document = Document { timeline: reports, verification: &verification.facts, troubles };
    let json =
        serde_json::to_string_pretty(&document).context("the result cannot be written as JSON")?;
    Ok(terminal::json(&json).into_owned())
}

/// From this size on, kinesis-local may need more time than Lambda leaves to the extension.
const MUCH_BYTES: u64 = 1 << 20;
/// The size of an event without the line itself, roughly.
const ENVELOPE_BYTES: u64 = 160;

/// Returns a possible reason for missing events: settings that exclude events that the demo compares, or more telemetry than this
/// machine can handle.
pub(super) fn hint(options: &Options) -> Option<String> {
    let Options { lines, bytes, env, .. } = options;
    if let Some((name, value)) = env.first() {
        let hint = format!(
            "what --env sets ({name}={value}) may be the reason: the demo expects every event, \
             in the stream {STREAM}, and with its identity"
        );
        return Some(wrapped(&hint, NARROW));
    }
    let asked = u64::from(*lines) * (u64::from(*bytes) + ENVELOPE_BYTES);
    (asked > MUCH_BYTES).then(|| {
        let hint = format!(
            "{lines} lines of {bytes} bytes an invocation may be more than kinesis-local takes in the \
             seconds that Lambda leaves to the extension; with fewer lines it keeps up"
        );
        wrapped(&hint, NARROW)
    })
}

/// Returns the commands for a person while the emulator keeps running.
pub(super) fn how_to_read(stream: &str, environment: &[(&str, String)], id: i32) -> String {
    let export = |(name, value): &(&str, String)| match *name {
        // SDKs read the first variable; the AWS CLI reads only the second.
        "AWS_REGION" => format!("export AWS_REGION={value} AWS_DEFAULT_REGION={value}"),
        name => format!("export {name}={value}"),
    };
    let exports: Vec<String> = environment.iter().map(export).collect();
    format!(
        "kinesis-local goes on running as process {id}; end it with\n  \
           kill {id}\n\
         read the stream with\n  \
           {}\n  \
           cargo run --quiet --package kinesis-telemetry-stream -- read --stream {stream}\n\
         or, once it is built with cargo xtask build --cli, with\n  \
           kinesis-telemetry tail --stream {stream} --since 1h\n\
         or with the AWS CLI (its Data is base64)\n  \
           aws kinesis get-records --shard-iterator \"$(aws kinesis get-shard-iterator \\\n    \
             --stream-name {stream} --shard-id shardId-000000000000 \\\n    \
             --shard-iterator-type TRIM_HORIZON --query ShardIterator --output text)\"",
        exports.join("\n  ")
    )
}

#[cfg(test)]
mod tests {
    use super::{NARROW, Options, SETTING, hint, how_to_read, next, wrapped};

    #[test]
    fn only_a_request_for_much_telemetry_is_named_as_a_possible_reason() {
        let with =
            |lines, bytes| hint(&Options { invocations: 1, lines, bytes, ..Options::default() });
        assert_eq!(with(10, 120), None);
        assert_eq!(with(1000, 120), None);
        assert!(with(100_000, 120).unwrap().starts_with("100000 lines of 120 bytes an invocation"));
        assert!(with(100_000, 262_144).is_some());
    }

    #[test]
    fn every_text_for_people_fits_a_narrow_terminal() {
        let environment = [
            ("AWS_ENDPOINT_URL_KINESIS", "http://127.0.0.1:65535".to_owned()),
            ("AWS_REGION", "eu-central-1".to_owned()),
        ];
        let read = how_to_read("demo", &environment, 4_194_304);
        let much = Options { lines: 100_000, bytes: 262_144, ..Options::default() };
        for text in [next(), read, hint(&much).unwrap()] {
            for line in text.lines() {
                assert!(line.chars().count() <= NARROW, "{line}");
            }
        }
    }

    #[test]
    fn variables_that_were_set_are_named_as_a_possible_reason() {
        let env = vec![("ENVELOPE".to_owned(), "none".to_owned())];
        let hint = hint(&Options { env, ..Options::default() }).unwrap();
        assert!(hint.contains("--env sets (ENVELOPE=none)"), "{hint}");
    }

    #[test]
    fn the_region_is_exported_under_both_of_its_names() {
        let read = how_to_read("demo", &[("AWS_REGION", "eu-west-1".to_owned())], 7);
        let export = "  export AWS_REGION=eu-west-1 AWS_DEFAULT_REGION=eu-west-1\n";
        assert!(read.contains(export), "{read}");
    }

    #[test]
    fn three_commands_are_there_to_try_next() {
        let next = next();
        assert_eq!(next.matches("\n  cargo xtask demo --").count(), 3, "{next}");
        assert!(next.contains(SETTING.as_str()), "{next}");
    }

    #[test]
    fn a_text_breaks_between_words_and_a_long_word_stays_whole() {
        assert_eq!(wrapped("one two three", 7), "one two\nthree");
        assert_eq!(wrapped("see /a/long/path now", 8), "see\n/a/long/path\nnow");
    }
}
