//! Names of the metrics that several rooms must know: the extension prints them, alarms and the dashboard read them.

/// The file in which they are said, as the compiler names it.
pub const DECLARED_IN: &str = file!();

/// The namespace of all our metrics.
pub const NAMESPACE: &str = "KinesisTelemetry";
/// Events that were numbered and taken in.
pub const RECEIVED: &str = "Received";
/// Events that Kinesis has taken.
pub const DELIVERED: &str = "Delivered";
/// Events that were given up.
pub const SHED: &str = "Shed";
/// From the arrival of a record's oldest event to its acknowledgement, in milliseconds.
pub const DELIVERY_LAG: &str = "DeliveryLag";
/// Log lines that Lambda itself has dropped. Only with all metrics.
pub const LOGS_DROPPED: &str = "LogsDropped";
/// Events that are missing in the stream without an explanation, and events that conflict with one of the same number. `kinesis-telemetry completeness` and the function that a
/// deployment can schedule measure it, with the dimension [`STREAM`].
pub const MISSING_EVENTS: &str = "MissingEvents";
/// The dimension that names a stream.
pub const STREAM: &str = "Stream";
