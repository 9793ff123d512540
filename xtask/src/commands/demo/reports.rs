//! Reads the sandbox's reports, and finds problems in them. Pure.

use anyhow::{Context, Result};
use kinesis_telemetry_terminal::{beginning, plain};
use serde::{Deserialize, Serialize};

use super::Options;

/// The number of characters of a response that are quoted; the JSON has all of it.
const QUOTED: usize = 200;

/// A line of the sandbox's stdout.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "report", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub(super) enum Report {
    Init {
        status: String,
        /// The error type, such as `Extension.Crash`.
        #[serde(skip_serializing_if = "Option::is_none")]
        error_type: Option<String>,
        duration_ms: f64,
    },
    Invocation {
        n: u32,
        request_id: String,
        status: String,
        /// The error type, such as `Runtime.ExitError`.
        #[serde(skip_serializing_if = "Option::is_none")]
        error_type: Option<String>,
        /// RFC 3339.
        start_time: String,
        /// The duration of the restore from a snapshot before it.
        #[serde(skip_serializing_if = "Option::is_none")]
        restore_ms: Option<f64>,
        /// The time from the start until the function had finished or was killed.
        function_ms: f64,
        /// The time from then until the extension called `next` or was killed.
        extension_ms: f64,
        /// The function's response, or the platform's message in its place.
        response: String,
    },
    Shutdown {
        reason: String,
        duration_ms: f64,
        exits: Vec<Exit>,
    },
}

/// The end of an extension's process.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Exit {
    name: String,
    /// None if a signal ended it.
    code: Option<i32>,
    duration_ms: f64,
}

pub(super) fn parse(line: &str) -> Result<Report> {
    serde_json::from_str(line)
        .with_context(|| format!("the sandbox printed a line that is not a report: {line}"))
}

/// Returns all problems, one sentence each.
pub(super) fn troubles(reports: &[Report], options: &Options) -> Vec<String> {
    let mut troubles = Vec::new();
    let mut invocations = 0;
    let mut shut_down = false;
    for report in reports {
        match report {
            Report::Init { status, error_type, .. } if status != "success" => {
                let how = how(status, error_type.as_deref());
                troubles.push(format!("the environment did not start: {how}"));
            }
            Report::Init { .. } => {}
            Report::Invocation { n, status, error_type, response, .. } => {
                invocations += 1;
                let wanted = if options.fail && *n == 1 { "error" } else { "success" };
                if status != wanted {
                    let how = how(status, error_type.as_deref());
                    let got = cut(response);
                    troubles.push(format!(
                        "invocation {n} ended with {how}, not {wanted}; the caller got: {got}"
                    ));
                }
            }
            Report::Shutdown { exits, .. } => {
                shut_down = true;
                troubles.extend(exits.iter().filter_map(Exit::trouble));
            }
        }
    }
    if invocations != options.invocations {
        troubles.push(format!("{invocations} of {} invocations were made", options.invocations));
    }
    if !shut_down {
        troubles.push("the environment was not shut down".to_owned());
    }
    troubles
}

/// Returns the status in one word, and the platform's error type if there is one.
fn how(status: &str, error_type: Option<&str>) -> String {
    // The function chooses the name of its error.
    error_type.map_or_else(|| status.to_owned(), |error| format!("{status} ({})", plain(error)))
}

/// The beginning of a text, in one line.
fn cut(text: &str) -> String {
    // The function wrote it.
    let line = beginning(text, QUOTED);
    if line.trim().is_empty() { "empty".to_owned() } else { line }
}

