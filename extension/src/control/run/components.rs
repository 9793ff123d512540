//! What the loop works with.

use std::pin::Pin;
use std::sync::{Arc, Mutex};

use extension_spec::variable::SAMPLE;
use extension_spec::{Config, Metrics, PartitionKey};
use tokio::sync::mpsc::UnboundedReceiver;

use super::{DeadLetters, PollNext, Reporter};
use crate::base::log;
use crate::base::random;
use crate::base::sync::lock;
use crate::buffer::memory_budget::BufferedBody;
use crate::buffer::queue::Queue;
use crate::control::config::Initialization;
use crate::delivery::dispatcher::{Dispatcher, Route};
use crate::event::Source;
use crate::ingest::intake::Intake;
use crate::ingest::selection::Selection;
use crate::pack::sink::Sink;
use crate::policy::breaker::{self, Breaker};
use crate::policy::deadline;
use crate::policy::flush::Policy;

/// What the loop works with.
pub(crate) struct Components<S, D> {
    /// Asks for the next event: a call of the registered extension.
    pub next: PollNext,
    /// What is done beside waiting for the first event.
    pub ahead: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// When to send.
    pub policy: Policy,
    /// How long things may take.
    pub deadlines: deadline::Settings,
    /// Managed instances are never frozen, so anything may be sent at any time.
    pub always_awake: bool,
    /// Whether this process will be copied before its first event.
    pub is_snapshot_ahead: bool,
    /// Called when this process has become one copy of many: seeds its random numbers anew, for example.
    pub on_restore: Box<dyn Fn() + Send>,
    /// Whether invocations are held at all.
    pub breaker: Breaker,
    /// Numbers events.
    pub intake: Intake,
    /// What waits.
    pub queue: Arc<Mutex<Queue>>,
    /// Sends it.
    pub dispatcher: Arc<Dispatcher<S>>,
    /// Takes what the stream does not.
    pub dead_letters: Option<Arc<DeadLetters<D>>>,
    /// Which metrics are told.
    pub metrics: Metrics,
    /// Tells of what has happened: ledgers and metrics.
    pub reporter: Reporter,
    /// What the listener received.
    pub bodies: UnboundedReceiver<BufferedBody>,
}

impl<S: Sink, D: Sink> Components<S, D> {
    /// Of a process that numbers `bodies` as `source` and sends what is in `queue` to `sink`, without dead letters.
    pub(crate) fn new(
        config: &Config,
        initialization: Initialization,
        next: PollNext,
        (source, bodies): (Source, UnboundedReceiver<BufferedBody>),
        queue: Arc<Mutex<Queue>>,
        sink: S,
    ) -> Self {
        let is_managed = initialization == Initialization::ManagedInstances;
        let most_bytes = lock(&queue).memory_bound() / 4;
        let selection = Selection::new(config, most_bytes);
        if selection.is_some() && is_managed {
            log::warn(&format!(
                "{SAMPLE} is ignored on managed instances: every line is delivered"
            ));
        }
        let is_snapshot_ahead = initialization == Initialization::SnapStart;
        let selection = selection.map(|it| if is_snapshot_ahead { it.closed() } else { it });
        let mut intake =
            Intake::new(source, config.types.clone(), !is_managed).with_selection(selection);
        if let Some(selection) = intake.selection() {
            lock(&queue).note_selected(selection.counts(), selection.memory());
        }
        if config.partition_key == PartitionKey::Request {
            intake = intake.by_request();
        }
        Self {
            next,
            ahead: None,
            policy: Policy::new(config),
            deadlines: deadline::Settings {
                flush_timeout: config.flush_timeout.duration(),
                buffer_timeout: config.buffer_timeout.duration(),
            },
            always_awake: is_managed,
            is_snapshot_ahead,
            on_restore: Box::new(random::seed),
            breaker: Breaker::new(breaker::FIRST),
            intake,
            dispatcher: Arc::new(Dispatcher::new(Route::STREAM, sink, queue.clone())),
            queue,
            dead_letters: None,
            metrics: config.metrics,
            reporter: Reporter::new(config.metrics),
            bodies,
        }
    }

    /// The same with a queue for what the stream does not take.
    #[must_use]
    pub(crate) fn with_dead_letters(self, dead_letters: DeadLetters<D>) -> Self {
        Self { dead_letters: Some(Arc::new(dead_letters)), ..self }
    }
}
