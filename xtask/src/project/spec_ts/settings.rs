//! The parameters, as properties of an interface and as calls that turn them into variables.

use extension_spec::packing::COMBINATIONS;
use extension_spec::{
    Config, Keep, Kind, Labels, Param, QueueUrl, Range, Sample, Stream, Types, Value as _,
};

use super::{doc, member, quoted};

/// Returns an enumeration for each parameter that is a word of a list.
pub(super) fn enums() -> String {
    let of = |param: &Param| {
        let Kind::Choice(words) = param.kind else { return None };
        let about: Vec<String> = param.doc.iter().map(|line| (*line).to_owned()).collect();
        let members: Vec<String> = words
            .iter()
            .map(|(word, about)| {
                let about = doc("  ", &[(*about).to_owned()]);
                format!("{about}  {} = {},\n", member(word), quoted(word))
            })
            .collect();
        let name = pascal_case(param.field);
        Some(doc("", &about) + &format!("export enum {name} {{\n{}}}\n", members.concat()))
    };
    Config::PARAMS.iter().filter_map(of).collect::<Vec<_>>().join("\n")
}

/// Returns one property a parameter, all of them optional: a default is the extension's own. Those that only the construct knows
/// are in an interface of their own.
pub(super) fn interfaces() -> String {
    let (destinations, settings): (Vec<&Param>, Vec<&Param>) =
        Config::PARAMS.iter().partition(|it| matches!(it.kind, Kind::Stream | Kind::Queue));
    let interface = |about: &str, name: &str, params: &[&Param]| {
        let properties: Vec<String> = params.iter().map(|it| property(it)).collect();
        let about = doc("", &[about.to_owned()]);
        format!("{about}export interface {name} {{\n{}}}\n", properties.join("\n"))
    };
    [
        interface(
            "Settings of the extension. Omitted settings have the default of the layer's version.",
            "TelemetrySettings",
            &settings,
        ),
        interface("The destinations of telemetry.", "Destinations", &destinations),
    ]
    .join("\n")
}

fn property(param: &Param) -> String {
    let mut lines: Vec<String> = param.doc.iter().map(|line| (*line).to_owned()).collect();
    if let Some(Range { min, max }) = param.range {
        let [min, max] = [min, max].map(|number| in_words(param.kind, number));
        lines.extend([String::new(), format!("From {min} to {max}.")]);
    }
    if !param.default.is_empty() {
        lines.extend([String::new(), format!("@default {}", default(param))]);
    }
    let ty = match param.kind {
        Kind::Millis => "Duration".to_owned(),
        Kind::Bytes => "Size".to_owned(),
        Kind::Count | Kind::Share => "number".to_owned(),
        Kind::Flag => "boolean".to_owned(),
        Kind::Choice(_) => pascal_case(param.field),
        Kind::Stream | Kind::Queue => "string".to_owned(),
        Kind::Types | Kind::Labels | Kind::Conditions => "string[]".to_owned(),
    };
    doc("  ", &lines) + &format!("  readonly {}?: {ty} | undefined;\n", camel_case(param.field))
}

fn default(param: &Param) -> String {
    match (param.kind, param.default.parse::<u64>()) {
        (Kind::Millis | Kind::Bytes, Ok(number)) => {
            let (number, unit) = in_unit(param.kind, number);
            format!("{}({number})", unit.constructor)
        }
        (Kind::Flag | Kind::Count | Kind::Share, _) => param.default.to_owned(),
        (Kind::Choice(_), _) => {
            format!("{}.{}", pascal_case(param.field), member(param.default))
        }
        (Kind::Types | Kind::Conditions, _) => {
            let words: Vec<String> = param.default.split(',').map(quoted).collect();
            format!("[{}]", words.join(", "))
        }
        _ => quoted(param.default),
    }
}

/// A unit of the CDK's.
struct Unit {
    /// The size in milliseconds or bytes.
    size: u64,
    constructor: &'static str,
    sign: &'static str,
}

impl Unit {
    const fn of(size: u64, constructor: &'static str, sign: &'static str) -> Self {
        Self { size, constructor, sign }
    }
}

const DURATIONS: &[Unit] = &[
    Unit::of(60_000, "Duration.minutes", "min"),
    Unit::of(1_000, "Duration.seconds", "s"),
    Unit::of(1, "Duration.millis", "ms"),
];
const SIZES: &[Unit] = &[
    Unit::of(1 << 30, "Size.gibibytes", "GiB"),
    Unit::of(1 << 20, "Size.mebibytes", "MiB"),
    Unit::of(1 << 10, "Size.kibibytes", "KiB"),
    Unit::of(1, "Size.bytes", "bytes"),
];

