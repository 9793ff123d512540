//! Members that the extension adds to the events that Lambda generates.

/// The path of this file, as the compiler states it.
pub const DECLARED_IN: &str = file!();

/// A member of an event, or of its `source`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The name, with a leading dot if it is a member of `source`.
    pub name: &'static str,
    /// The JSON type.
    pub json: &'static str,
    /// True if every event has it. For a member of `source`: true if every `source` of an event that Lambda generated
    /// has it.
    pub always: bool,
    /// Sentences that explain the member.
    pub doc: &'static str,
}

/// The members of an event, in their order. Lambda may add others before `source`.
pub const FIELDS: &[Field] = &[
    Field {
        name: "time",
        json: "string",
        always: false,
        doc: "When Lambda generated the event: RFC 3339, UTC, milliseconds. Parts have no time.",
    },
    Field {
        name: "type",
        json: "string",
        always: false,
        doc: "`function`, `extension`, `platform.…`, or `kinesis-telemetry.…` for events that the extension adds. Lambda always sets it.",
    },
    Field {
        name: "record",
        json: "any",
        always: false,
        doc: "A log line (a string, or an object with JSON logs), or the platform's data. In a part: a piece of the event's own JSON text.",
    },
    Field {
        name: "source",
        json: "object",
        always: true,
        doc: "The event's origin and number. Always the last member.",
    },
    Field { name: ".function", json: "string", always: true, doc: "Name of the function." },
    Field {
        name: ".version",
        json: "string",
        always: true,
        doc: "Version of the function, `$LATEST` if it is not a published one.",
    },
    Field {
        name: ".tenantId",
        json: "string",
        always: false,
        doc: "The tenant that the environment serves, if the function uses tenant isolation.",
    },
    Field {
        name: ".account",
        json: "string",
        always: false,
        doc: "The function's account, if `LABELS` names it. Custom labels follow, under their names.",
    },
    Field {
        name: ".region",
        json: "string",
        always: false,
        doc: "The function's region, if `LABELS` names it.",
    },
    Field {
        name: ".instance",
        json: "string",
        always: true,
        doc: "The extension process that numbered the event. Each process has a new id.",
    },
    Field {
        name: ".seq",
        json: "number",
        always: true,
        doc: "Counts 1, 2, 3 … within `instance`, without gaps. `instance` and `seq` (and `part`) are the event's identity.",
    },
    Field {
        name: ".requestId",
        json: "string",
        always: false,
        doc: "The invocation that a log line belongs to, if the line does not name it and the platform's times identify it without doubt.",
    },
    Field { name: ".part", json: "number", always: false, doc: "In a part: its position, from 1." },
    Field { name: ".parts", json: "number", always: false, doc: "In a part: the number of parts." },
    Field {
        name: ".events",
        json: "number",
        always: false,
        doc: "With `ENVELOPE=record`, in the first line of a record: the number of lines that follow, numbered from `seq`.",
    },
];
