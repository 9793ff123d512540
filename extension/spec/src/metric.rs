//! Names of metrics that several parts of the project use: the extension prints them, alarms and the dashboard read
//! them.

/// The path of this file, as the compiler states it.
pub const DECLARED_IN: &str = file!();

/// The namespace of all metrics of the extension.
pub const NAMESPACE: &str = "KinesisTelemetry";
/// Events that the extension received and numbered.
pub const RECEIVED: &str = "Received";
/// Events that Kinesis acknowledged.
pub const DELIVERED: &str = "Delivered";
/// Events that the extension discarded.
pub const SHED: &str = "Shed";
/// The time from the arrival of a record's oldest event to its acknowledgement, in milliseconds.
pub const DELIVERY_LAG: &str = "DeliveryLag";
/// Log lines that Lambda itself dropped. It is published only with `METRICS=all`.
pub const LOGS_DROPPED: &str = "LogsDropped";
/// Events that are missing in the stream without an explanation, and events that conflict with another one of the same
/// number. `kinesis-telemetry completeness` and the scheduled completeness function measure it, with the dimension
/// [`STREAM`].
pub const MISSING_EVENTS: &str = "MissingEvents";
/// The dimension that names a stream.
pub const STREAM: &str = "Stream";
