//! Verifies a layer version with a function that is made for it, invoked once and deleted.

use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use aws_sdk_lambda::error::ProvideErrorMetadata as _;
use aws_sdk_lambda::operation::create_function::CreateFunctionError;
use aws_sdk_lambda::operation::invoke::InvokeOutput;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{
    Architecture, FunctionCode, LastUpdateStatus, LogType, Runtime, State,
};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use extension_spec::{EXTENSION_NAME, LOG_PREFIX, variable};
use kinesis_telemetry_terminal::plain;
use tokio::time::sleep;

use crate::canary_function::{HANDLER, zip};
use crate::layer::Version;
use crate::place::Place;
use crate::release::{Layer, Release};

/// The description that marks a function as one of these.
const DESCRIPTION: &str =
    "Verifies a layer of kinesis-telemetry-extension; made and deleted by cargo xtask publish";
/// The runtime of the function. Raise it before Lambda refuses new functions with it (Lambda Developer Guide, "Runtime deprecation policy").
const RUNTIME: Runtime = Runtime::Nodejs24x;
const TIMEOUT_SECONDS: i32 = 30;
/// The interval between two checks of a function that is being created.
const WAIT: Duration = Duration::from_secs(2);
/// The number of checks until a function counts as failed: two minutes.
const LOOKS: usize = 60;

/// Verifies a version: makes the function, invokes it, and deletes it in any case. One that a killed run leaves is used or replaced
/// by the next run.
pub(crate) async fn verify(
    place: &Place,
    release: &Release,
    layer: &Layer,
    version: &Version,
    role: &str,
) -> Result<()> {
    let name = format!("{EXTENSION_NAME}-canary-{}", layer.architecture.name());
    create(place, layer, version, role, &name).await?;
    let verified = invoke(place, &name).await.and_then(|answer| {
        judged(&answer, &release.version)
            .map_err(|why| anyhow!("{} does not work in a function: {why}", version.arn))
    });
    let deleted = delete(place, &name).await;
    verified.and(deleted)
}

/// Makes the function, in place of one that an earlier run has left.
async fn create(
    place: &Place,
    layer: &Layer,
    version: &Version,
    role: &str,
    name: &str,
) -> Result<()> {
    loop {
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
                if found(place, version, name).await? {
                    return Ok(());
                }
                delete(place, name).await?;
            }
            Err(error) => {
                let doing = format!("making the function {name}");
                return Err(place.aws.explain(&doing, "lambda:CreateFunction", &error));
            }
        }
    }
}

/// Checks the function with this name. Returns true if it is for this version. Fails if this program did not create it.
async fn found(place: &Place, version: &Version, name: &str) -> Result<bool> {
    place.turn().await;
    let answer = place.lambda.get_function_configuration().function_name(name).send().await;
    let description = match answer {
        Ok(it) => it.description.unwrap_or_default(),
        Err(error) if error.code() == Some("ResourceNotFoundException") => return Ok(false),
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
    Ok(description.ends_with(&format!("({})", version.arn)))
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
                plain(function.state_reason().unwrap_or("Lambda names no reason"))
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

/// Returns the reason why an invocation does not prove that the layer works.
fn judged(answer: &InvokeOutput, version: &str) -> Result<(), String> {
    let log = answer.log_result().unwrap_or_default();
    let log = BASE64_STANDARD.decode(log).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    if let Some(error) = answer.function_error() {
        return Err(format!("{error}, and the log says: {}", plain(&log)));
    }
    judged_log(&log, version)
}

/// Returns what is missing in the log, or must not be there.
fn judged_log(log: &str, version: &str) -> Result<(), String> {
    let fields =
        |line: &str| line.split('\t').map(str::trim).map(str::to_owned).collect::<Vec<_>>();
    let is_ours = |it: &Vec<String>| {
        it.first().is_some_and(|word| word == "EXTENSION")
            && it.contains(&format!("Name: {EXTENSION_NAME}"))
    };
    let Some(state) = log.lines().map(fields).find(is_ours) else {
        return Err(format!(
            "the log does not name the extension: {}",
            plain(log.lines().last().unwrap_or("it is empty"))
        ));
    };
    if !state.contains(&"State: Ready".to_owned()) || log.contains("Extension.") {
        return Err(format!("the extension is not ready: {}", plain(&state.join(" "))));
    }
    // The function has no stream, so the extension says that it delivers nothing.
    let own = log.lines().filter(|it| it.contains(LOG_PREFIX));
    for line in own {
        if line.contains(" ERROR ") && !line.contains(variable::STREAM) {
            return Err(format!("the extension logs an error: {}", plain(line)));
        }
        if line.contains("(version ") && !line.contains(&format!("(version {version})")) {
            return Err(format!("the extension is not {version}: {}", plain(line)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::judged_log;

    const READY: &str = "START RequestId: 1 Version: $LATEST\nEXTENSION\tName: kinesis-telemetry-extension\tState: Ready\tEvents: [INVOKE, SHUTDOWN]\n";

    #[test]
    fn a_log_with_the_extension_ready_is_accepted() {
        assert_eq!(judged_log(READY, "1.2.3"), Ok(()));
        let no_stream = "[kinesis-telemetry-extension] ERROR no telemetry is delivered: no stream is configured; set KINESIS_TELEMETRY_STREAM to (version 1.2.3)\n";
        assert_eq!(judged_log(&format!("{READY}{no_stream}"), "1.2.3"), Ok(()));
        let other = judged_log(&format!("{READY}{no_stream}"), "1.2.4").unwrap_err();
        assert!(other.starts_with("the extension is not 1.2.4"), "{other}");
    }

    #[test]
    fn a_log_of_a_broken_layer_is_refused() {
        let of = |log: &str| judged_log(log, "1.2.3").unwrap_err();
        assert!(of("").contains("does not name the extension"));
        let other = READY.replace("kinesis-telemetry-extension", "other");
        assert!(of(&other).contains("does not name the extension"));
        let failed = READY.replace("Ready", "LaunchError");
        assert!(of(&failed).starts_with("the extension is not ready"));
        let crashed = format!("{READY}RequestId: 1 Error: exit code 1 Extension.Crash\n");
        assert!(of(&crashed).starts_with("the extension is not ready"));
        let error = format!("{READY}[kinesis-telemetry-extension] ERROR something else\n");
        assert!(of(&error).starts_with("the extension logs an error"));
    }
}
