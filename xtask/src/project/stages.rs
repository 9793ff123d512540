//! The stages that can be deployed, and their differences.

use extension_spec::Metrics;

/// This file, as the compiler names it.
pub(crate) const DECLARED_IN: &str = file!();

/// The settings of a deployment for one purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stage {
    /// The name that people type.
    pub(crate) name: &'static str,
    /// A sentence that says what it is for.
    pub(crate) doc: &'static str,
    /// True if the stream outlives its stack. (Layer versions always do: functions hold their ARNs.)
    pub(crate) retained: bool,
    /// True if a key of the account encrypts the stream, otherwise the one that AWS manages.
    pub(crate) customer_key: bool,
    /// The retention of the stream. Kinesis API reference, `RetentionPeriodHours`: 24 to 8,760.
    pub(crate) retention_hours: u32,
    /// True if alarms notify a topic.
    pub(crate) alarm_topic: bool,
    /// Which metrics functions of the stage send, each of which is billed; alarms on them are made of what there is.
    pub(crate) metrics: Metrics,
    /// Minutes between two checks that no event is missing in the stream; `None` for no checks. Each reads the stream, which is
    /// billed.
    pub(crate) completeness_minutes: Option<u32>,
}

/// All stages. Each has an on-demand stream, so that the number of shards needs no planning.
pub(crate) static STAGES: [Stage; 2] = [
    Stage {
        name: "dev",
        doc: "For trying out: gone with its stack.",
        retained: false,
        customer_key: false,
        retention_hours: 24,
        alarm_topic: false,
        metrics: Metrics::Off,
        completeness_minutes: None,
    },
    Stage {
        name: "prod",
        doc: "For production: data outlives the stack, and alarms notify a topic.",
        retained: true,
        customer_key: true,
        retention_hours: 72,
        alarm_topic: true,
        metrics: Metrics::All,
        completeness_minutes: Some(15),
    },
];

/// Returns the stage of this name.
pub(crate) fn named(name: &str) -> Option<&'static Stage> {
    STAGES.iter().find(|it| it.name == name)
}

/// Returns the names of all stages.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    STAGES.iter().map(|it| it.name)
}
