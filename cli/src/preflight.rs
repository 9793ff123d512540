//! `preflight`: reports the account and region of the credentials within seconds, for `cargo xtask` before it deploys.

use std::process::ExitCode;

use anyhow::{Context, Result};
use aws_sdk_ssm::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_ssm::operation::get_parameters::{GetParametersError, GetParametersOutput};
use aws_sdk_sts::config::Credentials;
use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityOutput;
use extension_spec::deployment::SSM_PARAMETERS;
use kinesis_telemetry_stream::{Aws, is_denied, stdout};
use serde::Serialize;

use crate::session::Session;

/// Parameter with the version of the CDK's bootstrap stack, if its qualifier is the default one.
const BOOTSTRAP: &str = "/cdk-bootstrap/hnb659fds/version";

/// The account and region of the credentials. `cargo xtask` reads it as JSON.
#[derive(Debug, Serialize)]
struct Place {
    account: String,
    region: String,
    /// Version of the CDK's bootstrap stack, if there is one.
    bootstrap: Option<u32>,
    /// Stack that publishes the parameters of the deployment, if it exists.
    owner: Option<String>,
}

/// Prints the place as JSON.
pub(crate) async fn run(name: Option<&str>, session: &Session) -> Result<ExitCode> {
    let (_, place) = session.connect(async |aws| ask(aws, name).await).await?;
    let json = serde_json::to_string(&place).context("the result cannot be written as JSON")?;
    stdout::print(&(json + "\n"))?;
    Ok(ExitCode::SUCCESS)
}

async fn ask(aws: &Aws, name: Option<&str>) -> Result<Place> {
    let owner = SSM_PARAMETERS.iter().find(|it| it.key == "stackName");
    let owner = owner.context("the specification has no parameter for the stack's name")?.of(name);
    let sts = aws_sdk_sts::Client::new(&aws.config);
    let (identity, found) = tokio::join!(sts.get_caller_identity().send(), parameters(aws, &owner));
    let identity = identity.map_err(|error| {
        aws.explain("identifying the credentials", "sts:GetCallerIdentity", &error)
    })?;
    let account = identity.account().context("the response of STS has no account")?;
    let found = match found {
        Err(error) if is_denied(error.code()) => match lookup(aws, &identity).await {
            Some(aws) => parameters(&aws, &owner).await,
            None => Err(error),
        },
        found => found,
    };
    let found = found
        .map_err(|error| aws.explain("reading the parameters", "ssm:GetParameters", &error))?;
    let value = |name: &str| {
        let mut parameters = found.parameters().iter();
        parameters.find(|it| it.name() == Some(name)).and_then(|it| it.value())
    };
    let bootstrap = value(BOOTSTRAP).map(|version| {
        version.parse().with_context(|| {
            format!("the parameter {BOOTSTRAP} is {version:?}, which is not a version: run cargo xtask bootstrap again")
        })
    });
    Ok(Place {
        account: account.to_owned(),
        region: aws.region.clone(),
        bootstrap: bootstrap.transpose()?,
        owner: value(&owner).map(str::to_owned),
    })
}

async fn parameters(
    aws: &Aws,
    owner: &str,
) -> Result<GetParametersOutput, SdkError<GetParametersError>> {
    let client = aws_sdk_ssm::Client::new(&aws.config);
    client.get_parameters().names(BOOTSTRAP).names(owner).send().await
}

/// Assumes the role with which the CDK looks up parameters. People who deploy with the CDK may have no other permission.
async fn lookup(aws: &Aws, identity: &GetCallerIdentityOutput) -> Option<Aws> {
    let account = identity.account()?;
    let partition = identity.arn()?.split(':').nth(1)?;
    let region = &aws.region;
    let role =
        format!("arn:{partition}:iam::{account}:role/cdk-hnb659fds-lookup-role-{account}-{region}");
    let sts = aws_sdk_sts::Client::new(&aws.config);
    let session = sts.assume_role().role_arn(role).role_session_name("kinesis-telemetry");
    let answer = session.send().await.ok()?;
    let it = answer.credentials()?;
    let token = Some(it.session_token().to_owned());
    let credentials =
        Credentials::new(it.access_key_id(), it.secret_access_key(), token, None, "lookup");
    Some(aws.signing_with(credentials))
}
