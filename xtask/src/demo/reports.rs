//! What the sandbox reports while it works, and what of it is not as it should be. Pure.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::Options;

/// A line of the sandbox's stdout.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "report", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub(super) enum Report {
    Init {
        status: String,
        duration_ms: f64,
    },
    Invocation {
        n: u32,
        request_id: String,
        status: String,
        /// RFC 3339.
        start_time: String,
        /// From the start until the function was done; absent if it never was.
        function_ms: Option<f64>,
        /// From then until the extension asked for the next event; absent if it never did.
        extension_ms: Option<f64>,
    },
    Shutdown {
        reason: String,
        duration_ms: f64,
        exits: Vec<Exit>,
    },
}

/// How an extension's process ended.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Exit {
    name: String,
    /// Absent if it was killed.
    code: Option<i32>,
    duration_ms: f64,
}

pub(super) fn parse(line: &str) -> Result<Report> {
    serde_json::from_str(line)
        .with_context(|| format!("the sandbox reports what is no report: {line}"))
}

/// Everything that did not go as it should, a sentence each.
pub(super) fn troubles(reports: &[Report], options: &Options) -> Vec<String> {
    let wanted = if options.fail { "error" } else { "success" };
    let mut troubles = Vec::new();
    let mut invocations = 0;
    let mut shut_down = false;
    for report in reports {
        match report {
            Report::Init { status, .. } if status != "success" => {
                troubles.push(format!("the environment did not start: {status}"));
            }
            Report::Init { .. } => {}
            Report::Invocation { n, status, .. } => {
                invocations += 1;
                if status != wanted {
                    troubles.push(format!("invocation {n} ended with {status}, not {wanted}"));
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

impl Exit {
    fn trouble(&self) -> Option<String> {
        match self.code {
            Some(0) => None,
            Some(code) => Some(format!("{} exited with code {code}", self.name)),
            None => Some(format!("{} had to be killed", self.name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Report, parse, troubles};
    use crate::demo::Options;

    const INIT: &str = r#"{"report":"init","status":"success","durationMs":12.3}"#;
    const INVOCATION: &str = r#"{"report":"invocation","n":1,"requestId":"r1","status":"success","startTime":"2026-11-22T20:00:00.123Z","functionMs":12.1,"extensionMs":104.2}"#;
    const SHUTDOWN: &str = r#"{"report":"shutdown","reason":"spindown","durationMs":231.0,"exits":[{"name":"x","code":0,"durationMs":230.1}]}"#;

    fn once(fail: bool) -> Options {
        Options {
            invocations: 1,
            lines: 0,
            bytes: 0,
            format: "text".to_owned(),
            fail,
            json: false,
            keep: false,
        }
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
            ["invocation 1 ended with success, not error"]
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
        assert_eq!(with(&killed), ["x had to be killed"]);
    }

    #[test]
    fn a_line_that_is_no_report_is_quoted() {
        let error = parse("hello").unwrap_err().to_string();
        assert_eq!(error, "the sandbox reports what is no report: hello");
    }
}
