//! Reports of what happened, for tests and for people.

use serde::Serialize;

/// One thing that happened, as the program prints it.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "report", rename_all = "lowercase")]
pub enum Report {
    /// The environment was initialised.
    Init(Init),
    /// The function was invoked.
    Invocation(Invocation),
    /// The environment was shut down.
    Shutdown(Shutdown),
}

/// The status of a phase, in the platform's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The phase succeeded.
    Success,
    /// The function, the runtime or an extension failed.
    Error,
    /// The time limit was exceeded.
    Timeout,
}

/// The init phase.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Init {
    /// The status of the init phase.
    pub status: Status,
    /// The error type, such as `Extension.Crash`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_type: Option<String>,
    /// The problem in words, if there is more to say than the status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The duration in milliseconds.
    pub duration_ms: f64,
}

/// An invocation.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Invocation {
    /// The number of the invocation, from 1.
    pub n: u64,
    /// The id of the request.
    pub request_id: String,
    /// The status of the invocation.
    pub status: Status,
    /// The error type, such as `Runtime.ExitError`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_type: Option<String>,
    /// The problem in words, if there is more to say than the status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The start of the invocation: UTC, milliseconds.
    pub start_time: String,
    /// The duration of the restore from a snapshot before the invocation, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restore_ms: Option<f64>,
    /// The time from the start until the function had finished, in milliseconds.
    pub function_ms: f64,
    /// The time from there until every extension had called `next`, in milliseconds: what extensions add to the billed
    /// duration.
    pub extension_ms: f64,
    /// The function's response: a result or an error.
    pub response: String,
}

/// The shutdown phase.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shutdown {
    /// `spindown`, `timeout` or `failure`.
    pub reason: String,
    /// The duration in milliseconds.
    pub duration_ms: f64,
    /// The end of each extension.
    pub exits: Vec<Exit>,
}

/// The end of an extension.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Exit {
    /// Its name.
    pub name: String,
    /// Its exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// The time from the SHUTDOWN event to the extension's end, in milliseconds.
    pub duration_ms: f64,
}
