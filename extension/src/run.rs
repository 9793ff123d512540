//! The loop: the only place that waits for several things at once.
//!
//! Turns what happens into events of the [`lifecycle`](crate::lifecycle) and its actions into calls. Holds no policy:
//! when to send is `flush`'s to say, how long is `deadline`'s, what to do next is the table's.

mod wait;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::Instant;

use crate::deadline;
use crate::dispatcher::{Dispatcher, Outcome, Sink};
use crate::flush::{Backlog, Policy};
use crate::intake::{Intake, Signal};
use crate::lambda::extensions::{Extension, Next};
use crate::lambda::{self};
use crate::lifecycle::{Action, Event, Phase};
use crate::log;
use crate::pack::Scope;
use crate::pressure::Pressure;
use crate::queue::Queue;
pub use wait::next;
use wait::{Asked, answered, at, ended};

/// After a delivery beside the function failed, the next one waits this long: the flush will try anyway.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// Requests whose end is remembered, in case their INVOKE is read after it.
const FINISHED: usize = 8;

/// What the loop works with.
#[derive(Debug)]
pub struct Parts<S> {
    /// The registered extension.
    pub extension: Extension,
    /// When to send.
    pub policy: Policy,
    /// Longest flush.
    pub flush_timeout: Duration,
    /// How long Lambda buffers telemetry.
    pub buffer_timeout: Duration,
    /// Managed instances are never frozen, so anything may be sent at any time.
    pub always_awake: bool,
    /// Numbers events.
    pub intake: Intake,
    /// What waits.
    pub queue: Arc<Mutex<Queue>>,
    /// Sends it.
    pub dispatcher: Arc<Dispatcher<S>>,
    /// What the listener received.
    pub bodies: UnboundedReceiver<Bytes>,
    /// Where the listener held its bytes.
    pub pressure: Arc<Pressure>,
}

/// The state of the loop.
struct Run<S> {
    parts: Parts<S>,
    phase: Phase,
    next: Option<Asked>,
    delivery: Option<Delivery>,
    /// The invocation that is not known to have finished: until then the environment is awake.
    open: Option<String>,
    finished: VecDeque<String>,
    /// When the wait of this phase is over.
    wait_end: Instant,
    /// When the delivery of this phase is over.
    deliver_end: Instant,
    /// No delivery beside the function before this.
    not_before: Instant,
    refused: bool,
    shed_was_said: bool,
}

struct Delivery {
    task: JoinHandle<Outcome>,
    /// Started because of the phase, not beside a running function.
    is_flush: bool,
}

/// Lives the life of an extension. Returns whether Lambda ended it in order.
pub async fn run<S: Sink>(parts: Parts<S>) -> bool {
    let now = Instant::now();
    let mut run = Run {
        parts,
        phase: Phase::Idle,
        next: None,
        delivery: None,
        open: None,
        finished: VecDeque::new(),
        wait_end: now,
        deliver_end: now,
        not_before: now,
        refused: false,
        shed_was_said: false,
    };
    run.call_next();
    while run.phase != Phase::Done {
        run.turn().await;
    }
    run.farewell();
    !run.refused
}

impl<S: Sink> Run<S> {
    /// Waits for one thing to happen, and handles it.
    async fn turn(&mut self) {
        let timer = self.timer();
        // In this order: what an ended delivery took out of the queue counts before an event asks for it; and a flood
        // of telemetry must not keep Lambda waiting.
        tokio::select! {
            biased;
            result = ended(self.delivery.as_mut().map(|it| &mut it.task)) => self.on_delivery_ended(result),
            answer = answered(&mut self.next) => self.on_next(answer),
            Some(body) = self.parts.bodies.recv() => self.on_body(&body),
            () = at(timer) => self.on_timer(),
        }
    }

