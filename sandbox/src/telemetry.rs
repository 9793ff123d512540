//! The Telemetry API's other half: events are published here and reach every subscriber in batches.

pub(crate) mod batch;
pub(crate) mod event;
mod subscriber;
pub(crate) mod subscription;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::lock::lock;
use crate::options::Options;
use batch::Waiting;
use event::Event;
use subscriber::{Message, Subscriber};
use subscription::Subscription;

/// An event that was generated for a subscriber: the ground truth.
#[derive(Clone, Debug, Serialize)]
pub struct JournalEntry {
    /// Name of the extension.
    pub extension: String,
    /// The event, as it was posted.
    pub event: Box<RawValue>,
    /// True if the extension has acknowledged it.
    pub accepted: bool,
}

/// The events for all subscribers, in the order of their generation.
#[derive(Debug, Default)]
pub(crate) struct Journal(Mutex<Vec<JournalEntry>>);

impl Journal {
    fn add(&self, extension: &str, text: &str) -> usize {
        let mut entries = self.entries();
        let event = RawValue::from_string(text.to_owned()).expect("events are made of valid JSON");
        entries.push(JournalEntry { extension: extension.to_owned(), event, accepted: false });
        entries.len() - 1
    }

    fn accept(&self, index: usize) {
        self.entries()[index].accepted = true;
    }

    pub(crate) fn entries(&self) -> MutexGuard<'_, Vec<JournalEntry>> {
        lock(&self.0)
    }
}

/// Publishes events to subscribers.
#[derive(Debug)]
pub(crate) struct Hub {
    options: Arc<Options>,
    pub(crate) journal: Arc<Journal>,
    frozen: watch::Sender<bool>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Every event since the environment began, for extensions that subscribe late. `None` once init has ended.
    replay: Option<Vec<Event>>,
    subscribers: Vec<Handle>,
}

#[derive(Debug)]
struct Handle {
    name: String,
    subscription: Subscription,
    messages: UnboundedSender<Message>,
    task: JoinHandle<()>,
}

impl Hub {
    pub(crate) fn new(options: Arc<Options>) -> Self {
        let (frozen, _) = watch::channel(false);
        Self { options, journal: Arc::default(), frozen, state: Mutex::default() }
    }

    /// A new environment begins: events are kept for late subscribers.
    pub(crate) fn begin(&self) {
        *self.state() = State { replay: Some(Vec::new()), subscribers: Vec::new() };
    }

    /// Ends the init phase: from now on no extension can subscribe.
    pub(crate) fn close_subscription(&self) {
        self.state().replay = None;
    }

    /// Returns whether this extension has subscribed, and whether extensions still can.
    pub(crate) fn is_subscribed(&self, name: &str) -> (bool, bool) {
        let state = self.state();
        (state.subscribers.iter().any(|it| it.name == name), state.replay.is_some())
    }

    /// Adds a subscriber, which first gets what it has missed.
    pub(crate) fn subscribe(&self, name: &str, subscription: Subscription) {
        let (messages, received) = unbounded_channel();
        let subscriber = Subscriber {
            name: name.to_owned(),
            subscription: subscription.clone(),
            options: self.options.clone(),
            journal: self.journal.clone(),
            messages: received,
            flushes: Vec::new(),
            frozen: self.frozen.subscribe(),
        };
        let task = tokio::spawn(subscriber.run());
        let types = subscription.types.clone();
        let handle = Handle { name: name.to_owned(), subscription, messages, task };
        let mut state = self.state();
        for event in state.replay.iter().flatten() {
            self.send(&handle, event);
        }
        state.subscribers.push(handle);
        drop(state);
        self.publish(&event::subscribed(name, &types));
    }

    /// The port of an extension's listener.
    pub(crate) fn port(&self, name: &str) -> Option<u16> {
        let state = self.state();
        state.subscribers.iter().find(|it| it.name == name).map(|it| it.subscription.port)
    }

    pub(crate) fn publish(&self, event: &Event) {
        let mut state = self.state();
        if let Some(replay) = &mut state.replay {
            replay.push(event.clone());
        }
        for subscriber in &state.subscribers {
            self.send(subscriber, event);
        }
    }

    fn send(&self, subscriber: &Handle, event: &Event) {
        if subscriber.subscription.types.iter().any(|it| it == event.category.as_str()) {
            let text = event.text(&self.options, &subscriber.subscription);
            let journal = self.journal.add(&subscriber.name, &text);
            // The other end is gone only while the environment ends.
            let _ = subscriber.messages.send(Message::Event(Waiting { text, journal }));
        }
    }

    /// Stops or resumes delivery.
    pub(crate) fn freeze(&self, is_frozen: bool) {
        self.frozen.send_replace(is_frozen);
    }

    /// Delivers everything that is buffered for these extensions at once, and waits for that for at most `at_most`.
    pub(crate) async fn flush(&self, extensions: &[String], at_most: Duration) {
        let flushes: Vec<_> = self
            .state()
            .subscribers
            .iter()
            .filter(|subscriber| extensions.contains(&subscriber.name))
            .map(|subscriber| {
                let (flush, is_flushed) = oneshot::channel();
                let _ = subscriber.messages.send(Message::Flush(flush));
                is_flushed
            })
            .collect();
        let all = async {
            for is_flushed in flushes {
                // The sender is dropped, never used.
                let _ = is_flushed.await;
            }
        };
        let _ = tokio::time::timeout(at_most, all).await;
    }

    /// Delivers what is left, for at most `at_most`, and removes the subscribers.
    pub(crate) async fn end(&self, at_most: Duration) {
        let subscribers = std::mem::take(&mut self.state().subscribers);
        let deadline = tokio::time::Instant::now() + at_most;
        for Handle { messages, mut task, .. } in subscribers {
            // Without a sender the subscriber delivers its buffer at once and ends.
            drop(messages);
            if tokio::time::timeout_at(deadline, &mut task).await.is_err() {
                task.abort();
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}
