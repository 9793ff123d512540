//! From an environment to a running extension; and what remains of it when something is wrong.
//!
//! A broken extension must not break the function: whatever fails after `register` is said once, and the extension goes
//! on registered and idle.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use extension_spec::{PartitionKey, Stream, limits, variable};
use tokio::time::Instant;

use crate::aws::{Connector, Roots};
use crate::breaker::{self, Breaker};
use crate::chance;
use crate::config::Environment;
use crate::deadline;
use crate::dispatcher::{Dispatcher, Route};
use crate::event::Source;
use crate::flush::Policy;
use crate::intake::Intake;
use crate::keys::Keys;
use crate::kinesis::Kinesis;
use crate::lambda::Api;
use crate::lambda::extensions::{Extension, Function, Next};
use crate::lambda::telemetry::{Subscription, subscribe};
use crate::listener::Listener;
use crate::log;
use crate::pack::{Limits, Packer, Packing};
use crate::pressure::Pressure;
use crate::queue::{Queue, SpillSettings};
use crate::run::{self, DeadLetters, Parts, Teller};
use crate::spill;
use crate::sqs::Sqs;

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
    let deadline = Instant::now() + init_timeout(&environment);
    // Nothing that can wait comes before this: the runtime starts only when every extension has registered.
    let events: &[&str] =
        if environment.managed_instances { &["SHUTDOWN"] } else { &["INVOKE", "SHUTDOWN"] };
    let remaining = deadline.saturating_duration_since(Instant::now());
    let extension = match Extension::register(Api::new(authority), events, remaining).await {
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
    // In a task, so that a panic ends there.
    let life = tokio::spawn(live(environment, extension.clone(), stream, deadline));
    match life.await {
        Ok(Some(end)) => end,
        Ok(None) => idle(&extension).await,
        Err(error) => {
            log::error(&format!(
                "telemetry is not delivered any more, the function goes on: {error}"
            ));
            idle(&extension).await
        }
    }
}

/// The stream to deliver to, once everything that is to be said of the settings has been said; or why there is none.
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
        return Err(format!("{} is true, and settings cannot be used: {all}", variable::STRICT));
    }
    if !all.is_empty() {
        log::warn(&format!("check the settings: {all}"));
    }
    Ok(stream)
}

/// Everything from `register` to the end; nothing, if it could not begin, which has been said.
async fn live(
    environment: Environment,
    extension: Extension,
    stream: Stream,
    deadline: Instant,
) -> Option<End> {
    match prepare(&environment, &extension, stream, deadline).await {
        Ok(parts) => Some(if run::run(parts).await { End::Shutdown } else { End::Refused }),
        Err(why) => {
            log::error(&format!("no telemetry is delivered: {why}"));
            None
        }
    }
}

/// Everything between `register` and the first `next`.
async fn prepare(
    environment: &Environment,
    extension: &Extension,
    stream: Stream,
    deadline: Instant,
) -> Result<Parts<Kinesis, Sqs>, String> {
    let config = &environment.config;
    let listener =
        Listener::bind().await.map_err(|error| format!("cannot listen for telemetry: {error}"))?;
    let pressure = Arc::new(Pressure::new(environment.queue_max_bytes()));
    let port = listener.port();
    // Lambda delivers what it has kept as soon as it is subscribed.
    let bodies = listener.serve(pressure.clone());
    let remaining = deadline.saturating_duration_since(Instant::now());
    match subscribe(extension, port, config, remaining).await {
        Ok(Subscription::Active(schema)) => log::debug(&format!("subscribed with schema {schema}")),
        Ok(Subscription::Unsupported) => {
            return Err(
                "this Lambda has no Telemetry API (an emulator such as `sam local`)".to_owned()
            );
        }
        Err(error) => return Err(error.to_string()),
    }
    // Randomness of this process, now that nobody waits for it.
    chance::seed();
    let source = source(environment, extension);
    let queue = Arc::new(Mutex::new(queue(environment, source.clone(), pressure)));
    let connector = connector(environment);
    let kinesis = Kinesis::new(
        stream.clone(),
        environment.region.clone(),
        connector,
        environment.container_credentials,
    )
    .await;
    let mut intake = Intake::new(source, config.types.clone(), !environment.managed_instances);
    if config.partition_key == PartitionKey::Request {
        intake = intake.by_request();
    }
    Ok(Parts {
        next: asking(extension.clone()),
        policy: Policy::new(config),
        flush_timeout: config.flush_timeout.duration(),
        buffer_timeout: config.buffer_timeout.duration(),
        always_awake: environment.managed_instances,
        breaker: Breaker::new(breaker::FIRST),
        intake,
        dispatcher: Arc::new(Dispatcher::new(Route::STREAM, kinesis, queue.clone())),
        dead_letters: dead_letters(environment, &stream, &queue),
        teller: Teller::new(config.metrics),
        queue,
        bodies,
    })
}

