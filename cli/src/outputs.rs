//! `outputs`: what a deployment publishes, and how a function gets it.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::{Context, Result};
use extension_spec::deployment::SSM_PARAMETERS;
use kinesis_telemetry_args::{Deployment, snippets};
use kinesis_telemetry_stream::{Aws, say};
use kinesis_telemetry_terminal::plain;

use crate::deployment::Values;

pub(crate) async fn run(deployment: &Deployment, json: bool) -> Result<ExitCode> {
    let aws = Aws::find(None).await?;
    let values = Values::of(deployment, &aws).await?;
    if json {
        say::out(&say::json(&values.0)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    say::out(&text(deployment.name.as_deref(), &values)?)?;
    Ok(ExitCode::SUCCESS)
}

fn text(name: Option<&str>, values: &Values) -> Result<String> {
    let mut text = String::new();
    let names: Vec<String> = SSM_PARAMETERS.iter().map(|it| it.of(name)).collect();
    let width = names.iter().map(String::len).max().unwrap_or_default();
    let missing: Vec<&str> = values.missing().iter().map(|it| it.key).collect();
    for (it, name) in SSM_PARAMETERS.iter().zip(&names) {
        let nothing = if missing.contains(&it.key) {
            "(missing: deploy the stage again)"
        } else {
            "(none: a stack of one's own has none)"
        };
        let value = values.0.get(it.key).map_or(nothing, String::as_str);
        _ = writeln!(text, "{name:<width$}  {}", plain(value));
    }
    let parameter = |key: &str| {
        let it = SSM_PARAMETERS.iter().find(|it| it.key == key);
        it.map(|it| it.of(name)).with_context(|| format!("nothing is published as {key}"))
    };
    _ = writeln!(
        text,
        "\nOf an arm64 function use {}: with {} it fails at init.",
        parameter("layerArnArm64")?,
        parameter("layerArn")?
    );
    for (of, snippet) in [
        ("CDK", snippets::cdk(name)),
        ("SAM", snippets::sam(name)),
        ("Terraform", snippets::terraform(name)),
        ("AWS CLI", snippets::cli(name)),
    ] {
        _ = write!(text, "\n--- {of} ---\n\n{}\n", snippet.trim());
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
    fn every_value_is_told_and_arm64_is_warned() {
        let text = text(Some("blue"), &values()).unwrap();
        for it in SSM_PARAMETERS {
            assert!(text.contains(&it.of(Some("blue"))), "{}", it.key);
            assert!(text.contains(&format!("value of {}", it.key)), "{}", it.key);
        }
        let warning = "Of an arm64 function use /telemetry/kinesis/blue/extension/arm64/arn: with \
                       /telemetry/kinesis/blue/extension/arn it fails at init.";
        assert!(text.contains(warning), "{text}");
    }

    #[test]
    fn what_a_stack_of_somebodys_own_lacks_is_not_called_missing() {
        let mut values = values();
        values.0.remove("testFunctionName");
        assert!(text(None, &values).unwrap().contains("(none: a stack of one's own has none)"));
        values.0.insert("stackName", "KinesisTelemetry-dev".to_owned());
        assert!(text(None, &values).unwrap().contains("(missing: deploy the stage again)"));
    }

    #[test]
    fn the_snippets_are_those_of_the_documents_for_this_deployment() {
        let text = text(Some("blue"), &values()).unwrap();
        for snippet in [snippets::cdk, snippets::sam, snippets::terraform, snippets::cli] {
            assert!(text.contains(snippet(Some("blue")).trim()), "{text}");
        }
    }
}
