//! The extension's own lines in a function's log group in CloudWatch Logs.

mod message;

use std::time::Duration;

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::error::ProvideErrorMetadata as _;
use aws_sdk_cloudwatchlogs::operation::filter_log_events::FilterLogEventsError;
use aws_sdk_lambda::types::LoggingConfig;
use extension_spec::LOG_PREFIX;
use kinesis_telemetry_stream::Aws;
use serde::Serialize;
use tokio::time::{Instant, sleep, timeout_at};

use crate::age::now_ms;
pub(crate) use message::{Level, Message};
use message::{Line, grouped};

/// Longest time for all pages together. CloudWatch Logs may return empty pages while it searches.
const LIMIT: Duration = Duration::from_secs(9);
/// Time until the next attempt after throttling.
const PAUSE: Duration = Duration::from_secs(1);
/// Largest number of pages that are read.
const PAGES: usize = 20;
/// Largest number of lines that are read.
const LINES: usize = 300;

/// The extension's log lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OwnLines {
    /// The log group.
    pub(crate) group: String,
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
}

/// The result of reading a log group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "outcome")]
pub(crate) enum Outcome {
    /// The log group was read.
    #[serde(rename_all = "camelCase")]
    Read {
        /// The distinct messages, the newest first.
        messages: Vec<Message>,
        /// True if there are more lines than were read.
        is_partial: bool,
    },
    /// The log group does not exist: the function has not logged anything yet.
    Missing,
    /// The class of the log group, such as `INFREQUENT_ACCESS` or `DELIVERY`, does not allow this search.
    Unsearchable {
        /// The error message of CloudWatch Logs.
        why: String,
    },
    /// The log group could not be read.
    Unreadable {
        /// The reason, with the permission if one is missing.
        why: String,
    },
}

impl OwnLines {
    /// Returns true if the log group was read, or does not exist.
    pub(crate) fn is_read(&self) -> bool {
        !matches!(self.outcome, Outcome::Unreadable { .. })
    }
}

/// Returns the log group of a function.
pub(crate) fn group_of(name: &str, logging: Option<&LoggingConfig>) -> String {
    let group = logging.and_then(|it| it.log_group()).filter(|it| !it.is_empty());
    group.map_or_else(|| format!("/aws/lambda/{name}"), str::to_owned)
}

/// Reads the lines that the extension wrote in the last `before_now`.
pub(crate) async fn read(group: &str, before_now: Duration, aws: &Aws) -> OwnLines {
    let client = Client::new(&aws.config);
    let now = now_ms();
    let start = now.saturating_sub(i64::try_from(before_now.as_millis()).unwrap_or(i64::MAX));
    let until = Instant::now() + LIMIT;
    let (mut lines, mut token, mut pages) = (Vec::new(), None::<String>, 0);
    let is_partial = loop {
        let request = client.filter_log_events().log_group_name(group);
        let request = request.filter_pattern(format!("\"{LOG_PREFIX}\"")).start_time(start);
        // The newest lines first, because there may be too many older ones.
        let request = request.start_from_head(false).set_next_token(token.clone());
        let page = match timeout_at(until, request.send()).await {
            Ok(Ok(page)) => page,
            Ok(Err(error))
                if error
                    .as_service_error()
                    .is_some_and(FilterLogEventsError::is_resource_not_found_exception) =>
            {
                return OwnLines { group: group.to_owned(), outcome: Outcome::Missing };
            }
            // "The log group … is of log-group-class …", which the SDK does not model.
            Ok(Err(error)) if error.code() == Some("InvalidOperationException") => {
                let why = error.message().unwrap_or("its class does not allow it").to_owned();
                return OwnLines {
                    group: group.to_owned(),
                    outcome: Outcome::Unsearchable { why },
                };
            }
            // CloudWatch Logs allows only a few of these calls a second.
            Ok(Err(error))
                if error.code() == Some("ThrottlingException") && Instant::now() < until =>
            {
                sleep(PAUSE).await;
                continue;
            }
            Err(_) if pages > 0 => break true,
            Err(_) => {
                let why = format!(
                    "reading the log group {group} takes longer than {1} s at {0}",
                    aws.place("CLOUDWATCH_LOGS"),
                    LIMIT.as_secs()
                );
                return OwnLines { group: group.to_owned(), outcome: Outcome::Unreadable { why } };
            }
            Ok(Err(error)) => {
                let doing = format!("reading the log group {group}");
                let why = aws.explain(&doing, "logs:FilterLogEvents", &error);
                let outcome = Outcome::Unreadable { why: format!("{why:#}") };
                return OwnLines { group: group.to_owned(), outcome };
            }
        };
        pages += 1;
        for event in page.events() {
            let at_ms = event.timestamp().unwrap_or(now);
            lines.extend(event.message().and_then(|text| Line::of(text, at_ms)));
        }
        let next = page.next_token.filter(|it| !it.is_empty() && token.as_ref() != Some(it));
        if next.is_none() {
            break lines.len() > LINES;
        }
        if pages == PAGES || lines.len() >= LINES {
            break true;
        }
        token = next;
    };
    lines.sort_by_key(|it| std::cmp::Reverse(it.at_ms));
    lines.truncate(LINES);
    let outcome = Outcome::Read { messages: grouped(lines), is_partial };
    OwnLines { group: group.to_owned(), outcome }
}
