//! The events of the platform, as Lambda words them, and log lines as events.
//!
//! Pure. Source: Lambda Developer Guide, "Lambda Telemetry API Event schema reference", and captures.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::subscription::Subscription;
use crate::clock::{ms, timestamp};
use crate::options::{LogFormat, Mode, Options};
use crate::report::Status;

/// The kind of an event; extensions subscribe to these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Category {
    Platform,
    Function,
    Extension,
}

impl Category {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Function => "function",
            Self::Extension => "extension",
        }
    }
}

/// An event, before it is worded for a subscriber.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) category: Category,
    pub(crate) name: &'static str,
    pub(crate) time: SystemTime,
    pub(crate) record: Record,
}

/// The content of an event.
#[derive(Clone, Debug)]
pub(crate) enum Record {
    /// A platform event.
    Json(Value),
    /// A line that a process printed.
    Line(String),
    /// A whole event as text, valid or not.
    Whole(String),
}

impl Event {
    pub(crate) fn line(category: Category, line: String) -> Self {
        Self {
            category,
            name: category.as_str(),
            time: SystemTime::now(),
            record: Record::Line(line),
        }
    }

    /// Returns an event of an unknown type.
    pub(crate) fn whole(text: &str) -> Self {
        let record = Record::Whole(text.to_owned());
        Self { category: Category::Platform, name: "", time: SystemTime::now(), record }
    }

    fn platform(name: &'static str, record: Value) -> Self {
        let record = Record::Json(record);
        Self { category: Category::Platform, name, time: SystemTime::now(), record }
    }

    /// The event's JSON text for a subscriber. A line that is JSON stays a string in the first schema, in text format,
    /// and (as AWS's emulator has it) on managed instances.
    pub(crate) fn text(&self, options: &Options, subscription: &Subscription) -> String {
        let record = match &self.record {
            Record::Whole(text) => return text.clone(),
            Record::Json(value) => value.to_string(),
            Record::Line(line) => {
                let parses = options.log_format == LogFormat::Json
                    && options.mode != Mode::ManagedInstances
                    && subscription.schema_version != "2022-07-01"
                    && serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok();
                if parses { line.trim().to_owned() } else { Value::from(line.as_str()).to_string() }
            }
        };
        let time = timestamp(self.time);
        format!(r#"{{"time":"{time}","type":"{}","record":{record}}}"#, self.name)
    }
}

/// Adds the tenant of the environment, if the function isolates tenants.
fn with_tenant(mut record: Value, options: &Options) -> Value {
    if let Some(tenant) = &options.tenant {
        record["tenantId"] = tenant.as_str().into();
    }
    record
}

/// Adds the error type, if there is one.
fn with_error(mut record: Value, error_type: Option<&str>) -> Value {
    if let Some(error_type) = error_type {
        record["errorType"] = error_type.into();
    }
    record
}

pub(crate) fn init_start(options: &Options, log_stream: &str, phase: &str) -> Event {
    let mut record = environment(options, log_stream);
    record["initializationType"] = options.mode.initialization_type().into();
    record["phase"] = phase.into();
    Event::platform("platform.initStart", record)
}

/// The description of an environment when it begins.
fn environment(options: &Options, log_stream: &str) -> Value {
    json!({
        "runtimeVersion": "",
        "runtimeVersionArn": "",
        "functionName": options.function_name,
        "functionVersion": options.function_version,
        "instanceId": log_stream,
        "instanceMaxMemory": u64::from(options.memory_mb) * 1024 * 1024,
    })
}

pub(crate) fn init_runtime_done(
    options: &Options,
    phase: &str,
    status: Status,
    error_type: Option<&str>,
) -> Event {
    let record = json!({
        "initializationType": options.mode.initialization_type(), "phase": phase, "status": status,
    });
    Event::platform("platform.initRuntimeDone", with_error(record, error_type))
}

pub(crate) fn init_report(
    options: &Options,
    phase: &str,
    status: Status,
    error_type: Option<&str>,
    duration: Duration,
) -> Event {
    let record = json!({
        "initializationType": options.mode.initialization_type(), "phase": phase, "status": status,
        "metrics": { "durationMs": ms(duration) },
    });
    Event::platform("platform.initReport", with_error(record, error_type))
}

pub(crate) fn extension(
    name: &str,
    state: &str,
    events: &[String],
    error_type: Option<&str>,
) -> Event {
    let record = json!({ "name": name, "state": state, "events": events });
    Event::platform("platform.extension", with_error(record, error_type))
}

pub(crate) fn subscribed(name: &str, types: &[String]) -> Event {
    Event::platform(
        "platform.telemetrySubscription",
        json!({ "name": name, "state": "Subscribed", "types": types }),
    )
}

pub(crate) fn start(options: &Options, request_id: &str) -> Event {
    let mut record = json!({ "requestId": request_id, "version": options.function_version });
    if options.mode == Mode::ManagedInstances || options.tenant.is_some() {
        record["functionArn"] = options.function_arn().into();
    }
    if let Some(trace) = &options.trace {
        record["tracing"] = json!({ "type": "X-Amzn-Trace-Id", "value": trace });
    }
    Event::platform("platform.start", with_tenant(record, options))
}

/// The end of the function's part in an invocation.
#[derive(Clone, Debug)]
pub(crate) struct Done<'a> {
    pub(crate) request_id: &'a str,
    pub(crate) status: Status,
    pub(crate) error_type: Option<String>,
    pub(crate) start: SystemTime,
    /// The time from the start until the response; none without a response.
    pub(crate) response: Option<Duration>,
    pub(crate) produced_bytes: usize,
    /// The time from the start until the runtime called `next`, or failed.
    pub(crate) function: Duration,
}