fn asking(extension: Extension) -> run::Asking {
    Box::new(move || {
        let extension = extension.clone();
        Box::pin(async move { run::next(&extension).await })
    })
}

/// The queue, with what a process before this one has left in it.
fn queue(environment: &Environment, source: Source, pressure: Arc<Pressure>) -> Queue {
    let config = &environment.config;
    let limits = Limits::new(config, environment.queue_max_bytes());
    let folder = std::env::temp_dir();
    let max_bytes = config.spill_max_bytes.map(|bytes| bytes.0);
    let max_bytes = max_bytes.unwrap_or_else(|| spill::default_max_bytes(&folder));
    let mut queue = Queue::new(Packer::new(limits, Packing::new(config), source), pressure)
        .with_keys(Keys::new(config.partition_key))
        .with_spill(SpillSettings { folder, max_bytes });
    if config.dead_letter_queue_url.is_some() {
        queue = queue.with_dead_letters();
    }
    let (adopted, problems) = queue.adopt();
    if adopted > 0 {
        log::info(&format!(
            "{adopted} events that a process before this one has left are delivered"
        ));
    }
    for problem in problems {
        log::warn(&problem);
    }
    queue
}

/// Who events come from: as `register` says, or else as the environment does.
fn source(environment: &Environment, extension: &Extension) -> Source {
    let Function { function_name, function_version, .. } = &extension.function;
    let (name, version) = &environment.function;
    let known =
        |told: &String, read: &String| if told.is_empty() { read.clone() } else { told.clone() };
    let (name, version) = (known(function_name, name), known(function_version, version));
    // The same for who numbers events and who packs them.
    Source::new(&name, &version, &chance::new_instance()).in_envelope(environment.config.envelope)
}

fn connector(environment: &Environment) -> Connector {
    let roots = environment
        .ca_bundle
        .as_deref()
        .map_or_else(|| Ok(Roots::compiled_in()), Roots::from_pem_file);
    let roots = roots.unwrap_or_else(|error| {
        log::error(&format!("{error}; the compiled-in certificate authorities are used"));
        Roots::compiled_in()
    });
    Connector::new(roots, deadline::connect(environment.config.flush_timeout.duration()))
}

/// The dead-letter queue, if there is one.
fn dead_letters(
    environment: &Environment,
    stream: &Stream,
    queue: &Arc<Mutex<Queue>>,
) -> Option<Arc<DeadLetters<Sqs>>> {
    let url = environment.config.dead_letter_queue_url.clone()?;
    let (environment, stream) = (environment.clone(), stream.as_str().to_owned());
    let make = move || {
        let (url, stream) = (url.clone(), stream.clone());
        let (region, connector) = (environment.region.clone(), connector(&environment));
        async move { Sqs::new(url, stream, region, connector).await }
    };
    Some(Arc::new(DeadLetters::new(queue.clone(), make)))
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

/// Registering and subscribing together may not outlast the init phase, whatever is set; a second is left for the rest.
fn init_timeout(environment: &Environment) -> Duration {
    let longest = Duration::from_millis(limits::INIT_MS - 1_000);
    environment.config.connection_timeout.duration().min(longest)
}

/// A panic is said in a line of ours, so that it is known for what it is.
fn say_panics() {
    std::panic::set_hook(Box::new(|panic| log::error(&format!("a bug: {panic}"))));
}
