//! What the loop works with.

use std::pin::Pin;
use std::sync::{Arc, Mutex};

use extension_spec::{Config, Metrics, PartitionKey};
use tokio::sync::mpsc::UnboundedReceiver;

use super::{Asking, DeadLetters, Teller};
use crate::breaker::{self, Breaker};
use crate::chance;
use crate::config::Initialization;
use crate::deadline;
use crate::dispatcher::{Dispatcher, Route};
use crate::event::Source;
use crate::flush::Policy;
use crate::intake::Intake;
use crate::pressure::Held;
use crate::queue::Queue;
use crate::sink::Sink;

/// What the loop works with.
pub struct Parts<S, D> {
    /// Asks for the next event: a call of the registered extension.
    pub next: Asking,
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
    /// Called when this process has become a copy of its own: throws other dice than those beside it, for one.
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
    pub teller: Teller,
    /// What the listener received.
    pub bodies: UnboundedReceiver<Held>,
}

impl<S: Sink, D: Sink> Parts<S, D> {
    /// Of a process that numbers `bodies` as `source` and sends what is in `queue` to `sink`, without dead letters.
    pub fn new(
        config: &Config,
        initialization: Initialization,
        next: Asking,
        (source, bodies): (Source, UnboundedReceiver<Held>),
        queue: Arc<Mutex<Queue>>,
        sink: S,
    ) -> Self {
        let is_managed = initialization == Initialization::ManagedInstances;
        let mut intake = Intake::new(source, config.types.clone(), !is_managed);
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
                has_dead_letters: false,
            },
            always_awake: is_managed,
            is_snapshot_ahead: initialization == Initialization::SnapStart,
            on_restore: Box::new(chance::seed),
            breaker: Breaker::new(breaker::FIRST),
            intake,
            dispatcher: Arc::new(Dispatcher::new(Route::STREAM, sink, queue.clone())),
            queue,
            dead_letters: None,
            metrics: config.metrics,
            teller: Teller::new(config.metrics),
            bodies,
        }
    }

    /// The same with a queue for what the stream does not take.
    #[must_use]
    pub fn with_dead_letters(mut self, dead_letters: DeadLetters<D>) -> Self {
        self.deadlines.has_dead_letters = true;
        Self { dead_letters: Some(Arc::new(dead_letters)), ..self }
    }
}
