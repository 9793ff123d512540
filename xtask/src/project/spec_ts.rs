//! `infra-cdk/lib/spec.ts`: the facts of `extension-spec` and of the stages, for the CDK. Units survive the crossing: a
//! number of milliseconds is a `Duration`, a number of bytes is a `Size`.

mod settings;

use extension_spec::deployment::{self, Architecture, PUBLISHED};
use extension_spec::{Config, ENV_PREFIX, EXTENSION_NAME};
use xtask_synth::{Comments, Project};

use super::stages::{self, STAGES, Stage};

pub(super) fn add(project: &mut Project) {
    project
        .text("infra-cdk/lib/spec.ts", Comments::SLASHES, spec_ts())
        .facts_from_all(Config::DECLARED_IN)
        .facts_from(extension_spec::packing::DECLARED_IN)
        .facts_from_all([
            deployment::DECLARED_IN,
            stages::DECLARED_IN,
            extension_spec::DECLARED_IN,
        ]);
}

fn spec_ts() -> String {
    let imports = "\
        import { Duration, type Size } from 'aws-cdk-lib';\n\
        import { Environment } from './environment';\n";
    [
        imports.to_owned(),
        names(),
        architectures(),
        published(),
        stages(),
        settings::interface(),
        settings::to_environment(),
    ]
    .join("\n")
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

/// In single quotes.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// Words that a value can be, as a type.
fn union(words: impl IntoIterator<Item = &'static str>) -> String {
    words.into_iter().map(quoted).collect::<Vec<_>>().join(" | ")
}

fn names() -> String {
    let constant = |text: &str, name: &str, value: &str| {
        doc("", &[text.to_owned()]) + &format!("export const {name} = {};\n", quoted(value))
    };
    constant(
        "Name under which the extension registers, and of its file in the layer.",
        "EXTENSION_NAME",
        EXTENSION_NAME,
    ) + &constant("Every variable of the extension starts with this.", "ENV_PREFIX", ENV_PREFIX)
}

fn architectures() -> String {
    let mut text =
        doc("", &["The layer for each architecture, by Lambda's name for it.".to_owned()]);
    text += "export const LAYERS = {\n";
    for architecture in Architecture::ALL {
        let (name, layer) = (architecture.name(), architecture.layer());
        text += &format!("  {name}: {{ name: '{layer}', zip: '{layer}.zip' }},\n");
    }
    text + "} as const;\n"
}

fn published() -> String {
    let about = "Names of the SSM parameters that a deployment publishes.";
    let mut text = doc("", &[about.to_owned()]) + "export const PUBLISHED = {\n";
    for published in &PUBLISHED {
        text += &doc("  ", &[published.doc.to_owned()]);
        text += &format!("  {}: {},\n", published.key, quoted(published.name));
    }
    text + "} as const;\n"
}

fn stages() -> String {
    let property = |text: &str, property: &str| {
        doc("  ", &[text.to_owned()]) + &format!("  readonly {property};\n")
    };
    let mut text = doc("", &["In what the deployments differ.".to_owned()]);
    text += "export interface Stage {\n";
    text += &property("Whether the stream outlives its stack.", "retained: boolean");
    text += &property(
        "Whether the stream is encrypted with a key of the account's own.",
        "customerKey: boolean",
    );
    text += &property("How long the stream keeps a record.", "retention: Duration");
    text += &property("Whether alarms tell somebody, through a topic.", "alarmTopic: boolean");
    text += "}\n\n";
    text += &doc("", &["Every stage, by the name that people type.".to_owned()]);
    text += "export const STAGES = {\n";
    for Stage { name, doc: about, retained, customer_key, retention_hours, alarm_topic } in &STAGES
    {
        text += &doc("  ", &[(*about).to_owned()]);
        text +=
            &format!("  {name}: {{\n    retained: {retained},\n    customerKey: {customer_key},\n");
        text += &format!(
            "    retention: Duration.hours({retention_hours}),\n    alarmTopic: {alarm_topic},\n  }},\n"
        );
    }
    text + "} satisfies Record<string, Stage>;\n"
}
