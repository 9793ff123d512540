//! `outputs`: the values that a deployment publishes, links to the console, and snippets that add the extension to a function.

mod console;

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::{Context, Result};
use extension_spec::deployment::SSM_PARAMETERS;
use kinesis_telemetry_args::{Outputs, Snippet, snippets};
use kinesis_telemetry_stream::stdout;
use kinesis_telemetry_terminal::plain;

use crate::deployment::Values;
use crate::session::Session;

/// The tools, with their names for people.
const TOOLS: [(Snippet, &str); 5] = [
    (Snippet::Cdk, "CDK in TypeScript"),
    (Snippet::CdkPython, "CDK in Python"),
    (Snippet::Sam, "SAM"),
    (Snippet::Terraform, "Terraform"),
    (Snippet::Cli, "AWS CLI"),
];

pub(crate) async fn run(options: &Outputs, session: &Session) -> Result<ExitCode> {
    let Outputs { deployment, snippet, json } = options;
    let (aws, values) = session.deployment(deployment).await?;
    let name = deployment.name.as_deref();
    stdout::print(&match snippet {
        _ if *json => stdout::json(&values.0)?,
        Some(tool) => snippet_of(*tool, name),
        None => text(name, &values, &aws.region)?,
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the snippet for a tool.
pub(crate) fn snippet_of(tool: Snippet, name: Option<&str>) -> String {
    match tool {
        Snippet::Cdk => snippets::cdk(name),
        Snippet::CdkPython => snippets::cdk_python(name),
        Snippet::Sam => snippets::sam(name),
        Snippet::Terraform => snippets::terraform(name),
        Snippet::Cli => snippets::cli(name),
    }
}

fn text(name: Option<&str>, values: &Values, region: &str) -> Result<String> {
    let mut text = String::new();
    let names: Vec<String> = SSM_PARAMETERS.iter().map(|it| it.of(name)).collect();
    let width = names.iter().map(String::len).max().unwrap_or_default();
    let missing: Vec<&str> = values.missing().iter().map(|it| it.key).collect();
    for (it, name) in SSM_PARAMETERS.iter().zip(&names) {
        let nothing = if missing.contains(&it.key) {
            "(missing: deploy the stack again)"
        } else {
            "(none: only deployments of cargo xtask deploy have one)"
        };
        let value = values.0.get(it.key).map_or(nothing, String::as_str);
        _ = writeln!(text, "{name:<width$}  {}", plain(value));
    }
    let parameter = |key: &str| {
        let it = SSM_PARAMETERS.iter().find(|it| it.key == key);
        it.map(|it| it.of(name)).with_context(|| format!("the deployment does not publish {key}"))
    };
    _ = writeln!(
        text,
        "\nUse {} for arm64 functions: with {} they fail at init.\n",
        parameter("layerArnArm64")?,
        parameter("layerArn")?
    );
    for (what, link) in console::links(values, region) {
        _ = writeln!(text, "{what:<14}  {}", plain(&link));
    }
    for (tool, called) in TOOLS {
        _ = write!(text, "\n--- {called} ---\n\n{}\n", snippet_of(tool, name).trim());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Values {
        Values(SSM_PARAMETERS.iter().map(|it| (it.key, format!("value of {}", it.key))).collect())
    }

    #[test]
    fn every_value_is_printed_with_a_warning_for_arm64() {
        let text = text(Some("blue"), &values(), "eu-central-1").unwrap();
        for it in SSM_PARAMETERS {
            assert!(text.contains(&it.of(Some("blue"))), "{}", it.key);
            assert!(text.contains(&format!("value of {}", it.key)), "{}", it.key);
        }
        let warning = "Use /telemetry/kinesis/blue/extension/arm64/arn for arm64 functions: with \
                       /telemetry/kinesis/blue/extension/arn they fail at init.";
        assert!(text.contains(warning), "{text}");
    }

    #[test]
    fn values_that_only_stages_have_are_not_called_missing() {
        let mut values = values();
        values.0.remove("testFunctionName");
        assert!(
            text(None, &values, "eu-central-1")
                .unwrap()
                .contains("(none: only deployments of cargo xtask deploy")
        );
        values.0.insert("stackName", "KinesisTelemetry-dev".to_owned());
        assert!(
            text(None, &values, "eu-central-1")
                .unwrap()
                .contains("(missing: deploy the stack again)")
        );
    }

    #[test]
    fn the_snippets_are_those_of_the_documents_for_this_deployment() {
        let text = text(Some("blue"), &values(), "eu-central-1").unwrap();
        for (tool, _) in TOOLS {
            assert!(text.contains(snippet_of(tool, Some("blue")).trim()), "{text}");
        }
    }
}