impl Done<'_> {
    fn spans(&self) -> Vec<Value> {
        let Some(response) = self.response else {
            return Vec::new();
        };
        let span = |name: &str, from: Duration, duration: Duration| json!({ "name": name, "start": timestamp(self.start + from), "durationMs": ms(duration) });
        vec![
            span("responseLatency", Duration::ZERO, response),
            span("responseDuration", response, Duration::ZERO),
            span("runtimeOverhead", response, self.function.saturating_sub(response)),
        ]
    }
}

pub(crate) fn runtime_done(options: &Options, done: &Done<'_>) -> Event {
    let mut record = json!({ "requestId": done.request_id, "status": done.status });
    if done.response.is_some() {
        record["spans"] = done.spans().into();
    }
    record["metrics"] =
        json!({ "durationMs": ms(done.function), "producedBytes": done.produced_bytes });
    let record = with_error(record, done.error_type.as_deref());
    Event::platform("platform.runtimeDone", with_tenant(record, options))
}

/// The init or restore before the first invocation, which is reported with its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    Init(Duration),
    Restore(Duration),
}

/// The end of an invocation, `extensions` after the end of the function.
pub(crate) fn report(
    options: &Options,
    done: &Done<'_>,
    extensions: Duration,
    before: Option<Before>,
) -> Event {
    let mut record = json!({ "requestId": done.request_id, "status": done.status });
    if options.mode == Mode::ManagedInstances {
        record["metrics"] = json!({ "durationMs": ms(done.function) });
        // Managed instances report no overhead of the runtime.
        let spans: Vec<Value> = done.spans().into_iter().take(2).collect();
        if !spans.is_empty() {
            record["spans"] = spans.into();
        }
    } else {
        let duration = done.function + extensions;
        record["metrics"] = json!({
            "durationMs": ms(duration),
            "billedDurationMs": u64::try_from(duration.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX),
            "memorySizeMB": options.memory_mb,
            "maxMemoryUsedMB": options.memory_mb,
        });
        match before {
            Some(Before::Init(it)) => record["metrics"]["initDurationMs"] = ms(it).into(),
            Some(Before::Restore(it)) => record["metrics"]["restoreDurationMs"] = ms(it).into(),
            None => {}
        }
        let start = timestamp(done.start + done.function);
        record["spans"] =
            json!([{ "name": "extensionOverhead", "start": start, "durationMs": ms(extensions) }]);
    }
    let record = with_error(record, done.error_type.as_deref());
    Event::platform("platform.report", with_tenant(record, options))
}

pub(crate) fn restore_start(options: &Options, log_stream: &str) -> Event {
    Event::platform("platform.restoreStart", environment(options, log_stream))
}

pub(crate) fn restore_runtime_done(status: Status, error_type: Option<&str>) -> Event {
    let record = json!({ "status": status });
    Event::platform("platform.restoreRuntimeDone", with_error(record, error_type))
}

pub(crate) fn restore_report(
    status: Status,
    error_type: Option<&str>,
    duration: Duration,
) -> Event {
    let record = json!({ "status": status, "metrics": { "durationMs": ms(duration) } });
    Event::platform("platform.restoreReport", with_error(record, error_type))
}

pub(crate) fn logs_dropped(records: u64, bytes: u64, reason: &str) -> Event {
    Event::platform(
        "platform.logsDropped",
        json!({ "droppedBytes": bytes, "droppedRecords": records, "reason": reason }),
    )
}