impl Exit {
    fn trouble(&self) -> Option<String> {
        match self.code {
            Some(0) => None,
            Some(code) => Some(format!("{} exited with code {code}", self.name)),
            None => Some(format!("{} was ended by a signal", self.name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Report, parse, troubles};
    use crate::commands::demo::Options;

    const INIT: &str = r#"{"report":"init","status":"success","durationMs":12.3}"#;
    const INVOCATION: &str = r#"{"report":"invocation","n":1,"requestId":"r1","status":"success","startTime":"2026-11-22T20:00:00.123Z","functionMs":12.1,"extensionMs":104.2,"response":"{\"lines\":10}"}"#;
    const SHUTDOWN: &str = r#"{"report":"shutdown","reason":"spindown","durationMs":231.0,"exits":[{"name":"x","code":0,"durationMs":230.1}]}"#;

    fn once(fail: bool) -> Options {
        Options { invocations: 1, fail, ..Options::default() }
    }

    fn found(lines: &[&str], options: &Options) -> Vec<String> {
        let reports: Vec<Report> = lines.iter().map(|line| parse(line).unwrap()).collect();
        troubles(&reports, options)
    }

    #[test]
    fn a_run_without_trouble_has_none() {
        assert!(found(&[INIT, INVOCATION, SHUTDOWN], &once(false)).is_empty());
    }

    #[test]
    fn a_function_that_should_fail_must_fail() {
        assert_eq!(
            found(&[INIT, INVOCATION, SHUTDOWN], &once(true)),
            [r#"invocation 1 ended with success, not error; the caller got: {"lines":10}"#]
        );
    }

    #[test]
    fn only_the_first_invocation_should_fail() {
        let failed = INVOCATION.replace(r#""status":"success""#, r#""status":"error""#);
        let second = |line: &str| line.replace("\"n\":1", "\"n\":2");
        let options = Options { invocations: 2, ..once(true) };
        assert!(found(&[INIT, &failed, &second(INVOCATION), SHUTDOWN], &options).is_empty());
        let troubles = found(&[INIT, &failed, &second(&failed), SHUTDOWN], &options);
        assert!(troubles[0].starts_with("invocation 2 ended with error, not success"));
    }

    #[test]
    fn a_failure_is_told_by_its_name_and_by_what_the_caller_got() {
        let failed = INVOCATION.replace(
            r#""status":"success""#,
            r#""status":"error","errorType":"Runtime.ExitError""#,
        );
        let with = |response: &str| {
            let line = failed.replace(r#""{\"lines\":10}""#, &format!("{response:?}"));
            found(&[INIT, &line, SHUTDOWN], &once(false)).concat()
        };
        let told =
            "invocation 1 ended with error (Runtime.ExitError), not success; the caller got: ";
        assert_eq!(with("exit status 1\n"), format!("{told}exit status 1 "));
        assert_eq!(with(""), format!("{told}empty"));
        assert_eq!(with(&"ü".repeat(300)), format!("{told}{}…", "ü".repeat(200)));
    }

    #[test]
    fn an_environment_that_does_not_start_is_told_by_its_name() {
        let init = INIT
            .replace(r#""status":"success""#, r#""status":"error","errorType":"Extension.Crash""#);
        assert_eq!(
            found(&[&init, INVOCATION, SHUTDOWN], &once(false)),
            ["the environment did not start: error (Extension.Crash)"]
        );
    }

    #[test]
    fn what_is_not_reported_did_not_happen() {
        assert_eq!(
            found(&[INIT], &once(false)),
            ["0 of 1 invocations were made", "the environment was not shut down"]
        );
    }

    #[test]
    fn an_extension_that_ends_badly_is_named() {
        let code = SHUTDOWN.replace("\"code\":0", "\"code\":70");
        let killed = SHUTDOWN.replace("\"code\":0", "\"code\":null");
        let with = |shutdown: &str| found(&[INIT, INVOCATION, shutdown], &once(false));
        assert_eq!(with(&code), ["x exited with code 70"]);
        assert_eq!(with(&killed), ["x was ended by a signal"]);
    }

    #[test]
    fn a_line_that_is_no_report_is_quoted() {
        let error = parse("hello").unwrap_err().to_string();
        assert_eq!(error, "the sandbox printed a line that is not a report: hello");
    }
}
