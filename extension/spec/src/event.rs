//! What the extension adds to the events that Lambda generates.

/// The file in which all this is said, as the compiler names it.
pub const DECLARED_IN: &str = file!();

/// A member of an event, or of its `source`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name, with a dot before a member of `source`.
    pub name: &'static str,
    /// JSON type.
    pub json: &'static str,
    /// Whether every event has it. `source` of an event that Lambda generated always has those that are.
    pub always: bool,
    /// Sentences that explain it.
    pub doc: &'static str,
}

/// The members of an event, in their order. Lambda may add others before `source`.
pub const FIELDS: &[Field] = &[
    Field {
        name: "time",
        json: "string",
        always: false,
        doc: "When Lambda generated it: RFC 3339, UTC, milliseconds. A part has none.",
    },
    Field {
        name: "type",
        json: "string",
        always: false,
        doc: "`function`, `extension`, `platform.…`, or `kinesis-telemetry.…` for what the extension adds. Lambda always sets it.",
    },
    Field {
        name: "record",
        json: "any",
        always: false,
        doc: "A log line (a string, or an object with JSON logs), or what the platform states. Of a part: a piece of the event's own text.",
    },
    Field {
        name: "source",
        json: "object",
        always: true,
        doc: "Who numbered the event, and how. Always the last member.",
    },
    Field { name: ".function", json: "string", always: true, doc: "Name of the function." },
    Field {
        name: ".version",
        json: "string",
        always: true,
        doc: "Its version, `$LATEST` for none that is published.",
    },
    Field {
        name: ".tenantId",
        json: "string",
        always: false,
        doc: "The tenant for which the environment runs, where the function isolates tenants.",
    },
    Field {
        name: ".account",
        json: "string",
        always: false,
        doc: "The function's account, if `LABELS` names it. Labels of your own stand next to it, under their names.",
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
        doc: "The extension process that numbered it: new for each one.",
    },
    Field {
        name: ".seq",
        json: "number",
        always: true,
        doc: "Counts 1, 2, 3 … within `instance`, without holes. `instance` and `seq` (and `part`) are the event's identity.",
    },
    Field {
        name: ".requestId",
        json: "string",
        always: false,
        doc: "The invocation that a log line belongs to, where the line does not name it and the platform's times leave no doubt.",
    },
    Field {
        name: ".part",
        json: "number",
        always: false,
        doc: "Of a part: which one it is, from 1.",
    },
    Field { name: ".parts", json: "number", always: false, doc: "Of a part: how many there are." },
    Field {
        name: ".events",
        json: "number",
        always: false,
        doc: "With `ENVELOPE=record`, in the first line of a record: how many lines follow, with the numbers from `seq` on.",
    },
];
