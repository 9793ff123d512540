//! Ends the process: saves undelivered events and sends them to the dead-letter queue.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::Run;
use crate::base::log;
use crate::base::sync::lock;
use crate::buffer::queue::{Destination, Leftovers, Queue};
use crate::delivery::dispatcher::{Dispatcher, Outcome, Route};
use crate::pack::Scope;
use crate::pack::sink::Sink;

/// The pause after dead letters could not be sent.
const REST: Duration = Duration::from_mins(1);
/// The interval between saves while Kinesis accepts nothing.
const BETWEEN_SAVES: Duration = Duration::from_secs(1);
/// The longest time of such a save, because the function is running.
const EARLY_SAVE: Duration = Duration::from_millis(20);
/// The number of failed deliveries that counts as an outage where no breaker can open.
const FAILURES: u32 = 2;
/// The time that writing to the file may always take. Every deadline leaves more than that.
const LEAST_SAVE: Duration = Duration::from_millis(50);

type Making<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The dead-letter queue. Its client is created for the first letter.
pub(crate) struct DeadLetters<D> {
    queue: Arc<Mutex<Queue>>,
    dispatcher: Mutex<Arc<OnceCell<Dispatcher<D>>>>,
    /// While invocations go on, no letter is sent before this time.
    not_before: Mutex<Instant>,
    make: Box<dyn Fn() -> Making<D> + Send + Sync>,
}

impl<D: Sink> DeadLetters<D> {
    /// Creates the dead-letter queue. It sends letters of `queue` through the client that `make` returns. From now on
    /// `queue` keeps records that are rejected for good.
    pub(crate) fn new<F: Future<Output = D> + Send + 'static>(
        queue: Arc<Mutex<Queue>>,
        make: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self {
        lock(&queue).keep_refused();
        let make = Box::new(move || Box::pin(make()) as Making<D>);
        let not_before = Mutex::new(Instant::now());
        Self { queue, dispatcher: Mutex::default(), not_before, make }
    }

    /// Discards the client, so that the next letter gets new connections and credentials.
    pub(super) fn restart(&self) {
        *self.dispatcher() = Arc::default();
    }

    fn dispatcher(&self) -> MutexGuard<'_, Arc<OnceCell<Dispatcher<D>>>> {
        lock(&self.dispatcher)
    }

    /// Sends letters for this destination until the given time. While invocations go on it takes only a quarter of the
    /// time, and pauses for a minute after a failure, because an invocation may be waiting for it.
    pub(super) async fn send(&self, destination: Destination, until: Instant) {
        let now = Instant::now();
        let is_end = destination == Destination::LastResort;
        let is_resting = !is_end && now < *self.not_before();
        if is_resting || !lock(&self.queue).has_any_for(destination) {
            return;
        }
        let until = if is_end { until } else { now + until.saturating_duration_since(now) / 4 };
        let make =
            async || Dispatcher::new(Route::DEAD_LETTERS, (self.make)().await, self.queue.clone());
        let cell = self.dispatcher().clone();
        let dispatcher = cell.get_or_init(make).await;
        let outcome = dispatcher.deliver(destination, Scope::All, usize::MAX, until).await;
        if outcome != Outcome::Delivered {
            dispatcher.report(&outcome);
            *self.not_before() = Instant::now() + REST;
        }
    }

    fn not_before(&self) -> MutexGuard<'_, Instant> {
        lock(&self.not_before)
    }
}

impl<D> fmt::Debug for DeadLetters<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeadLetters")
    }
}

/// How the process ends, once that is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ending {
    /// When the process must have ended.
    pub(super) deadline: Instant,
    /// True if another process of this environment follows, and finds the saved events.
    pub(super) has_successor: bool,
    /// True if Lambda has rejected this process.
    pub(super) is_refused: bool,
}

impl Ending {
    /// Returns the ending for a SHUTDOWN with this reason. Unless the environment is removed, Lambda starts another
    /// process of this extension in it. After an unknown reason it may.
    pub(super) fn shutdown(reason: &str, deadline: Instant) -> Self {
        Self { deadline, has_successor: reason != "spindown", is_refused: false }
    }

    /// Returns the ending after a rejection. If another process follows, it finds the saved events.
    pub(super) fn refused(deadline: Instant) -> Self {
        Self { deadline, has_successor: true, is_refused: true }
    }
}

impl<S: Sink, D: Sink> Run<S, D> {
    /// Writes queued events to the file if another process will find it. Takes at most half of the remaining time.
    pub(super) fn save(&mut self) {
        if self.ending.has_successor && self.queue().held() > 0 {
            let now = Instant::now();
            let remaining = self.ending.deadline.saturating_duration_since(now);
            let until = now + (remaining / 2).max(LEAST_SAVE);
            self.queue().save_until(until.into_std());
        }
    }

    /// True if something is only in memory while Kinesis accepts nothing. The process may be killed before it is
    /// delivered.
    fn must_save(&self) -> bool {
        let is_failing = self.components.breaker.is_open() || self.failures >= FAILURES;
        is_failing && !self.components.is_snapshot_ahead && self.queue().has_unsaved()
    }

    /// Returns when the next early save is due. There is none while the environment may be frozen.
    pub(super) fn save_due(&self) -> Option<Instant> {
        (self.is_running() && self.must_save()).then_some(self.save_at)
    }

    /// Saves data that is only in memory, if that is due.
    pub(super) fn save_early(&mut self) {
        let now = Instant::now();
        if now >= self.save_at && self.must_save() {
            self.save_at = now + BETWEEN_SAVES;
            self.queue().save_early((now + EARLY_SAVE).into_std());
        }
    }

    /// Reads every body that was acknowledged. Returns true if there was one.
    pub(super) fn take_in(&mut self) -> bool {
        let mut has_any = false;
        while let Ok(body) = self.components.bodies.try_recv() {
            self.on_body(body);
            has_any = true;
        }
        has_any
    }

    /// Saves what is still queued to the file first if a process follows, because that takes little time. Then sends it
    /// to the dead-letter queue; the file keeps the rest.
    pub(super) async fn shutdown(&mut self) {
        self.save();
        if let Some(dead_letters) = self.components.dead_letters.clone() {
            self.queue().forget_refusals();
            dead_letters.send(Destination::LastResort, self.ending.deadline).await;
            // These bodies were acknowledged to Lambda meanwhile.
            if self.take_in() {
                self.save();
                dead_letters.send(Destination::LastResort, self.ending.deadline).await;
            }
        }
        self.components.bodies.close();
        if self.take_in() {
            self.save();
        }
        let Leftovers { handed_over, lost } = self.queue().end(self.ending.has_successor);
        if handed_over > 0 {
            log::info(&format!("{handed_over} events wait in a file for the next process"));
        }
        self.print_metrics(true);
        let queue = self.queue();
        if lost > 0 {
            let ledger = &queue.ledger;
            log::error(&format!("{lost} events were not delivered before the end: {ledger}"));
        } else if queue.ledger.shed.total() > 0 {
            log::error(&format!("events were lost: {}", queue.ledger));
        }
        if !queue.ledger.balances(queue.held()) {
            let held = queue.held();
            log::error(&format!("the ledger does not balance ({held} held): {}", queue.ledger));
        }
        log::info(&format!("shutdown complete: {}", queue.ledger));
    }
}
