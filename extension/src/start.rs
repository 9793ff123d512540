//! From an environment to a running extension; and what remains of it when something is wrong.
//!
//! A broken extension must not break the function: whatever fails after `register` is said once, and the extension goes
//! on registered and idle.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use extension_spec::{Problem, Stream, limits};

use crate::config::Environment;
use crate::deadline;
use crate::dispatcher::Dispatcher;
use crate::event::{Source, new_instance};
use crate::flush::Policy;
use crate::intake::Intake;
use crate::kinesis::{Connector, Kinesis, Roots};
use crate::lambda::Api;
use crate::lambda::extensions::{Extension, Next};
use crate::lambda::telemetry::{Subscription, subscribe};
use crate::listener::Listener;
use crate::log;
use crate::pack::{Limits, Packer};
use crate::pressure::Pressure;
use crate::queue::Queue;
use crate::run::{self, Parts};

/// How the process ends, as its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum End {
    /// Lambda shut the environment down.
    Shutdown = 0,
    /// Not started by Lambda (`EX_USAGE`).
    Usage = 64,
    /// Lambda refused this extension, or `STRICT` refused its settings (`EX_SOFTWARE`).
    Refused = 70,
}

/// Runs the extension to its end.
pub async fn start(environment: Environment) -> End {
    log::init(environment.config.log_level);
    say_panics();
    let Some(authority) = &environment.runtime_api else {
        log::error(
            "AWS_LAMBDA_RUNTIME_API is not set: this program is started by Lambda from /opt/extensions; \
             to see it work on this machine run `cargo xtask demo`",
        );
        return End::Usage;
    };
    // Nothing that can wait comes before this: the runtime starts only when every extension has registered.
    let events: &[&str] =
        if environment.managed_instances { &["SHUTDOWN"] } else { &["INVOKE", "SHUTDOWN"] };
    let timeout = init_timeout(&environment);
    let extension = match Extension::register(Api::new(authority), events, timeout).await {
        Ok(extension) => extension,
        Err(error) => {
            log::error(&error.to_string());
            return End::Refused;
        }
    };
    if !environment.problems.is_empty() {
        let message = in_one_line(&environment.problems);
        if environment.config.strict {
            return refuse_to_start(&extension, &message).await;
        }
        log::warn(&message);
    }
    match prepare(&environment, &extension, timeout).await {
        Ok(parts) => {
            // In a task, so that a panic ends there.
            match tokio::spawn(run::run(parts)).await {
                Ok(true) => End::Shutdown,
                Ok(false) => End::Refused,
                Err(error) => {
                    log::error(&format!(
                        "telemetry is not delivered any more, the function goes on: {error}"
                    ));
                    idle(&extension).await
                }
            }
        }
        Err(why) => {
            why.say();
            idle(&extension).await
        }
    }
}

/// Why nothing will be delivered.
enum Idle {
    /// As a person wants it.
    Wanted(&'static str),
    /// Something is wrong.
    Broken(String),
}

impl Idle {
    fn say(&self) {
        match self {
            Self::Wanted(why) => log::info(why),
            Self::Broken(why) => log::error(&format!("no telemetry is delivered: {why}")),
        }
    }
}

/// Everything between `register` and the first `next`.
async fn prepare(
    environment: &Environment,
    extension: &Extension,
    timeout: Duration,
) -> Result<Parts<Kinesis>, Idle> {
    let config = &environment.config;
    if !config.enabled {
        return Err(Idle::Wanted("KINESIS_TELEMETRY_ENABLED is false: nothing is delivered"));
    }
    let Some(stream) = config.stream.clone() else {
        let why = "no stream is configured; set KINESIS_TELEMETRY_STREAM to the name or ARN of a Kinesis data stream";
        return Err(Idle::Broken(why.to_owned()));
    };
    let listener = Listener::bind()
        .await
        .map_err(|error| Idle::Broken(format!("cannot listen for telemetry: {error}")))?;
    let pressure = Arc::new(Pressure::new(environment.queue_max_bytes()));
    let port = listener.port();
    // Lambda delivers what it has kept as soon as it is subscribed.
    let bodies = listener.serve(pressure.clone());
    match subscribe(extension, port, config, timeout).await {
        Ok(Subscription::Active(schema)) => log::debug(&format!("subscribed with schema {schema}")),
        Ok(Subscription::Unsupported) => {
            let why = "this Lambda has no Telemetry API (an emulator such as `sam local`)";
            return Err(Idle::Broken(why.to_owned()));
        }
        Err(error) => return Err(Idle::Broken(error.to_string())),
    }
    let function = &extension.function;
    let source = Source::new(&function.function_name, &function.function_version, &new_instance());
    let packer = Packer::new(Limits::new(config), source.clone());
    let queue = Arc::new(Mutex::new(Queue::new(packer, pressure.clone())));
    let kinesis = kinesis(environment, stream).await;
    let flush_timeout = config.flush_timeout.duration();
    Ok(Parts {
        extension: extension.clone(),
        policy: Policy::new(config),
        flush_timeout,
        buffer_timeout: config.buffer_timeout.duration(),
        always_awake: environment.managed_instances,
        intake: Intake::new(source, config.types.clone(), !environment.managed_instances),
        dispatcher: Arc::new(Dispatcher::new(kinesis, queue.clone())),
        queue,
        bodies,
        pressure,
    })
}

async fn kinesis(environment: &Environment, stream: Stream) -> Kinesis {
    let roots = environment
        .ca_bundle
        .as_deref()
        .map_or_else(|| Ok(Roots::compiled_in()), Roots::from_pem_file);
    let roots = roots.unwrap_or_else(|error| {
        log::error(&format!("{error}; the compiled-in certificate authorities are used"));
        Roots::compiled_in()
    });
    let flush_timeout = environment.config.flush_timeout.duration();
    let connector = Connector::new(roots, deadline::connect(flush_timeout));
    Kinesis::new(stream, environment.region.clone(), connector).await
}

/// Stays registered and does nothing, so that the function is not held up.
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

/// `STRICT`: better no function than one whose telemetry is not as it was meant.
async fn refuse_to_start(extension: &Extension, message: &str) -> End {
    log::error(message);
    if let Err(error) = extension.init_error("Extension.ConfigInvalid", message).await {
        log::error(&error.to_string());
    }
    End::Refused
}

/// Registering and subscribing may not outlast the init phase, whatever is set; a second is left for the rest.
fn init_timeout(environment: &Environment) -> Duration {
    let longest = Duration::from_millis(limits::INIT_MS - 1_000);
    environment.config.connection_timeout.duration().min(longest)
}

fn in_one_line(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let what = if lines.len() == 1 { "a setting" } else { "settings" };
    format!("{} {what} cannot be used as set: {}", lines.len(), lines.join(" | "))
}

/// A panic is said in a line of ours, so that it is known for what it is.
fn say_panics() {
    std::panic::set_hook(Box::new(|panic| log::error(&format!("a bug: {panic}"))));
}
