//! The loop: the only place that waits for several things at once.
//!
//! It translates what happens into events of the [`lifecycle`](crate::policy::lifecycle), and actions into calls. It
//! contains no policy: `flush` decides when to send, `deadline` how long, and the lifecycle table what to do next.

mod components;
mod deliver;
mod next;
mod reporting;
mod requests;
mod shutdown;
mod snapshot;
mod telemetry;
mod wait;

use std::sync::MutexGuard;
use std::time::Duration;

use tokio::time::Instant;

use crate::base::clock::{self, Moment};
use crate::base::sync::lock;
use crate::buffer::queue::{Overflow, Queue};
use crate::pack::sink::Sink;
use crate::policy::deadline::Timeout;
use crate::policy::flush::Backlog;
use crate::policy::lifecycle::{Action, Event, Phase};
pub(crate) use components::Components;
use deliver::Delivery;
use next::Thawed;
pub(crate) use reporting::Reporter;
use requests::Requests;
pub(crate) use shutdown::DeadLetters;
use shutdown::Ending;
use wait::{PendingNext, answered, at, ended};
pub(crate) use wait::{PollNext, next};

/// The pause after a failed delivery before the next one while a function runs.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// The longest such pause while the breaker is open. These deliveries delay no invocation, and the queue is bounded.
const AFTER_FAILURES: Duration = Duration::from_secs(5);
/// How long the event that has thawed the environment may take to arrive.
const GRACE: Duration = Duration::from_millis(100);
/// A timer that fires later than this has slept through a freeze, or through a pause of the whole machine.
const LATE: Duration = Duration::from_millis(5);

/// The state of the loop.
struct Run<S, D> {
    components: Components<S, D>,
    phase: Phase,
    next: Option<PendingNext>,
    thawed: Option<Thawed>,
    delivery: Option<Delivery>,
    /// The invocation that is not known to have finished. Until it has, the environment is awake.
    open: Option<String>,
    requests: Requests,
    /// The function's timeout, derived from Lambda's times.
    timeout: Timeout,
    /// True if telemetry of this invocation is missing or unreadable.
    has_gap: bool,
    /// The last INVOKE: its request, and its deadline in milliseconds since 1970.
    last_invoke: Option<(String, u64)>,
    /// The last `platform.start`: its request, and its time in milliseconds since 1970.
    last_start: Option<(String, u64)>,
    /// When the wait of this phase ends.
    wait_end: Instant,
    /// When the delivery of this phase ends.
    deliver_end: Instant,
    ending: Ending,
    /// The earliest time of the next delivery while a function runs.
    not_before: Instant,
    /// The earliest time of the next save of undelivered events while Kinesis accepts nothing.
    save_at: Instant,
    /// The number of failed deliveries in a row where no invocation is delayed.
    failures: u32,
    /// True if `platform.runtimeDone` did not arrive in time. Later invocations do not wait for it until one arrives.
    runtime_done_unreliable: bool,
    /// When the current identity started.
    born: Moment,
    /// The overflow that was already reported.
    reported_overflow: Overflow,
}

/// Runs the extension until it ends. Returns true if Lambda ended it normally.
pub(crate) async fn run<S: Sink, D: Sink>(components: Components<S, D>) -> bool {
    let now = Instant::now();
    let mut run = Run {
        components,
        phase: Phase::Starting,
        next: None,
        thawed: None,
        delivery: None,
        open: None,
        requests: Requests::default(),
        timeout: Timeout::default(),
        has_gap: false,
        last_invoke: None,
        last_start: None,
        wait_end: now,
        deliver_end: now,
        // Without a reason the process has no successor to leave anything to.
        ending: Ending::shutdown("spindown", now),
        not_before: now,
        save_at: now,
        failures: 0,
        runtime_done_unreliable: false,
        born: clock::now(),
        reported_overflow: Overflow::default(),
    };
    run.begin();
    if let Some(ahead) = run.components.ahead.take() {
        tokio::spawn(async move {
            // Messages on their way to Lambda go first.
            tokio::task::yield_now().await;
            ahead.await;
        });
    }
    while run.phase != Phase::Done {
        run.turn().await;
    }
    // The box keeps this large future, which runs once, out of the future that each start moves.
    Box::pin(run.shutdown()).await;
    !run.ending.is_refused
}

impl<S: Sink, D: Sink> Run<S, D> {
    /// Waits for one thing to happen, and handles it.
    async fn turn(&mut self) {
        let timer = self.timer();
        let asleep = clock::now();
        // The order matters: records that a finished delivery removed must be gone before an event looks at the queue,
        // and a flood of telemetry must not keep Lambda waiting.
        tokio::select! {
            biased;
            result = ended(self.delivery.as_mut().map(|it| &mut it.task)) => self.on_delivery_ended(result),
            answer = answered(&mut self.next) => self.on_answer(answer),
            () = at(self.thawed.as_ref().map(|thawed| thawed.until)) => self.drop_interrupted(),
            Some(body) = self.components.bodies.recv() => self.on_body(body),
            () = at(timer) => self.on_timer(timer, asleep),
        }
        self.save_early();
    }