/// Returns the number in the largest unit that gives a whole number.
fn in_unit(kind: Kind, number: u64) -> (u64, &'static Unit) {
    let units = if kind == Kind::Millis { DURATIONS } else { SIZES };
    let fits = |unit: &&Unit| number >= unit.size && number.is_multiple_of(unit.size);
    let unit = units.iter().find(fits).unwrap_or(&units[units.len() - 1]);
    (number / unit.size, unit)
}

fn in_words(kind: Kind, number: u64) -> String {
    if kind == Kind::Count {
        return number.to_string();
    }
    let (number, unit) = in_unit(kind, number);
    format!("{number} {}", unit.sign)
}

/// The function that makes variables of the settings.
pub(super) fn to_environment() -> String {
    let pattern = |about: &str, name: &str, pattern: &str| {
        doc("", &[about.to_owned()]) + &format!("const {name} = /{pattern}/;\n\n")
    };
    let mut text =
        pattern("What a stream is called: its name or its ARN.", "STREAM", Stream::PATTERN);
    text += &pattern("What an event type looks like.", "EVENT_TYPE", Types::PATTERN);
    text += &pattern("What makes an invocation remarkable.", "CONDITION", Keep::PATTERN);
    text += &pattern("What a label looks like.", "LABEL", Labels::PATTERN);
    text += &pattern("What the URL of a queue looks like.", "QUEUE_URL", QueueUrl::PATTERN);
    text += &doc(
        "",
        &[
            "The variables of a function with these settings, each checked for its type, range and form.",
            "",
            "@throws Error that names every setting which cannot be used, with its value and its remedy.",
        ]
        .map(str::to_owned),
    );
    text += "export function toEnvironment(settings: TelemetrySettings & Destinations): Record<string, string> {\n";
    text += "  const environment = new Environment(ENV_PREFIX);\n";
    let names: Vec<String> = Config::PARAMS
        .iter()
        .map(|param| format!("    {},\n", quoted(&camel_case(param.field))))
        .collect();
    text += &format!("  environment.only(settings, [\n{}  ]);\n", names.concat());
    for param in Config::PARAMS {
        text += &format!("  {}\n", call(param));
    }
    text += &exclusions();
    text + "  return environment.variables();\n}\n"
}

fn call(param: &Param) -> String {
    let property = camel_case(param.field);
    let arguments = format!("'{property}', '{}', settings.{property}", param.name);
    let range = param.range.map(|Range { min, max }| format!(", {{ min: {min}, max: {max} }}"));
    let range = range.unwrap_or_default();
    match param.kind {
        Kind::Millis => format!("environment.millis({arguments}{range});"),
        Kind::Bytes => format!("environment.bytes({arguments}{range});"),
        Kind::Count => format!("environment.count({arguments}{range});"),
        Kind::Flag => format!("environment.flag({arguments});"),
        Kind::Choice(_) => {
            format!("environment.choice({arguments}, Object.values({}));", pascal_case(param.field))
        }
        Kind::Stream => {
            format!("environment.text({arguments}, STREAM, {});", quoted(Stream::EXPECTED))
        }
        Kind::Queue => {
            format!("environment.text({arguments}, QUEUE_URL, {});", quoted(QueueUrl::EXPECTED))
        }
        Kind::Labels => {
            format!("environment.list({arguments}, LABEL, {});", quoted(Labels::EXPECTED))
        }
        Kind::Share => format!("environment.share({arguments}, {});", quoted(Sample::EXPECTED)),
        Kind::Conditions => {
            format!("environment.list({arguments}, CONDITION, {});", quoted(Keep::EXPECTED))
        }
        Kind::Types => {
            format!("environment.list({arguments}, EVENT_TYPE, {});", quoted(Types::EXPECTED))
        }
    }
}

/// Which words exclude each other.
fn exclusions() -> String {
    let mut text = String::new();
    for combination in &COMBINATIONS {
        let allowed = [
            (
                "compression",
                combination.compressions.iter().map(|it| it.word()).collect::<Vec<_>>(),
            ),
            ("envelope", combination.envelopes.iter().map(|it| it.word()).collect()),
        ];
        for (property, words) in allowed {
            let words: Vec<String> = words.into_iter().map(quoted).collect();
            text += &format!(
                "  environment.together(settings, 'recordFormat', {}, '{property}', [{}]);\n",
                quoted(combination.format.word()),
                words.join(", ")
            );
        }
    }
    text + "  environment.selected('sample', settings.sample, settings.types, 'function');\n"
}

/// `record_format` is `RecordFormat`.
fn pascal_case(snake_case: &str) -> String {
    camel_case(&format!("_{snake_case}"))
}

/// `flush_timeout` is `flushTimeout`.
fn camel_case(snake_case: &str) -> String {
    let mut words = snake_case.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |text, word| {
        let (head, tail) = word.split_at(1.min(word.len()));
        text + &head.to_uppercase() + tail
    })
}
