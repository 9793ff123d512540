//! `cdk/lib/spec.ts` holds the facts of `extension-spec` for the constructs, `infra-cdk/lib/spec.ts` those of the stages for
//! the app. Units survive the crossing: a number of milliseconds is a `Duration`, a number of bytes is a `Size`.

mod published;
mod settings;

use extension_spec::deployment::{self, Architecture, COMPLETENESS_FUNCTION};
use extension_spec::{Config, ENV_PREFIX, EXTENSION_NAME, LOG_PREFIX, metric};
use xtask_synth::{Comments, Project};

use crate::project::links::{self, LINKS};
use crate::project::stages::{self, STAGES, Stage};

pub(super) fn add(project: &mut Project) {
    project
        .text("cdk/lib/spec.ts", Comments::SLASHES, of_package())
        .facts_from_all(Config::DECLARED_IN)
        .facts_from_all([extension_spec::packing::DECLARED_IN, metric::DECLARED_IN])
        .facts_from_all([deployment::DECLARED_IN, extension_spec::DECLARED_IN])
        .facts_from_all([links::DECLARED_IN, "Cargo.toml"]);
    project.text("infra-cdk/lib/spec.ts", Comments::SLASHES, of_app()).facts_from_all([
        stages::DECLARED_IN,
        deployment::DECLARED_IN,
        extension_spec::DECLARED_IN,
    ]);
}

/// Returns what the constructs need.
fn of_package() -> String {
    let imports = "\
        import type { Duration, Size } from 'aws-cdk-lib';\n\
        import { Environment } from './environment';\n";
    [
        imports.to_owned(),
        release() + &extension_name() + &env_prefix() + &log_prefix(),
        docs(),
        layers(),
        completeness_zip(),
        published::class(),
        metrics(),
        settings::enums(),
        settings::interfaces(),
        settings::to_environment(),
    ]
    .join("\n")
}

/// Returns what the app needs in addition: its stages, and the function that it deploys to try them.
fn of_app() -> String {
    let imports = "\
        import { Duration } from 'aws-cdk-lib';\n\
        import { Metrics } from 'kinesis-telemetry-cdk';\n";
    let names = [extension_name(), stack_name(), verification(), test_function_zips()];
    [imports.to_owned(), names.join("\n"), stages()].join("\n")
}

/// A comment as TypeScript's tools show it.
fn doc(indent: &str, lines: &[String]) -> String {
    if let [line] = lines {
        return format!("{indent}/** {line} */\n");
    }
    let mut text = format!("{indent}/**\n");
    for line in lines {
        text += format!("{indent} * {line}").trim_end();
        text += "\n";
    }
    text + indent + " */\n"
}

/// Returns the text in single quotes.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// Returns a word or the name of a property as the name of a constant: `deadLetterUrl` is `DEAD_LETTER_URL`.
fn member(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(if c == '-' { '_' } else { c.to_ascii_uppercase() });
    }
    text
}

fn constant(about: &str, name: &str, value: &str) -> String {
    doc("", &[about.to_owned()]) + &format!("export const {name} = {};\n", quoted(value))
}

/// Returns the version of the workspace: package and layers are released together.
fn release() -> String {
    let about = "The release of the layers, and of this package.";
    constant(about, "RELEASE", env!("CARGO_PKG_VERSION"))
}

fn extension_name() -> String {
    let about = "Name under which the extension registers, and of its file in the layer.";
    constant(about, "EXTENSION_NAME", EXTENSION_NAME)
}

fn env_prefix() -> String {
    constant("Every variable of the extension starts with this.", "ENV_PREFIX", ENV_PREFIX)
}

fn stack_name() -> String {
    let about = "Name of the stack that owns the stream and the published parameters of a stage.";
    doc("", &[about.to_owned()])
        + &format!(
            "export function stackName(stage: string, deployment?: string): string {{\n  \
               return deployment === undefined ? `{one}` : `{named}`;\n\
             }}\n",
            one = deployment::stack_name("${stage}", None),
            named = deployment::stack_name("${stage}", Some("${deployment}")),
        )
}

