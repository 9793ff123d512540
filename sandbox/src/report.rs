//! What happened, for tests and for the person who watches.

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

/// How something ended, in the platform's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should.
    Success,
    /// The function, the runtime or an extension failed.
    Error,
    /// The time was over.
    Timeout,
}

/// The init phase.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Init {
    /// How it ended.
    pub status: Status,
    /// `Extension.Crash`, say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_type: Option<String>,
    /// What is wrong, for people, where there is more to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// How long it took, in milliseconds.
    pub duration_ms: f64,
}

/// An invocation.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Invocation {
    /// 1 for the first.
    pub n: u64,
    /// Its request.
    pub request_id: String,
    /// How it ended.
    pub status: Status,
    /// `Runtime.ExitError`, say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_type: Option<String>,
    /// What is wrong, for people, where there is more to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When it began: UTC, milliseconds.
    pub start_time: String,
    /// How long the restore from a snapshot took that came before it, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restore_ms: Option<f64>,
    /// From the beginning until the function had finished, in milliseconds.
    pub function_ms: f64,
    /// From there until every extension had called `next`, in milliseconds: what they add to the billed duration.
    pub extension_ms: f64,
    /// What the function answered, be it a result or an error.
    pub response: String,
}

/// The shutdown phase.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shutdown {
    /// `spindown`, `timeout` or `failure`.
    pub reason: String,
    /// How long it took, in milliseconds.
    pub duration_ms: f64,
    /// How each extension ended.
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
    /// From the SHUTDOWN event to its end, in milliseconds.
    pub duration_ms: f64,
}
