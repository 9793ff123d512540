//! Connects the components of a registered extension from its environment.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, LazyLock, Mutex};

use extension_spec::{PartitionKey, QueueUrl, Stream};
use tokio::time::Instant;

use crate::base::log;
use crate::base::random;
use crate::base::sync::lock;
use crate::buffer::memory_budget::MemoryBudget;
use crate::buffer::queue::Queue;
use crate::buffer::spill::{self, SpillSettings};
use crate::control::config::{Environment, Initialization};
use crate::control::run::{self, Components, DeadLetters};
use crate::delivery::aws::{Access, Connector, Roots};
use crate::delivery::kinesis::Kinesis;
use crate::delivery::sqs::Sqs;
use crate::event::Source;
use crate::ingest::listener::Listener;
use crate::lambda::extensions::{Extension, Function};
use crate::lambda::telemetry::{Subscription, subscribe};
use crate::pack::partition_keys::PartitionKeys;
use crate::pack::sink::{Lazy, lazy};
use crate::pack::{Limits, Packer, Packing};
use crate::policy::deadline;

/// Does everything between `register` and the first `next`.
pub(super) async fn prepare(
    environment: &Environment,
    extension: &Extension,
    stream: Stream,
    deadline: Instant,
) -> Result<Components<Lazy<Kinesis>, Sqs>, String> {
    let config = &environment.config;
    let initialization = match environment.initialization {
        // This process follows a timeout or a crash. The environment was restored long ago, and an invocation waits.
        Initialization::SnapStart if restored().any(|path| path.exists()) => {
            Initialization::OnDemand
        }
        it => it,
    };
    let listener =
        Listener::bind().await.map_err(|error| format!("cannot listen for telemetry: {error}"))?;
    let memory = Arc::new(MemoryBudget::new(environment.queue_max_bytes()));
    let port = listener.port();
    // Lambda delivers buffered telemetry as soon as the extension has subscribed.
    let bodies = listener.serve(memory.clone());
    // Each client is built when it is needed.
    let access = access(environment);
    let kinesis = {
        let (access, stream) = (access.clone(), stream.clone());
        lazy(move || Kinesis::new(stream, &access))
    };
    let ahead = config.preconnect.then(|| get_ready(kinesis.clone(), initialization));
    let remaining = deadline.saturating_duration_since(Instant::now());
    // The components that the first `next` needs are built while Lambda answers the subscription.
    let building = async {
        // The request leaves first.
        tokio::task::yield_now().await;
        random::seed();
        let source = source(environment, extension);
        let mut queue = queue(environment, source.clone(), memory);
        let adopted = queue.adopt();
        let next = poll_next(extension.clone());
        let (origin, queue) = ((source, bodies), Arc::new(Mutex::new(queue)));
        (Components::new(config, initialization, next, origin, queue, kinesis), adopted)
    };
    let subscribing = subscribe(extension, port, config, remaining);
    let (subscribed, (mut components, adopted)) = tokio::join!(subscribing, building);
    match subscribed {
        Ok(Subscription::Active(schema)) => log::debug(&format!("subscribed with schema {schema}")),
        Ok(Subscription::Unsupported) => {
            return Err(
                "this Lambda has no Telemetry API (an emulator such as `sam local`)".to_owned()
            );
        }
        Err(error) => return Err(error.to_string()),
    }
    let queue = components.queue.clone();
    report_adopted(&lock(&queue), adopted);
    components.ahead = ahead;
    if initialization == Initialization::SnapStart {
        components.on_restore = Box::new(|| {
            random::seed();
            // Without the file, a later process only loses some time.
            let _ = restored().find(|path| std::fs::File::create(path).is_ok());
        });
    }
    Ok(match &config.dead_letter_queue_url {
        Some(url) => {
            components.with_dead_letters(dead_letters(url.clone(), access, &stream, queue))
        }
        None => components,
    })
}

/// Builds the client and opens a connection if that is useful.
fn get_ready(
    kinesis: Lazy<Kinesis>,
    initialization: Initialization,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        let kinesis = LazyLock::force(&kinesis);
        if is_used_soon(initialization) {
            kinesis.connect().await;
        }
    })
}

/// True if a connection that is opened now will be used soon.
fn is_used_soon(initialization: Initialization) -> bool {
    match initialization {
        Initialization::OnDemand | Initialization::ManagedInstances => true,
        // The connection would be too old by then, or belong to another process.
        Initialization::ProvisionedConcurrency | Initialization::SnapStart => false,
    }
}

