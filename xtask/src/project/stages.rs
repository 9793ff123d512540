//! The stages that the project can be deployed to, and in what they differ.

/// The file in which the stages are said, as the compiler names it.
pub(super) const DECLARED_IN: &str = file!();

/// One deployment of everything, for one purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stage {
    /// As people type it.
    pub(super) name: &'static str,
    /// A sentence that says what it is for.
    pub(super) doc: &'static str,
    /// Whether the stream outlives its stack. (Layer versions always do: functions hold their ARNs.)
    pub(super) retained: bool,
    /// Whether the stream is encrypted with a key of the account's own. Otherwise with the one that AWS manages.
    pub(super) customer_key: bool,
    /// How long the stream keeps a record. Kinesis API reference, `RetentionPeriodHours`: 24 to 8,760.
    pub(super) retention_hours: u32,
    /// Whether alarms tell somebody, through a topic.
    pub(super) alarm_topic: bool,
}

/// All of them. The stream is on demand in each: nobody has to know how many shards telemetry takes.
pub(super) const STAGES: [Stage; 2] = [
    Stage {
        name: "dev",
        doc: "For trying out: gone with its stack.",
        retained: false,
        customer_key: false,
        retention_hours: 24,
        alarm_topic: false,
    },
    Stage {
        name: "prod",
        doc: "For functions that matter: nothing is lost by mistake, and somebody is told.",
        retained: true,
        customer_key: true,
        retention_hours: 72,
        alarm_topic: true,
    },
];
