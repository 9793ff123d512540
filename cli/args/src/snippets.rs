//! Snippets that add the layer, the policy and the settings to a function, for several tools. `outputs` prints them; the
//! documents contain them, and tests compile and validate them there.

use std::fmt::Write as _;

use clap::ValueEnum;
use extension_spec::deployment::SSM_PARAMETERS;
use extension_spec::variable;

/// A tool that deploys functions.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Snippet {
    /// AWS CDK in TypeScript.
    Cdk,
    /// AWS CDK in Python.
    CdkPython,
    /// AWS SAM template.
    Sam,
    /// Terraform.
    Terraform,
    /// AWS CLI.
    Cli,
}

/// Returns the name of a parameter that a deployment of this name publishes.
fn named(key: &str, name: Option<&str>) -> String {
    SSM_PARAMETERS
        .iter()
        .find(|it| it.key == key)
        .map(|it| it.of(name))
        .expect("the deployment publishes it")
}

/// Returns a complete CDK app in TypeScript, so that a test can compile it.
pub fn cdk(name: Option<&str>) -> String {
    format!(
        "\
import {{ App, Stack }} from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import {{ StringParameter }} from 'aws-cdk-lib/aws-ssm';

const stack = new Stack(new App(), 'Orders');
const value = (name: string) => StringParameter.valueForStringParameter(stack, name);

const orders = new lambda.Function(stack, 'Function', {{
  runtime: lambda.Runtime.NODEJS_22_X,
  architecture: lambda.Architecture.ARM_64,
  handler: 'index.handler',
  code: lambda.Code.fromInline('exports.handler = async () => {{}}'),
  layers: [lambda.LayerVersion.fromLayerVersionArn(stack, 'Telemetry', value('{layer}'))],
  environment: {{
    {stream_variable}: value('{stream}'),
    {queue_variable}: value('{queue}'),
  }},
}});
const policy = iam.ManagedPolicy.fromManagedPolicyArn(stack, 'TelemetryPolicy', value('{policy}'));
orders.role?.addManagedPolicy(policy);
",
        layer = named("layerArnArm64", name),
        stream = named("streamArn", name),
        queue = named("deadLetterQueueUrl", name),
        policy = named("policyArn", name),
        stream_variable = variable::STREAM,
        queue_variable = variable::DEAD_LETTER_QUEUE_URL,
    )
}