/// Returns the possible paths of the file that marks this environment as restored from a snapshot. The snapshot
/// contains no such file.
fn restored() -> impl Iterator<Item = PathBuf> {
    let folders = temporary_folders();
    (0..folders.len()).map(move |index| {
        let name = format!("{}.restored", spill::file_prefix(&folders, index));
        folders[index].join(name)
    })
}

/// Returns the folders for temporary files, the preferred one first. `TMPDIR` may name a folder that is missing or not
/// writable.
fn temporary_folders() -> Vec<PathBuf> {
    let mut folders = vec![std::env::temp_dir(), PathBuf::from("/tmp")];
    folders.retain(|folder| !folder.as_os_str().is_empty());
    folders.dedup();
    folders
}

fn poll_next(extension: Extension) -> run::PollNext {
    Box::new(move || {
        let extension = extension.clone();
        Box::pin(async move { run::next(&extension).await })
    })
}

/// Returns an empty queue.
fn queue(environment: &Environment, source: Source, memory: Arc<MemoryBudget>) -> Queue {
    let config = &environment.config;
    let limits = Limits::new(config, environment.queue_max_bytes());
    let max_bytes = config.spill_max_bytes.map(|bytes| bytes.0);
    let spill = SpillSettings { folders: temporary_folders(), max_bytes };
    Queue::new(Packer::new(limits, Packing::new(config), source), memory)
        .with_partition_keys(PartitionKeys::new(partition_key(environment)))
        .with_spill(spill)
}

/// Logs the events that the queue has adopted from an earlier process, and what it cannot adopt.
fn report_adopted(queue: &Queue, (adopted, problems): (u64, Vec<String>)) {
    if adopted > 0 {
        let more = if queue.has_undiscovered() { ", and further ones follow" } else { "" };
        log::info(&format!("delivering {adopted} events that an earlier process left{more}"));
    }
    for problem in problems {
        log::warn(&problem);
    }
}

/// Returns the partition key to use. Concurrent invocations may produce more than a shard accepts, so managed instances
/// use a random key for each record.
fn partition_key(environment: &Environment) -> PartitionKey {
    match (environment.config.partition_key, environment.initialization) {
        (PartitionKey::Instance, Initialization::ManagedInstances) => PartitionKey::Random,
        (chosen, _) => chosen,
    }
}

/// Returns the source of events: the description in `register`, with the environment's values for missing ones.
fn source(environment: &Environment, extension: &Extension) -> Source {
    let Function { name: registered_name, version: registered_version, .. } = &extension.function;
    let (name, version) = &environment.function;
    let known = |registered: &String, read: &String| {
        if registered.is_empty() { read.clone() } else { registered.clone() }
    };
    let (name, version) = (known(registered_name, name), known(registered_version, version));
    // The labels are the same for numbering and for packing events.
    let account = extension.function.account_id.as_deref();
    let labels = environment.config.labels.as_ref();
    let labels = labels.map(|it| it.resolve(account, environment.region.as_deref()));
    Source::new(&name, &version, &random::new_instance())
        .with_labels(labels.unwrap_or_default())
        .in_envelope(environment.config.envelope)
}

/// Returns how AWS is reached.
fn access(environment: &Environment) -> Lazy<Access> {
    let Environment { config, ca_bundle, region, credentials, proxy, .. } = environment;
    let timeout = deadline::connect(config.flush_timeout.duration());
    let (ca_bundle, region, credentials) = (ca_bundle.clone(), region.clone(), credentials.clone());
    let proxy = proxy.clone();
    lazy(move || {
        let connector = Connector::new(roots(ca_bundle.as_deref()), timeout).through(proxy);
        Access { region, connector, credentials }
    })
}

/// Returns the certificate authorities of a file if one is named and usable.
fn roots(ca_bundle: Option<&str>) -> Roots {
    let roots = ca_bundle.map_or_else(|| Ok(Roots::compiled_in()), Roots::from_pem_file);
    roots.unwrap_or_else(|error| {
        log::error(&format!("{error}; the compiled-in certificate authorities are used"));
        Roots::compiled_in()
    })
}

/// Returns the dead-letter queue. It has its own connections, so that one service can be reset without the other.
fn dead_letters(
    url: QueueUrl,
    access: Lazy<Access>,
    stream: &Stream,
    queue: Arc<Mutex<Queue>>,
) -> DeadLetters<Sqs> {
    let stream = stream.as_str().to_owned();
    let make = move || {
        let (url, stream) = (url.clone(), stream.clone());
        let access = Access { connector: access.connector.separate(), ..(**access).clone() };
        async move { Sqs::new(url, stream, &access) }
    };
    DeadLetters::new(queue, make)
}
