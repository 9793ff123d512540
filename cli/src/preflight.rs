//! `preflight`: finds out where the credentials of this process lead, within seconds, for `cargo xtask` before it deploys.

use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use aws_sdk_ssm::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_ssm::operation::get_parameters::{GetParametersError, GetParametersOutput};
use aws_sdk_sts::config::Credentials;
use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityOutput;
use extension_spec::deployment::SSM_PARAMETERS;
use kinesis_telemetry_stream::{Aws, configuration_files, is_denied, say};
use serde::Serialize;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// Longest time for everything that this waits for.
const LIMIT: Duration = Duration::from_secs(9);
/// Longest time for what can be given up: shorter, so that the reason is that of the step.
const STEPS: Duration = Duration::from_millis(8_500);
/// Parameter with the version of the CDK's bootstrap stack, where its qualifier is the default one.
const BOOTSTRAP: &str = "/cdk-bootstrap/hnb659fds/version";

/// Where credentials lead. `cargo xtask` reads it as JSON.
#[derive(Debug, Serialize)]
struct Place {
    account: String,
    region: String,
    /// Version of the CDK's bootstrap stack, if there is one.
    bootstrap: Option<u32>,
    /// Stack that publishes the parameters of the deployment, if one does.
    owner: Option<String>,
}

/// Prints the place as JSON.
pub(crate) async fn run(name: Option<String>) -> Result<ExitCode> {
    let (sender, place) = oneshot::channel();
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("the runtime does not start")?;
    // Reading a file and looking up a host's name cannot be cancelled: the process ends without waiting for this thread.
    thread::spawn(move || {
        // Sent from within the runtime, which waits for a look-up when it ends. No receiver is left once the time is over.
        runtime.block_on(async { _ = sender.send(find(name.as_deref()).await) });
    });
    let Ok(place) = timeout(LIMIT, place).await else {
        let seconds = LIMIT.as_secs();
        bail!(
            "AWS's configuration cannot be read within {seconds} s: check {}",
            configuration_files()
        );
    };
    let place = place.context("the preflight ended without a result")??;
    let json = serde_json::to_string(&place).context("the place makes no JSON")?;
    say::out(&(json + "\n"))?;
    Ok(ExitCode::SUCCESS)
}

async fn find(name: Option<&str>) -> Result<Place> {
    let began = Instant::now();
    let left = || STEPS.saturating_sub(began.elapsed());
    let aws = timeout(left(), Aws::find_soon()).await.unwrap_or_else(|_| {
        bail!("no AWS region is set, and EC2's metadata service does not answer: set AWS_REGION")
    })?;
    let aws = aws.sign_in(left()).await?;
    timeout(left(), ask(&aws, name)).await.unwrap_or_else(|_| {
        bail!(
            "{} does not answer within {} s: check the network, AWS_REGION, AWS_ENDPOINT_URL and HTTPS_PROXY",
            aws.place("STS"),
            LIMIT.as_secs()
        )
    })
}

async fn ask(aws: &Aws, name: Option<&str>) -> Result<Place> {
    let owner = SSM_PARAMETERS.iter().find(|it| it.key == "stackName");
    let owner = owner.context("no parameter holds the stack's name")?.of(name);
    let sts = aws_sdk_sts::Client::new(&aws.config);
    let (identity, found) = tokio::join!(sts.get_caller_identity().send(), parameters(aws, &owner));
    let identity = identity.map_err(|error| {
        aws.explain("asking whose these credentials are", "sts:GetCallerIdentity", &error)
    })?;
    let account = identity.account().context("STS does not say which account this is")?;
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
            format!("the parameter {BOOTSTRAP} is {version:?}, which is no version: run cargo xtask bootstrap again")
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

/// Takes the role by which the CDK's tool looks parameters up. A person who deploys with the CDK may need no other permission.
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