    /// Returns the next time at which something is due.
    fn timer(&self) -> Option<Instant> {
        let wait = matches!(self.phase, Phase::Capturing | Phase::Invoking | Phase::Settling)
            .then_some(self.wait_end);
        let next = (self.delivery.is_none() && self.is_running())
            .then(|| self.next_delivery(Instant::now().into_std()));
        let next = next.flatten().map(|next| Instant::from_std(next.at).max(self.not_before));
        [wait, next, self.overrun(), self.save_due()].into_iter().flatten().min()
    }

    /// True if the environment is known to be awake and no delivery is due yet.
    fn is_running(&self) -> bool {
        match self.phase {
            Phase::Invoking => true,
            // Nothing is frozen before the snapshot is taken.
            Phase::Idle => {
                self.open.is_some()
                    || self.components.always_awake
                    || self.components.is_snapshot_ahead
            }
            _ => false,
        }
    }

    fn on_timer(&mut self, timer: Option<Instant>, asleep: Moment) {
        let moment = clock::now();
        let now = Instant::from_std(moment.monotonic);
        if self.phase == Phase::Idle && !self.components.always_awake {
            // A timer that was due before the wait started is not late.
            let due = timer.map(|timer| timer.max(Instant::from_std(asleep.monotonic)));
            let late = due.map(|due| now.saturating_duration_since(due)).unwrap_or_default();
            // A paused machine may stop the monotonic clock; then only the wall clock shows the pause.
            let paused = moment.standstill_since(asleep);
            if late.max(paused) > LATE {
                // After a freeze, queued events are sent with the event that thawed the environment, which arrives at
                // once. If none arrives, the machine was only slow and the function is still running.
                self.not_before = self.not_before.max(now + GRACE);
                return;
            }
        }
        if now >= self.wait_end {
            match self.phase {
                Phase::Invoking => {
                    self.runtime_done_unreliable = true;
                    self.step(Event::RuntimeDone);
                }
                Phase::Capturing | Phase::Settling => self.step(Event::Settled),
                _ => {}
            }
        }
        if self.overrun().is_some_and(|end| now >= end) {
            self.abandon();
        }
        self.deliver_while_running();
    }

    fn on_runtime_done(&mut self, request_id: &str) {
        self.runtime_done_unreliable = false;
        // An INVOKE without an id ends with the next end, because nothing else could end it.
        let ends_it = |open: &str| open == request_id || open.is_empty();
        if self.open.as_deref().is_some_and(ends_it) {
            self.open = None;
            if self.phase == Phase::Invoking {
                self.step(Event::RuntimeDone);
            }
        }
        self.requests.end(request_id);
    }

    /// Handles the platform's report that an invocation started. Its INVOKE may have been read before or not.
    fn on_started(&mut self, request_id: String, time_ms: u64) {
        self.last_start = Some((request_id, time_ms));
        let before = self.timeout;
        self.learn_timeout();
        // The budget assumed at INVOKE was wrong. After a gap the wait stays short.
        if self.timeout != before && self.phase == Phase::Invoking && !self.has_gap {
            self.limit_invocation();
        }
    }

    fn learn_timeout(&mut self) {
        if let (Some((started, time_ms)), Some((invoked, deadline_ms))) =
            (&self.last_start, &self.last_invoke)
            && started == invoked
        {
            self.timeout.learn(*time_ms, *deadline_ms);
        }
    }

    /// Applies an event to the lifecycle, and performs the action.
    fn step(&mut self, event: Event) {
        let (phase, action) = self.phase.on(event);
        self.phase = phase;
        match action {
            Action::Nothing | Action::AwaitRuntimeDone | Action::AwaitLate | Action::Exit => {}
            Action::Next => {
                self.print_metrics(false);
                if self.components.is_snapshot_ahead {
                    self.close_connections();
                }
                self.call_next();
            }
            Action::Deliver => {
                if self.phase == Phase::Draining {
                    self.conclude();
                }
                if self.components.is_snapshot_ahead || self.phase == Phase::Draining {
                    // This identity may end here.
                    self.send_ledger();
                }
                if self.phase == Phase::Draining {
                    // Saving comes before attempts that may take all remaining time.
                    self.save();
                }
                self.flush();
            }
        }
    }

    fn call_next(&mut self) {
        self.next = Some((self.components.next)());
    }

    fn backlog(&self) -> Backlog {
        let queue = self.queue();
        Backlog {
            events: queue.held(),
            has_full_record: queue.has_full_record(),
            oldest: queue.oldest(),
            is_pressing: queue.is_pressing(),
            is_snapshot_ahead: self.components.is_snapshot_ahead,
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        lock(&self.components.queue)
    }
}

#[cfg(test)]
mod tests;