/// Returns a complete CDK app in Python.
pub fn cdk_python(name: Option<&str>) -> String {
    format!(
        "\
from aws_cdk import App, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk.aws_ssm import StringParameter

app = App()
stack = Stack(app, \"Orders\")


def value(name: str) -> str:
    return StringParameter.value_for_string_parameter(stack, name)


orders = lambda_.Function(
    stack,
    \"Function\",
    runtime=lambda_.Runtime.PYTHON_3_13,
    architecture=lambda_.Architecture.ARM_64,
    handler=\"index.handler\",
    code=lambda_.Code.from_inline(\"def handler(event, context): pass\"),
    layers=[lambda_.LayerVersion.from_layer_version_arn(stack, \"Telemetry\", value(\"{layer}\"))],
    environment={{
        \"{stream_variable}\": value(\"{stream}\"),
        \"{queue_variable}\": value(\"{queue}\"),
    }},
)
policy = iam.ManagedPolicy.from_managed_policy_arn(stack, \"TelemetryPolicy\", value(\"{policy}\"))
orders.role.add_managed_policy(policy)
app.synth()
",
        layer = named("layerArnArm64", name),
        stream = named("streamArn", name),
        queue = named("deadLetterQueueUrl", name),
        policy = named("policyArn", name),
        stream_variable = variable::STREAM,
        queue_variable = variable::DEAD_LETTER_QUEUE_URL,
    )
}

/// Returns a SAM template.
pub fn sam(name: Option<&str>) -> String {
    let parameter = |label: &str, key: &str| {
        format!(
            "  {label}:\n    Type: AWS::SSM::Parameter::Value<String>\n    Default: {}\n",
            named(key, name)
        )
    };
    let parameters = [
        parameter("TelemetryLayer", "layerArnArm64"),
        parameter("TelemetryPolicy", "policyArn"),
        parameter("TelemetryStream", "streamArn"),
        parameter("TelemetryDeadLetters", "deadLetterQueueUrl"),
    ];
    format!(
        "\
Transform: AWS::Serverless-2016-10-31
Parameters:
{}Resources:
  Orders:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: nodejs22.x
      Architectures: [arm64]
      Handler: index.handler
      InlineCode: exports.handler = async () => {{}}
      Layers: [!Ref TelemetryLayer]
      Policies: [!Ref TelemetryPolicy]
      Environment:
        Variables:
          {}: !Ref TelemetryStream
          {}: !Ref TelemetryDeadLetters
",
        parameters.concat(),
        variable::STREAM,
        variable::DEAD_LETTER_QUEUE_URL,
    )
}

/// Returns a Terraform configuration. It refers to the role `orders`, which stands for the reader's own.
pub fn terraform(name: Option<&str>) -> String {
    let data = [
        ("layer", "layerArnArm64"),
        ("policy", "policyArn"),
        ("stream", "streamArn"),
        ("dead_letters", "deadLetterQueueUrl"),
    ];
    let mut text = String::new();
    for (label, key) in data {
        _ = writeln!(
            text,
            "data \"aws_ssm_parameter\" \"telemetry_{label}\" {{\n  name = \"{}\"\n}}\n",
            named(key, name)
        );
    }
    _ = write!(
        text,
        "\
resource \"aws_iam_role_policy_attachment\" \"telemetry\" {{
  role       = aws_iam_role.orders.name
  policy_arn = data.aws_ssm_parameter.telemetry_policy.value
}}

resource \"aws_lambda_function\" \"orders\" {{
  function_name = \"orders\"
  role          = aws_iam_role.orders.arn
  runtime       = \"nodejs22.x\"
  architectures = [\"arm64\"]
  handler       = \"index.handler\"
  filename      = \"orders.zip\"
  layers        = [nonsensitive(data.aws_ssm_parameter.telemetry_layer.value)]

  environment {{
    variables = {{
      {} = nonsensitive(data.aws_ssm_parameter.telemetry_stream.value)
      {} = nonsensitive(data.aws_ssm_parameter.telemetry_dead_letters.value)
    }}
  }}
}}
",
        variable::STREAM,
        variable::DEAD_LETTER_QUEUE_URL,
    );
    text
}

/// Returns commands of the AWS CLI.
pub fn cli(name: Option<&str>) -> String {
    format!(
        "\
# Of an x86_64 function: {x86_64}
layer=$(aws ssm get-parameter --name {layer} --query Parameter.Value --output text)
policy=$(aws ssm get-parameter --name {policy} --query Parameter.Value --output text)
stream=$(aws ssm get-parameter --name {stream} --query Parameter.Value --output text)
queue=$(aws ssm get-parameter --name {queue} --query Parameter.Value --output text)

# Both replace what the function has: name its other layers and variables as well.
aws lambda update-function-configuration --function-name orders --layers \"$layer\" \\
  --environment \"Variables={{{stream_variable}=$stream,{queue_variable}=$queue}}\"
aws iam attach-role-policy --role-name orders-role --policy-arn \"$policy\"
",
        x86_64 = named("layerArnX86_64", name),
        layer = named("layerArnArm64", name),
        policy = named("policyArn", name),
        stream = named("streamArn", name),
        queue = named("deadLetterQueueUrl", name),
        stream_variable = variable::STREAM,
        queue_variable = variable::DEAD_LETTER_QUEUE_URL,
    )
}

#[cfg(test)]
mod tests {
    use extension_spec::deployment::ROOT;

    use super::{cdk, cli, sam, terraform};

    #[test]
    fn snippets_of_a_named_deployment_use_its_parameters() {
        for snippet in [cdk, sam, terraform, cli] {
            let plain = snippet(None);
            assert!(plain.matches(ROOT).count() >= 4, "layer, policy, stream and queue: {plain}");
            assert_eq!(snippet(Some("blue")), plain.replace(ROOT, &format!("{ROOT}blue/")));
        }
    }
}
