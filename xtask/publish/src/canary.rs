//! Verifies a layer version with a function that is made for it, invoked and deleted.
//!
//! Lambda reports extensions when it initialises an environment, and only the log of the invocation that waits for that contains the
//! report. A function is therefore never reused. If Lambda has initialised the environment before the invocation, another value of an
//! environment variable makes it initialise a new one.

use std::time::Duration;

use anyhow::{Result, bail};
use aws_sdk_lambda::error::ProvideErrorMetadata as _;
use aws_sdk_lambda::operation::create_function::CreateFunctionError;
use aws_sdk_lambda::operation::invoke::InvokeOutput;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{
    Architecture, Environment, FunctionCode, LastUpdateStatus, LogType, Runtime, State,
};
use extension_spec::EXTENSION_NAME;
use kinesis_telemetry_terminal::plain;
use tokio::time::sleep;

use crate::canary_function::{HANDLER, zip};
use crate::canary_log::{Verdict, judged};
use crate::layer::Version;
use crate::place::Place;
use crate::release::{Layer, Release};

/// The description that marks a function as one of these.
pub(crate) const DESCRIPTION: &str =
    "Verifies a layer of kinesis-telemetry-extension; made and deleted by cargo xtask publish";
/// The runtime of the function. Raise it before Lambda refuses new functions with it (Lambda Developer Guide, "Runtime deprecation policy").
const RUNTIME: Runtime = Runtime::Nodejs24x;
const TIMEOUT_SECONDS: i32 = 30;
/// The interval between two checks of a function that is being created.
const WAIT: Duration = Duration::from_secs(2);
/// The number of checks until a function counts as failed: two minutes.
const LOOKS: usize = 60;
/// The number of attempts to create a function whose name is taken.
const CREATIONS: usize = 5;
/// The number of invocations until one has initialised an environment.
const INVOCATIONS: usize = 4;
/// The environment variable whose value makes Lambda initialise a new environment.
const VARIABLE: &str = "CANARY_INVOCATION";

/// Verifies a version: makes the function, invokes it, and deletes it in any case. The next run replaces one that a killed run leaves.
pub(crate) async fn verify(
    place: &Place,
    release: &Release,
    layer: &Layer,
    version: &Version,
    role: &str,
) -> Result<()> {
    let name = format!("{EXTENSION_NAME}-canary-{}", layer.architecture.name());
    create(place, layer, version, role, &name).await?;
    let verified = observe(place, release, version, &name).await;
    let deleted = delete(place, &name).await;
    verified.and(deleted)
}

/// Invokes the function until a log reports the extension. Fails if the extension does not work.
async fn observe(place: &Place, release: &Release, version: &Version, name: &str) -> Result<()> {
    let mut last = String::new();
    for invocation in 0..INVOCATIONS {
        if invocation > 0 {
            renew(place, name, invocation).await?;
        }
        match judged(&invoke(place, name).await?, &release.version) {
            Verdict::Works => return Ok(()),
            Verdict::Fails(why) => bail!("{} does not work in a function: {why}", version.arn),
            Verdict::Silent(line) => last = line,
        }
    }
    bail!(
        "{} is not verified: the logs of {INVOCATIONS} invocations do not name the extension, and the last one ends with: {last}",
        version.arn
    )
}

/// Changes the configuration of the function, so that Lambda initialises a new environment.
async fn renew(place: &Place, name: &str, invocation: usize) -> Result<()> {
    place.turn().await;
    let environment = Environment::builder().variables(VARIABLE, invocation.to_string()).build();
    let update = place.lambda.update_function_configuration().function_name(name);
    match update.environment(environment).send().await {
        Ok(_) => Ok(()),
        // The response to this update was lost, and its repetition finds it in progress.
        Err(error) if error.code() == Some("ResourceConflictException") => Ok(()),
        Err(error) => {
            let doing = format!("changing the function {name}");
            Err(place.aws.explain(&doing, "lambda:UpdateFunctionConfiguration", &error))
        }
    }
}

