//! Judges the log of an invocation of the function that verifies a layer. Pure.

use aws_sdk_lambda::operation::invoke::InvokeOutput;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use extension_spec::{EXTENSION_NAME, LOG_PREFIX, variable};
use kinesis_telemetry_terminal::plain;

/// The verdict about an invocation.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The invocation has initialised an environment, and the extension is ready.
    Works,
    /// The layer does not work, for this reason.
    Fails(String),
    /// The log, whose last line this is, does not name the extension, and contains no error.
    Silent(String),
}

/// Returns the verdict about an invocation.
pub(crate) fn judged(answer: &InvokeOutput, version: &str) -> Verdict {
    let log = answer.log_result().unwrap_or_default();
    let log = BASE64_STANDARD.decode(log).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    if let Some(error) = answer.function_error() {
        return Verdict::Fails(format!("{error}, and the log says: {}", plain(&log)));
    }
    judged_log(&log, version)
}

/// Returns the verdict about a log.
fn judged_log(log: &str, version: &str) -> Verdict {
    let fields =
        |line: &str| line.split('\t').map(str::trim).map(str::to_owned).collect::<Vec<_>>();
    let is_ours = |it: &Vec<String>| {
        it.first().is_some_and(|word| word == "EXTENSION")
            && it.contains(&format!("Name: {EXTENSION_NAME}"))
    };
    let state = log.lines().map(fields).find(is_ours);
    let is_ready = |state: &Vec<String>| state.contains(&"State: Ready".to_owned());
    let crash = log.lines().find(|it| it.contains("Extension."));
    if crash.is_some() || !state.as_ref().is_none_or(is_ready) {
        let state = state.map(|it| it.join(" "));
        let line = state.as_deref().or(crash).unwrap_or_default();
        return Verdict::Fails(format!("the extension is not ready: {}", plain(line)));
    }
    // The function has no stream, so the extension says that it delivers nothing.
    let own = log.lines().filter(|it| it.contains(LOG_PREFIX));
    for line in own {
        if line.contains(" ERROR ") && !line.contains(variable::STREAM) {
            return Verdict::Fails(format!("the extension logs an error: {}", plain(line)));
        }
        if line.contains("(version ") && !line.contains(&format!("(version {version})")) {
            return Verdict::Fails(format!("the extension is not {version}: {}", plain(line)));
        }
    }
    match state {
        Some(_) => Verdict::Works,
        None => Verdict::Silent(plain(log.lines().last().unwrap_or("(nothing)")).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Verdict, judged_log};

    const READY: &str = "START RequestId: 1 Version: $LATEST\nEXTENSION\tName: kinesis-telemetry-extension\tState: Ready\tEvents: [INVOKE, SHUTDOWN]\n";

    fn refused(log: &str, version: &str) -> String {
        match judged_log(log, version) {
            Verdict::Fails(why) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_log_without_the_extension_proves_nothing() {
        let silent = |log: &str| judged_log(log, "1.2.3");
        assert_eq!(silent(""), Verdict::Silent("(nothing)".to_owned()));
        let warm = "START RequestId: 2 Version: $LATEST\nEND RequestId: 2\n";
        assert_eq!(silent(warm), Verdict::Silent("END RequestId: 2".to_owned()));
        let other = READY.replace("kinesis-telemetry-extension", "other");
        assert!(matches!(silent(&other), Verdict::Silent(_)));
    }

    #[test]
    fn a_log_with_the_extension_ready_is_accepted() {
        assert_eq!(judged_log(READY, "1.2.3"), Verdict::Works);
        let no_stream = "[kinesis-telemetry-extension] ERROR no telemetry is delivered: no stream is configured; set KINESIS_TELEMETRY_STREAM to (version 1.2.3)\n";
        let log = format!("{READY}{no_stream}");
        assert_eq!(judged_log(&log, "1.2.3"), Verdict::Works);
        let other = refused(&log, "1.2.4");
        assert!(other.starts_with("the extension is not 1.2.4"), "{other}");
    }

    #[test]
    fn a_log_of_a_broken_layer_is_refused() {
        let of = |log: &str| refused(log, "1.2.3");
        let failed = READY.replace("Ready", "LaunchError");
        assert!(of(&failed).starts_with("the extension is not ready"));
        let crashed = format!("{READY}RequestId: 1 Error: exit code 1 Extension.Crash\n");
        assert!(of(&crashed).starts_with("the extension is not ready"));
        let crashed_later = "RequestId: 1 Error: exit code 1 Extension.Crash\n";
        assert!(of(crashed_later).starts_with("the extension is not ready: RequestId: 1"));
        let error = format!("{READY}[kinesis-telemetry-extension] ERROR something else\n");
        assert!(of(&error).starts_with("the extension logs an error"));
    }
}
