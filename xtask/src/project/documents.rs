//! Tables in documents that people write.

mod commands;

use clap::CommandFactory as _;
use extension_spec::deployment::{self, SSM_PARAMETERS};
use extension_spec::packing::{self, COMBINATIONS};
use extension_spec::{Config, ENV_PREFIX, Kind, Param, event};
use kinesis_telemetry_args::{CommandLine, snippets};
use xtask_synth::Project;

use super::COMMANDS_IN;
use crate::project::stages::{self, STAGES};
use crate::tools;

pub(super) fn add(project: &mut Project, command_line: &clap::Command) {
    project
        .region("README.md", "requirements", requirements())
        .facts_from_all(["Cargo.toml", tools::DECLARED_IN]);
    project
        .region("README.md", "settings", settings_to_begin_with())
        .facts_from_all(Config::DECLARED_IN);
    project
        .region("docs/settings.md", "parameters", parameters())
        .facts_from_all(Config::DECLARED_IN);
    project
        .region("CONTRIBUTING.md", "commands", commands::in_brief(command_line))
        .facts_from_all(COMMANDS_IN);
    let reference = "docs/reference.md";
    project.region(reference, "members", members()).facts_from(event::DECLARED_IN);
    project.region(reference, "packing", packing()).facts_from(packing::DECLARED_IN);
    project.region(reference, "published", published()).facts_from(deployment::DECLARED_IN);
    project.region(reference, "stages", stages()).facts_from(stages::DECLARED_IN);
    let told = "docs/deploying.md";
    for (name, text) in [
        ("cdk", block("typescript", &snippets::cdk(None))),
        ("cdk-python", block("python", &snippets::cdk_python(None))),
        ("sam", block("yaml", &snippets::sam(None))),
        ("terraform", block("hcl", &snippets::terraform(None))),
        ("cli", block("sh", &snippets::cli(None))),
        ("deployed-release", block("sh", &deployed_release())),
    ] {
        project
            .region(told, name, text)
            .facts_from_all([deployment::DECLARED_IN, extension_spec::DECLARED_IN]);
    }
    project
        .region(reference, "commands", commands::in_full(command_line))
        .facts_from_all(COMMANDS_IN);
    project
        .region(reference, "operator-commands", commands::in_full(&CommandLine::command()))
        .facts_from_all(kinesis_telemetry_args::DECLARED_IN);
}

/// A table of Markdown. A cell may hold anything but line breaks.
fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let row = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let escaped = |cells: [String; N]| cells.map(|cell| cell.replace('|', "\\|"));
    let rule = row(&[const { "---" }; N].map(str::to_owned));
    let rows = rows.into_iter().map(|cells| row(&escaped(cells)));
    [row(&head.map(str::to_owned)), rule].into_iter().chain(rows).collect()
}