/// Makes the function, in place of one that an earlier run has left.
async fn create(
    place: &Place,
    layer: &Layer,
    version: &Version,
    role: &str,
    name: &str,
) -> Result<()> {
    for _ in 0..CREATIONS {
        place.turn().await;
        let code = FunctionCode::builder().zip_file(Blob::new(zip()?)).build();
        let answer = place
            .lambda
            .create_function()
            .function_name(name)
            .description(format!("{DESCRIPTION} ({})", version.arn))
            .runtime(RUNTIME)
            .handler(HANDLER)
            .role(role)
            .architectures(Architecture::from(layer.architecture.name()))
            .layers(&version.arn)
            .timeout(TIMEOUT_SECONDS)
            .code(code)
            .send()
            .await;
        match answer {
            Ok(_) => return Ok(()),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(CreateFunctionError::is_resource_conflict_exception) =>
            {
                check_origin(place, name).await?;
                delete(place, name).await?;
            }
            Err(error) => {
                let doing = format!("making the function {name}");
                return Err(place.aws.explain(&doing, "lambda:CreateFunction", &error));
            }
        }
    }
    bail!(
        "the function {name} in {} exists again after each of {CREATIONS} deletions: wait until no other run publishes, and run this \
         command again",
        place.region()
    )
}

/// Fails if there is a function with this name that this program did not create.
async fn check_origin(place: &Place, name: &str) -> Result<()> {
    place.turn().await;
    let answer = place.lambda.get_function_configuration().function_name(name).send().await;
    let description = match answer {
        Ok(it) => it.description.unwrap_or_default(),
        Err(error) if error.code() == Some("ResourceNotFoundException") => return Ok(()),
        Err(error) => {
            let doing = format!("reading the function {name}");
            return Err(place.aws.explain(&doing, "lambda:GetFunctionConfiguration", &error));
        }
    };
    if !description.starts_with(DESCRIPTION) {
        bail!(
            "the function {name} in {} was not made by this command, which needs its name: rename or delete it",
            place.region()
        );
    }
    Ok(())
}

/// Waits until the function is ready, and invokes it.
async fn invoke(place: &Place, name: &str) -> Result<InvokeOutput> {
    for look in 1.. {
        place.turn().await;
        let answer = place.lambda.get_function_configuration().function_name(name).send().await;
        let function = answer.map_err(|it| {
            let doing = format!("waiting for the function {name}");
            place.aws.explain(&doing, "lambda:GetFunctionConfiguration", &it)
        })?;
        match (&function.state, &function.last_update_status) {
            (Some(State::Failed), _) | (_, Some(LastUpdateStatus::Failed)) => bail!(
                "the function {name} in {} cannot be used: {}",
                place.region(),
                plain(
                    function
                        .last_update_status_reason()
                        .or(function.state_reason())
                        .unwrap_or("Lambda names no reason")
                )
            ),
            (Some(State::Active), Some(LastUpdateStatus::Successful) | None) => break,
            (state, _) if look == LOOKS => bail!(
                "the function {name} in {} is {} after two minutes: run this command again",
                place.region(),
                state.as_ref().map_or("in no state", State::as_str)
            ),
            _ => sleep(WAIT).await,
        }
    }
    place.turn().await;
    let answer = place.lambda.invoke().function_name(name).log_type(LogType::Tail).send().await;
    answer.map_err(|it| {
        let doing = format!("invoking the function {name}");
        place.aws.explain(&doing, "lambda:InvokeFunction", &it)
    })
}

/// Deletes the function, if there is one.
async fn delete(place: &Place, name: &str) -> Result<()> {
    place.turn().await;
    match place.lambda.delete_function().function_name(name).send().await {
        Ok(_) => Ok(()),
        Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(()),
        Err(error) => {
            let doing = format!("deleting the function {name}");
            Err(place.aws.explain(&doing, "lambda:DeleteFunction", &error))
        }
    }
}