fn verification() -> String {
    let about =
        "Name of the deployment that has functions for cargo xtask verify, and retains nothing.";
    constant(about, "VERIFICATION", deployment::VERIFICATION)
}

fn log_prefix() -> String {
    constant("Every line of the extension's own log starts with this.", "LOG_PREFIX", LOG_PREFIX)
}

fn docs() -> String {
    let about = "Links to the documents. They are absolute, because alarms and dashboards are read elsewhere.";
    let mut text = doc("", &[about.to_owned()]) + "export const DOCS = {\n";
    for link in &LINKS {
        text += &format!("  {}: {},\n", link.key, quoted(&link.url()));
    }
    text + "} as const;\n"
}

fn layers() -> String {
    let about = "The layer for each architecture, by Lambda's name for it.";
    let mut text = doc("", &[about.to_owned()]) + "export const LAYERS = {\n";
    for architecture in Architecture::ALL {
        let (name, layer) = (architecture.name(), architecture.layer());
        text += &format!("  {name}: {{ name: '{layer}', zip: '{layer}.zip' }},\n");
    }
    text + "} as const;\n"
}

fn completeness_zip() -> String {
    let about = "The zip of the function that checks a stream for missing events, for arm64.";
    constant(about, "COMPLETENESS_ZIP", &format!("{COMPLETENESS_FUNCTION}.zip"))
}

fn test_function_zips() -> String {
    let about = "The zip of the test function for each architecture.";
    let mut text = doc("", &[about.to_owned()]) + "export const TEST_FUNCTION_ZIPS = {\n";
    for architecture in Architecture::ALL {
        text += &format!("  {}: '{}.zip',\n", architecture.name(), architecture.test_function());
    }
    text + "} as const;\n"
}

fn metrics() -> String {
    let names = [
        ("namespace", metric::NAMESPACE),
        ("received", metric::RECEIVED),
        ("delivered", metric::DELIVERED),
        ("shed", metric::SHED),
        ("deliveryLag", metric::DELIVERY_LAG),
        ("logsDropped", metric::LOGS_DROPPED),
        ("missingEvents", metric::MISSING_EVENTS),
        ("stream", metric::STREAM),
    ];
    let about = "Names of the metrics that functions send, without a dimension; `missingEvents` has the dimension `stream`.";
    let mut text = doc("", &[about.to_owned()]) + "export const METRICS = {\n";
    for (key, name) in names {
        text += &format!("  {key}: {},\n", quoted(name));
    }
    text + "} as const;\n"
}

fn stages() -> String {
    let property = |text: &str, property: &str| {
        doc("  ", &[text.to_owned()]) + &format!("  readonly {property};\n")
    };
    let mut text = doc("", &["The differences between stages.".to_owned()]);
    text += "export interface Stage {\n";
    text += &property("True if the stream outlives its stack.", "retained: boolean");
    text += &property("True if a key of the account encrypts the stream.", "customerKey: boolean");
    text += &property("The retention of the stream.", "retention: Duration");
    text += &property("True if alarms notify a topic.", "alarmTopic: boolean");
    text += &property("Which metrics functions send; each is billed.", "metrics: Metrics");
    text += &property(
        "The time between two checks that no event is missing in the stream; undefined for no checks.",
        "completeness: Duration | undefined",
    );
    text += "}\n\n";
    text += &doc("", &["Every stage, by the name that people type.".to_owned()]);
    text += "export const STAGES = {\n";
    for stage in &STAGES {
        let Stage { name, retained, customer_key, retention_hours, alarm_topic, .. } = stage;
        text += &doc("  ", &[stage.doc.to_owned()]);
        text +=
            &format!("  {name}: {{\n    retained: {retained},\n    customerKey: {customer_key},\n");
        text += &format!(
            "    retention: Duration.hours({retention_hours}),\n    alarmTopic: {alarm_topic},\n"
        );
        text += &format!("    metrics: Metrics.{},\n", member(stage.metrics.word()));
        let minutes = stage.completeness_minutes;
        let checks = minutes.map_or("undefined".to_owned(), |it| format!("Duration.minutes({it})"));
        text += &format!("    completeness: {checks},\n  }},\n");
    }
    text + "} satisfies Record<string, Stage>;\n"
}
