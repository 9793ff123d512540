//! `outputs`: what a deployment publishes, and how a function gets it.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::{Context, Result};
use extension_spec::deployment::{Architecture, PUBLISHED};
use extension_spec::variable;
use xtask_aws_cli::Deployment;

use crate::aws::Aws;
use crate::deployment::Values;
use crate::say;

pub(crate) async fn run(deployment: &Deployment, json: bool) -> Result<ExitCode> {
    let aws = Aws::find(None).await?;
    let values = Values::of(deployment, &aws).await?;
    if json {
        let text = serde_json::to_string_pretty(&values.0).context("the values make no JSON")?;
        say::out(&format!("{text}\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    say::out(&text(deployment.name.as_deref(), &values)?)?;
    Ok(ExitCode::SUCCESS)
}

fn text(name: Option<&str>, values: &Values) -> Result<String> {
    let mut text = String::new();
    let names: Vec<String> = PUBLISHED.iter().map(|it| it.of(name)).collect();
    let width = names.iter().map(String::len).max().unwrap_or_default();
    for (it, name) in PUBLISHED.iter().zip(&names) {
        let value =
            values.0.get(it.key).map_or("(missing: deploy the stage again)", String::as_str);
        _ = writeln!(text, "{name:<width$}  {value}");
    }
    let parameter = |key: &str| {
        let it = PUBLISHED.iter().find(|it| it.key == key);
        it.map(|it| it.of(name)).with_context(|| format!("nothing is published as {key}"))
    };
    let Architecture::X86_64 = Architecture::ALL[0] else {
        unreachable!("a test of the spec says so")
    };
    _ = write!(
        text,
        "\nOf an arm64 function use {arm64}: with {default} it fails at init.\n{cdk}{sam}{terraform}{cli}",
        arm64 = parameter("layerArnArm64")?,
        default = parameter("layerArn")?,
        cdk = cdk(&parameter)?,
        sam = sam(&parameter)?,
        terraform = terraform(&parameter)?,
        cli = cli(values)?,
    );
    Ok(text)
}

/// Gives the name of a parameter, by its key.
type Parameter<'a> = &'a dyn Fn(&str) -> Result<String>;

fn cdk(parameter: Parameter<'_>) -> Result<String> {
    Ok(format!(
        "
# CDK (TypeScript), for a lambda.Function fn
const value = (name: string) => ssm.StringParameter.valueForStringParameter(this, name);
const arch = fn.architecture === lambda.Architecture.ARM_64 ? '{arm64}' : '{x86_64}';
fn.addLayers(lambda.LayerVersion.fromLayerVersionArn(this, 'Telemetry', value(arch)));
fn.role?.addManagedPolicy(iam.ManagedPolicy.fromManagedPolicyArn(this, 'TelemetryPolicy', value('{policy}')));
fn.addEnvironment('{STREAM}', value('{stream}'));
fn.addEnvironment('{QUEUE}', value('{queue}'));
",
        arm64 = parameter("layerArnArm64")?,
        x86_64 = parameter("layerArnX86_64")?,
        policy = parameter("policyArn")?,
        stream = parameter("streamArn")?,
        queue = parameter("deadLetterQueueUrl")?,
        STREAM = variable::STREAM,
        QUEUE = variable::DEAD_LETTER_QUEUE_URL,
    ))
}

fn sam(parameter: Parameter<'_>) -> Result<String> {
    let resolved =
        |key: &str| Ok::<_, anyhow::Error>(format!("'{{{{resolve:ssm:{}}}}}'", parameter(key)?));
    Ok(format!(
        "
# SAM, properties of an AWS::Serverless::Function (x86_64; for arm64: {arm64})
Layers:
  - {layer}
Policies:
  - {policy}
Environment:
  Variables:
    {STREAM}: {stream}
    {QUEUE}: {queue}
",
        arm64 = resolved("layerArnArm64")?,
        layer = resolved("layerArnX86_64")?,
        policy = resolved("policyArn")?,
        stream = resolved("streamArn")?,
        queue = resolved("deadLetterQueueUrl")?,
        STREAM = variable::STREAM,
        QUEUE = variable::DEAD_LETTER_QUEUE_URL,
    ))
}

fn terraform(parameter: Parameter<'_>) -> Result<String> {
    let mut text =
        "\n# Terraform, for an aws_lambda_function and its aws_iam_role named it (x86_64)\n"
            .to_owned();
    for (label, key) in [
        ("layer", "layerArnX86_64"),
        ("policy", "policyArn"),
        ("stream", "streamArn"),
        ("queue", "deadLetterQueueUrl"),
    ] {
        let name = parameter(key)?;
        _ = writeln!(text, "data \"aws_ssm_parameter\" \"{label}\" {{ name = \"{name}\" }}");
    }
    _ = write!(
        text,
        "resource \"aws_iam_role_policy_attachment\" \"telemetry\" {{
  role       = aws_iam_role.it.name
  policy_arn = data.aws_ssm_parameter.policy.insecure_value
}}
# in resource \"aws_lambda_function\" \"it\" (for arm64 the parameter {arm64})
  layers = [data.aws_ssm_parameter.layer.insecure_value]
  environment {{
    variables = {{
      {STREAM} = data.aws_ssm_parameter.stream.insecure_value
      {QUEUE} = data.aws_ssm_parameter.queue.insecure_value
    }}
  }}
",
        arm64 = parameter("layerArnArm64")?,
        STREAM = variable::STREAM,
        QUEUE = variable::DEAD_LETTER_QUEUE_URL,
    );
    Ok(text)
}

/// Both of its options replace what is set, so it says to repeat that.
fn cli(values: &Values) -> Result<String> {
    Ok(format!(
        "
# AWS CLI, for an x86_64 function FUNCTION with the role ROLE; layers and variables that it has already must be repeated
aws iam attach-role-policy --role-name ROLE --policy-arn {policy}
aws lambda update-function-configuration --function-name FUNCTION \\
  --layers {layer} \\
  --environment '{environment}'
",
        policy = values.get("policyArn")?,
        layer = values.get("layerArnX86_64")?,
        environment = serde_json::json!({ "Variables": {
            variable::STREAM: values.get("streamArn")?,
            variable::DEAD_LETTER_QUEUE_URL: values.get("deadLetterQueueUrl")?,
        } }),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Values {
        Values(PUBLISHED.iter().map(|it| (it.key, format!("value of {}", it.key))).collect())
    }

    #[test]
    fn every_value_is_told_and_arm64_is_warned() {
        let text = text(Some("blue"), &values()).unwrap();
        for it in PUBLISHED {
            assert!(text.contains(&it.of(Some("blue"))), "{}", it.key);
            assert!(text.contains(&format!("value of {}", it.key)), "{}", it.key);
        }
        let warning = "Of an arm64 function use /telemetry/kinesis/blue/extension/arm64/arn: with \
                       /telemetry/kinesis/blue/extension/arn it fails at init.";
        assert!(text.contains(warning), "{text}");
    }

    #[test]
    fn each_snippet_has_layer_policy_stream_and_queue() {
        let parameter = |key: &str| Ok(format!("<{key}>"));
        let snippets = [cdk(&parameter), sam(&parameter), terraform(&parameter)];
        for snippet in snippets.map(Result::unwrap) {
            for key in
                ["layerArnX86_64", "layerArnArm64", "policyArn", "streamArn", "deadLetterQueueUrl"]
            {
                assert!(snippet.contains(&format!("<{key}>")), "{key}: {snippet}");
            }
            assert!(snippet.contains("KINESIS_TELEMETRY_STREAM"), "{snippet}");
        }
        let text = cli(&values()).unwrap();
        let (_, environment) = text.split_once("--environment '").unwrap();
        let json: serde_json::Value =
            serde_json::from_str(environment.trim_end().trim_end_matches('\'')).unwrap();
        assert_eq!(json["Variables"]["KINESIS_TELEMETRY_STREAM"], "value of streamArn");
    }
}