    /// The next moment at which something is due without being told.
    fn timer(&self) -> Option<Instant> {
        let wait = matches!(self.phase, Phase::Invoking | Phase::Settling).then_some(self.wait_end);
        let due = || self.parts.policy.due(&self.backlog()).map(Instant::from_std);
        let aged = (self.delivery.is_none() && self.is_running())
            .then(due)
            .flatten()
            .map(|due| due.max(self.not_before));
        [wait, aged].into_iter().flatten().min()
    }

    /// Whether the environment is known to be awake while nothing has to be delivered yet.
    fn is_running(&self) -> bool {
        match self.phase {
            Phase::Invoking => true,
            Phase::Idle => self.open.is_some() || self.parts.always_awake,
            _ => false,
        }
    }

    fn on_timer(&mut self) {
        if Instant::now() >= self.wait_end {
            match self.phase {
                Phase::Invoking => self.step(Event::RuntimeDone),
                Phase::Settling => self.step(Event::Settled),
                _ => {}
            }
        }
        self.deliver_beside();
    }

    fn on_next(&mut self, answer: Result<Next, lambda::Error>) {
        self.next = None;
        if let Some(delivery) = self.delivery.take() {
            // Begun after `next` was called, so a freeze may have caught it: its connection may be dead without a
            // sign. Nothing is lost, its records are still in the queue.
            delivery.task.abort();
            self.parts.dispatcher.reset();
            log::debug("a delivery that a freeze may have caught is begun again");
        }
        let now = Instant::now();
        match answer {
            Ok(Next::Invoke { request_id, deadline_ms }) => {
                let remaining = deadline::remaining(deadline_ms, now_ms());
                let hold = deadline::hold(remaining, self.parts.flush_timeout);
                self.wait_end = now + hold.wait;
                self.deliver_end = now + hold.end;
                let is_finished = self.finished.contains(&request_id);
                self.open = (!is_finished).then_some(request_id);
                self.step(self.parts.policy.on_invoke(&self.backlog()));
                if is_finished {
                    self.step(Event::RuntimeDone);
                }
                self.deliver_beside();
            }
            Ok(Next::Shutdown { reason, deadline_ms }) => {
                let remaining = deadline::remaining(deadline_ms, now_ms());
                log::info(&format!("shutdown ({reason}), {} ms left", remaining.as_millis()));
                let budget = deadline::shutdown(remaining, self.parts.buffer_timeout);
                self.open = None;
                self.wait_end = now + budget.settle;
                self.deliver_end = now + budget.end;
                self.step(Event::Shutdown);
            }
            Ok(Next::Unknown(event_type)) => {
                log::warn(&format!("lambda sent an event of unknown type {event_type:?}"));
                self.step(Event::InvokePassed);
            }
            Err(error) => {
                log::error(&format!("lambda ends this extension: {error}"));
                self.refused = true;
                self.deliver_end = now + self.parts.flush_timeout;
                self.step(Event::Refused);
            }
        }
    }

    fn on_body(&mut self, body: &Bytes) {
        let now = (std::time::Instant::now(), SystemTime::now());
        let (intake, queue) = (&mut self.parts.intake, &self.parts.queue);
        let taken = catch_unwind(AssertUnwindSafe(|| {
            let taken = intake.accept(body, now);
            let mut queue = lock(queue);
            queue.ledger.filtered += taken.filtered;
            (taken.signals, queue.push(taken.events))
        }));
        self.parts.pressure.release(body.len());
        let Ok((signals, shed)) = taken else {
            log::error(&format!("a telemetry batch of {} bytes was lost to a panic", body.len()));
            return;
        };
        if shed > 0 && !self.shed_was_said {
            self.shed_was_said = true;
            log::error(
                "events are shed: memory is full of events that could not be delivered \
                 (KINESIS_TELEMETRY_QUEUE_MAX_BYTES)",
            );
        }
        for Signal::RuntimeDone(request_id) in signals {
            if self.open.as_ref() == Some(&request_id) {
                self.open = None;
                if self.phase == Phase::Invoking {
                    self.step(Event::RuntimeDone);
                }
            }
            self.finished.push_back(request_id);
            if self.finished.len() > FINISHED {
                self.finished.pop_front();
            }
        }
        self.deliver_beside();
    }

