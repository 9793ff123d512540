//! Starts the extension from its environment, or keeps it idle if something is wrong.
//!
//! A broken extension must not break the function. Every failure after `register` is reported once, and the extension
//! stays registered and idle.

mod register;
mod wiring;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use extension_spec::{Stream, limits, variable};
use tokio::time::Instant;

use crate::base::log;
use crate::base::sync::lock;
use crate::control::config::Environment;
use crate::control::run;
use crate::lambda::early::Early;
use crate::lambda::extensions::{Extension, Next};
pub(super) use register::begin;
use register::register;

/// How the process ends, as its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum End {
    /// Lambda shut the environment down.
    Shutdown = 0,
    /// The process was not started by Lambda (`EX_USAGE`).
    Usage = 64,
    /// Lambda rejected this extension, or `STRICT` rejected its settings (`EX_SOFTWARE`).
    Refused = 70,
}

/// Runs the extension to its end, starting with the registration that [`begin`] has written.
pub(super) async fn start(mut environment: Environment, early: Option<Early>) -> End {
    log::init(environment.config.log_level);
    report_panics();
    let Some(authority) = &environment.runtime_api else {
        log::error(
            "AWS_LAMBDA_RUNTIME_API is not set: this program is started by Lambda from /opt/extensions; \
             to see it work on this machine run `cargo xtask demo`",
        );
        return End::Usage;
    };
    let deadline = Instant::now() + init_timeout(&environment);
    let registered = register(authority, &mut environment.initialization, early, deadline);
    let extension = match registered.await {
        Ok(extension) => extension,
        Err(error) => {
            log::error(&error.to_string());
            return End::Refused;
        }
    };
    if !environment.config.enabled {
        log::info(&format!("{} is false: nothing is delivered", variable::ENABLED));
        return idle(&extension).await;
    }
    let stream = match settled(&environment) {
        Ok(stream) => stream,
        Err(message) if environment.config.strict => {
            return refuse_to_start(&extension, &message).await;
        }
        Err(message) => {
            log::error(&message);
            return idle(&extension).await;
        }
    };
    // The task contains a panic. The box keeps the task small, because tokio moves it several times.
    let life = tokio::spawn(Box::pin(live(environment, extension.clone(), stream, deadline)));
    match life.await {
        Ok(Some(end)) => end,
        Ok(None) => idle(&extension).await,
        Err(error) => {
            log::error(&format!(
                "telemetry is no longer delivered; the function continues: {error}"
            ));
            idle(&extension).await
        }
    }
}

/// Reports all problems with settings. Returns the stream to deliver to, or why there is none.
fn settled(environment: &Environment) -> Result<Stream, String> {
    let Environment { config, problems, notices, .. } = environment;
    let all: Vec<String> = problems.iter().chain(notices).map(ToString::to_string).collect();
    let all = all.join(" | ");
    let Some(stream) = config.stream.clone() else {
        let separator = if all.is_empty() { "" } else { " | " };
        return Err(format!(
            "no telemetry is delivered: no stream is configured; set {} to the name or ARN of a \
             Kinesis data stream{separator}{all}",
            variable::STREAM
        ));
    };
    if config.strict && !problems.is_empty() {
        return Err(format!("{} is true, and some settings are invalid: {all}", variable::STRICT));
    }
    if !all.is_empty() {
        log::warn(&format!("check the settings: {all}"));
    }
    Ok(stream)
}

/// Runs everything from `register` to the end. Returns none if it could not start, which was reported.
async fn live(
    environment: Environment,
    extension: Extension,
    stream: Stream,
    deadline: Instant,
) -> Option<End> {
    match wiring::prepare(&environment, &extension, stream, deadline).await {
        Ok(components) => {
            Some(if run::run(components).await { End::Shutdown } else { End::Refused })
        }
        Err(why) => {
            log::error(&format!("no telemetry is delivered: {why}"));
            None
        }
    }
}

/// Stays registered and does nothing, so that the function is not delayed.
async fn idle(extension: &Extension) -> End {
    loop {
        match run::next(extension).await {
            Ok(Next::Shutdown { .. }) => return End::Shutdown,
            Ok(Next::Invoke { .. } | Next::Unknown(_)) => {}
            Err(error) => {
                log::error(&error.to_string());
                return End::Refused;
            }
        }
    }
}

/// Fails the init, because `STRICT` prefers no function to one with unexpected telemetry.
async fn refuse_to_start(extension: &Extension, message: &str) -> End {
    log::error(message);
    if let Err(error) = extension.init_error("Extension.ConfigInvalid", message).await {
        log::error(&error.to_string());
    }
    End::Refused
}

/// Returns the time for registering and subscribing. It is limited by the init phase, whatever the setting, and leaves
/// a second for the rest.
fn init_timeout(environment: &Environment) -> Duration {
    let longest = Duration::from_millis(limits::INIT_MS - 1_000);
    environment.config.connection_timeout.duration().min(longest)
}

/// Reports a panic as a log line of the extension, once for each location.
fn report_panics() {
    let reported = Mutex::new(BTreeSet::new());
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        if lock(&reported).insert(place) {
            log::error(&format!("a bug: {panic}"));
        }
    }));
}