/// Returns a code block of Markdown.
fn block(language: &str, text: &str) -> String {
    format!("```{language}\n{}\n```\n", text.trim())
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn requirements() -> String {
    format!(
        "You need Rust ({} or newer) and Node ({} or newer), and no AWS account. Some tests and the layer builds also need Python\n\
         (3.{} or newer) and rustup. Everything is installed under `target/` and `node_modules/`, except for the caches of package\n\
         managers and the targets that rustup adds. On Linux, tests in AWS's own emulator need root, or sudo without a password.",
        env!("CARGO_PKG_RUST_VERSION"),
        tools::NODE_MAJOR,
        tools::PYTHON_MINOR
    )
}

fn parameters() -> String {
    let rows = Config::PARAMS.iter().map(|param| {
        let default = if param.default.is_empty() { "–".to_owned() } else { code(param.default) };
        [code(param.name), default, allowed(param), meaning(param)]
    });
    format!(
        "Each variable has the prefix `{ENV_PREFIX}`, because the environment is the function's too.\n\n{}",
        table(["variable", "default", "allowed", "meaning"], rows)
    )
}

/// The settings that the README lists; `docs/settings.md` has all.
const TO_BEGIN_WITH: [&str; 5] = ["STREAM", "TYPES", "FLUSH", "SAMPLE", "DEAD_LETTER_QUEUE_URL"];

/// Returns a table of the first settings that a user changes, each with the first sentence of its description.
fn settings_to_begin_with() -> String {
    let rows = TO_BEGIN_WITH.iter().filter_map(|name| {
        let param = Config::PARAMS.iter().find(|param| param.name == *name)?;
        let default = if param.default.is_empty() { "–".to_owned() } else { code(param.default) };
        let doc = param.doc.join(" ");
        let sentence = doc.split_inclusive(". ").next().unwrap_or_default().trim();
        Some([code(&format!("{ENV_PREFIX}{name}")), default, sentence.to_owned()])
    });
    table(["variable", "default", "meaning"], rows)
}

fn meaning(param: &Param) -> String {
    let mut meaning = param.doc.join(" ");
    if let Kind::Choice(words) = param.kind {
        for (word, doc) in words {
            meaning += &format!(" `{word}`: {doc}");
        }
    }
    meaning
}

fn allowed(param: &Param) -> String {
    let unit = match param.kind {
        Kind::Millis => " ms",
        Kind::Bytes => " bytes",
        Kind::Count => "",
        Kind::Flag => return "true, false".to_owned(),
        Kind::Choice(words) => {
            return words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
        }
        Kind::Stream => return "name or ARN".to_owned(),
        Kind::Share => return "0 to 1".to_owned(),
        Kind::Types | Kind::Labels | Kind::Conditions => return "comma-separated".to_owned(),
        Kind::Queue => return "URL of a queue".to_owned(),
    };
    param.range.map_or_else(String::new, |range| format!("{} to {}{unit}", range.min, range.max))
}

fn members() -> String {
    let rows = event::FIELDS.iter().map(|field| {
        let name = match field.name.strip_prefix('.') {
            Some(member) => code(&format!("source.{member}")),
            None => code(field.name),
        };
        let always = if field.always { "always" } else { "where it applies" };
        [name, field.json.to_owned(), always.to_owned(), field.doc.to_owned()]
    });
    table(["member", "JSON", "present", "meaning"], rows)
}

fn packing() -> String {
    let rows = COMBINATIONS.iter().map(|it| {
        let compressions: Vec<_> = it.compressions.iter().map(|it| code(it.word())).collect();
        let envelopes: Vec<_> = it.envelopes.iter().map(|it| code(it.word())).collect();
        [
            code(it.format.word()),
            compressions.join(", "),
            envelopes.join(", "),
            it.readers.to_owned(),
            it.why.to_owned(),
        ]
    });
    table(["`RECORD_FORMAT`", "`COMPRESSION`", "`ENVELOPE`", "read by", "why these"], rows)
}

/// Returns the commands that deploy a CDK app in a pipeline, unless a newer release is deployed.
fn deployed_release() -> String {
    let release = SSM_PARAMETERS.iter().find(|it| it.key == "release").map_or("", |it| it.name);
    format!(
        "deployed=$(aws ssm get-parameters --names {release} --query 'Parameters[].Value' --output text) &&\n\
         npx cdk deploy --context \"kinesis-telemetry:deployedRelease=$deployed\"\n"
    )
}

fn published() -> String {
    let rows = SSM_PARAMETERS.iter().map(|it| [code(it.name), it.doc.to_owned()]);
    table(["SSM parameter", "value"], rows)
}

fn stages() -> String {
    let rows = STAGES.iter().map(|stage| {
        let stream =
            if stage.retained { "outlives its stack" } else { "is deleted with its stack" };
        let key =
            if stage.customer_key { "a key of the account" } else { "the key that AWS manages" };
        let alarms = if stage.alarm_topic { "notify a topic" } else { "are only shown" };
        let kept = format!("{} hours", stage.retention_hours);
        let metrics = code(stage.metrics.word());
        let checks = stage.completeness_minutes;
        let checked = checks.map_or("no".to_owned(), |it| format!("every {it} minutes"));
        [
            code(stage.name),
            stream.into(),
            kept,
            key.into(),
            alarms.into(),
            metrics,
            checked,
            stage.doc.into(),
        ]
    });
    table(
        [
            "stage",
            "stream",
            "keeps records",
            "encrypted with",
            "alarms",
            "metrics",
            "checked for missing events",
            "purpose",
        ],
        rows,
    )
}