    fn on_delivery_ended(&mut self, result: Result<Outcome, JoinError>) {
        let was_flush = self.delivery.take().is_some_and(|delivery| delivery.is_flush);
        let outcome = result.unwrap_or_else(|error| {
            log::error(&format!("a delivery broke off, its events are kept: {error}"));
            Outcome::OutOfTime
        });
        let now = Instant::now();
        if matches!(self.phase, Phase::Flushing | Phase::Draining) {
            // A delivery that was under way when the flush began had a scope and a deadline of its own.
            let is_over = match outcome {
                Outcome::Delivered => self.queue().is_empty(),
                Outcome::OutOfTime => was_flush,
                Outcome::Blocked => true,
            };
            if is_over || now >= self.deliver_end {
                self.step(Event::Flushed);
            } else {
                self.start(Scope::All, self.deliver_end, true);
            }
        } else {
            if outcome != Outcome::Delivered {
                self.not_before = now + AFTER_FAILURE;
            }
            self.deliver_beside();
        }
    }

    /// Applies an event to the lifecycle, and acts.
    fn step(&mut self, event: Event) {
        let (phase, action) = self.phase.on(event);
        self.phase = phase;
        match action {
            Action::Nothing | Action::AwaitRuntimeDone | Action::AwaitLate | Action::Exit => {}
            Action::Next => self.call_next(),
            Action::Deliver => self.flush(),
        }
    }

    fn flush(&mut self) {
        if self.phase == Phase::Flushing {
            let longest = Instant::now() + self.parts.flush_timeout;
            self.deliver_end = self.deliver_end.min(longest);
        }
        // A delivery that is under way continues; when it has ended, the rest follows.
        if self.delivery.is_none() {
            self.start(Scope::All, self.deliver_end, true);
        }
    }

    /// Sends beside the running function what should not wait for its end.
    fn deliver_beside(&mut self) {
        let now = Instant::now();
        if self.delivery.is_some() || now < self.not_before {
            return;
        }
        let backlog = self.backlog();
        let scope = if self.is_running() {
            self.parts.policy.while_running(&backlog, now.into_std())
        } else if self.phase == Phase::Settling && backlog.has_full_record {
            Some(Scope::Full)
        } else {
            None
        };
        if let Some(scope) = scope {
            let mut until = now + self.parts.flush_timeout;
            if self.phase != Phase::Idle {
                until = until.min(self.deliver_end);
            }
            self.start(scope, until, false);
        }
    }

    fn start(&mut self, scope: Scope, until: Instant, is_flush: bool) {
        let dispatcher = self.parts.dispatcher.clone();
        let task = tokio::spawn(async move { dispatcher.deliver(scope, until).await });
        self.delivery = Some(Delivery { task, is_flush });
    }

    fn call_next(&mut self) {
        let extension = self.parts.extension.clone();
        self.next = Some(Box::pin(async move { next(&extension).await }));
    }

    fn backlog(&self) -> Backlog {
        let queue = self.queue();
        Backlog {
            events: queue.len(),
            has_full_record: queue.has_full_record(),
            oldest: queue.oldest(),
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        lock(&self.parts.queue)
    }

    /// What is left when the process ends: nothing, or a line that says how much.
    fn farewell(&self) {
        let queue = self.queue();
        if !queue.is_empty() {
            log::error(&format!("{} events were not delivered before the end", queue.len()));
        }
        if queue.ledger.shed.total() > 0 {
            log::error(&format!("events were lost: {}", queue.ledger));
        }
        if !queue.ledger.balances(queue.len()) {
            log::error(&format!(
                "the ledger does not balance ({} held): {}",
                queue.len(),
                queue.ledger
            ));
        }
        log::info(&format!("the end: {}", queue.ledger));
    }
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Milliseconds since 1970.
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
