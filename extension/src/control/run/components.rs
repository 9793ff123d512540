//! The components that the loop works with.

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

/// The components that the loop works with.
pub(crate) struct Components<S, D> {
    /// Requests the next event for the registered extension.
    pub next: PollNext,
    /// Work to do while waiting for the first event.
    pub ahead: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// Decides when to send.
    pub policy: Policy,
    /// The settings that time budgets depend on.
    pub deadlines: deadline::Settings,
    /// True on managed instances, which are never frozen, so that anything may be sent at any time.
    pub always_awake: bool,
    /// True if this process will be copied before its first event.
    pub is_snapshot_ahead: bool,
    /// Called when this process has become one of several copies, for example to seed its random numbers again.
    pub on_restore: Box<dyn Fn() + Send>,
    /// Decides whether invocations may be delayed.
    pub breaker: Breaker,
    /// Numbers events.
    pub intake: Intake,
    /// The queued events and records.
    pub queue: Arc<Mutex<Queue>>,
    /// Sends the queue to the stream.
    pub dispatcher: Arc<Dispatcher<S>>,
    /// Takes records that the stream does not accept.
    pub dead_letters: Option<Arc<DeadLetters<D>>>,
    /// The metrics to publish.
    pub metrics: Metrics,
    /// Reports ledgers and metrics.
    pub reporter: Reporter,
    /// The bodies that the listener received.
    pub bodies: UnboundedReceiver<BufferedBody>,
}

impl<S: Sink, D: Sink> Components<S, D> {
    /// Creates the components of a process that numbers `bodies` as `source` and sends `queue` to `sink`, without dead
    /// letters.
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

    /// Adds a queue for records that the stream does not accept.
    #[must_use]
    pub(crate) fn with_dead_letters(self, dead_letters: DeadLetters<D>) -> Self {
        Self { dead_letters: Some(Arc::new(dead_letters)), ..self }
    }
}
