//! Wires the loop for its tests, which answer `next` and post telemetry in controlled time.

use extension_spec::ENV_PREFIX;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;
use crate::buffer::memory_budget::{BufferedBody, MemoryBudget};
use crate::buffer::spill::SpillSettings;
use crate::control::config::Initialization;
use crate::event::Source;
use crate::lambda::extensions::Next;
use crate::pack::partition_keys::PartitionKeys;
use crate::pack::{Limits, Packer, Packing};
use crate::policy::breaker::Breaker;

/// Posts bodies to a process as Lambda does.
#[derive(Clone)]
pub(super) struct Bodies(UnboundedSender<BufferedBody>, Arc<MemoryBudget>);

impl Bodies {
    /// Posts a body as if it had been acknowledged. Returns false if the process no longer listens.
    pub(super) fn try_post(&self, body: &str) -> bool {
        self.0.send(self.1.hold(body.to_owned().into())).is_ok()
    }

    pub(super) fn post(&self, body: &str) {
        assert!(self.try_post(body), "the extension listens");
    }

    /// Posts a body long after INVOKE has been read.
    pub(super) fn post_later(&self, body: String) {
        self.post_after(Duration::from_millis(50), body);
    }

    pub(super) fn post_after(&self, delay: Duration, body: String) {
        let bodies = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            bodies.post(&body);
        });
    }

    /// Returns the bytes of telemetry that the process holds.
    pub(super) fn held(&self) -> usize {
        self.1.held()
    }
}

/// The parts of a process, except its sinks.
pub(super) struct Wiring<'a> {
    /// The settings, without their prefix.
    pub(super) variables: &'a [(&'a str, &'a str)],
    pub(super) initialization: Initialization,
    pub(super) instance: String,
    /// The bound on memory, in bytes.
    pub(super) bound: usize,
    /// The largest request in bytes, if it is smaller than Kinesis's limit.
    pub(super) request_bytes: usize,
    pub(super) spill: Option<SpillSettings>,
    /// How long the breaker stays open at first.
    pub(super) first_pause: Duration,
    /// Called whenever the loop calls `next`.
    pub(super) on_next: Box<dyn Fn() + Send>,
}

impl Default for Wiring<'_> {
    fn default() -> Self {
        Self {
            variables: &[],
            initialization: Initialization::OnDemand,
            instance: "i".to_owned(),
            bound: 1_000_000,
            request_bytes: usize::MAX,
            spill: None,
            first_pause: Duration::from_secs(2),
            on_next: Box::new(|| ()),
        }
    }
}

/// Creates a sink for dead letters.
pub(super) type MakeSink<D> = Box<dyn Fn() -> D + Send + Sync>;

impl Wiring<'_> {
    /// Starts a process that delivers to these sinks. It runs only while the test awaits something.
    pub(super) fn start<S: Sink, D: Sink>(
        self,
        stream: impl FnOnce(&Arc<MemoryBudget>) -> S,
        dead_letters: impl FnOnce(&Arc<MemoryBudget>) -> Option<MakeSink<D>>,
    ) -> Process {
        // Tests may override the strategy.
        let variables = [("FLUSH", "end")].iter().chain(self.variables);
        let variables = variables.map(|(name, value)| (format!("{ENV_PREFIX}{name}"), *value));
        let config = extension_spec::load(variables).config;
        let source = Source::new("orders", "1", &self.instance);
        let memory = Arc::new(MemoryBudget::new(self.bound));
        let limits = Limits::new(&config, self.bound);
        let request_bytes = limits.request_bytes.min(self.request_bytes);
        let packing = Packing::new(&config);
        let packer = Packer::new(
            Limits { request_bytes, ..limits },
            packing,
            source.clone().in_envelope(packing.envelope),
        );
        let mut queue = Queue::new(packer, memory.clone())
            .with_partition_keys(PartitionKeys::new(config.partition_key));
        if let Some(settings) = self.spill {
            queue = queue.with_spill(settings);
        }
        let dead_letters = dead_letters(&memory);
        let (_, problems) = queue.adopt();
        assert_eq!(problems, [""; 0]);
        let queue = Arc::new(Mutex::new(queue));
        let (ask, asked) = unbounded_channel();
        let (sender, received) = unbounded_channel();
        let on_next = self.on_next;
        let poll_next: PollNext = Box::new(move || {
            on_next();
            let (answer, answered) = oneshot::channel();
            ask.send(answer).unwrap();
            Box::pin(async move { Ok(answered.await.unwrap()) })
        });
        let (origin, stream) = ((source, received), stream(&memory));
        let mut components: Components<S, D> =
            Components::new(&config, self.initialization, poll_next, origin, queue.clone(), stream);
        // The test's seed determines all random numbers.
        components.on_restore = Box::new(|| ());
        components.deadlines.buffer_timeout = Duration::from_millis(25);
        components.breaker = Breaker::new(self.first_pause);
        if let Some(make) = dead_letters {
            let make = move || std::future::ready(make());
            components = components.with_dead_letters(DeadLetters::new(queue.clone(), make));
        }
        let life = tokio::spawn(run(components));
        Process { asked, bodies: Bodies(sender, memory), queue, life, waiting: None }
    }
}

/// Returns no dead-letter queue.
pub(super) fn none<S>(_: &Arc<MemoryBudget>) -> Option<MakeSink<S>> {
    None
}

/// Controls a process: answers its `next`, and posts its telemetry.
pub(super) struct Process {
    pub(super) asked: UnboundedReceiver<oneshot::Sender<Next>>,
    pub(super) bodies: Bodies,
    pub(super) queue: Arc<Mutex<Queue>>,
    /// Returns true if the process ended normally.
    pub(super) life: JoinHandle<bool>,
    pub(super) waiting: Option<oneshot::Sender<Next>>,
}

impl Process {
    /// Waits until the process calls `next`, and checks that it does so in time.
    pub(super) async fn calls_next(&mut self, within: Duration) {
        let asked = tokio::time::timeout(within, self.asked.recv()).await;
        self.waiting = Some(asked.expect("it calls next in time").expect("it lives"));
    }

    /// Answers the call. The answer's deadline counts from now on.
    pub(super) fn answer(&mut self, next: Next) {
        self.waiting.take().expect("it has called next").send(from_now(next)).expect("it waits");
    }
}

/// Returns an answer whose deadline, in milliseconds, counts from now on.
pub(super) fn from_now(mut next: Next) -> Next {
    if let Next::Invoke { deadline_ms, .. } | Next::Shutdown { deadline_ms, .. } = &mut next {
        *deadline_ms += now_ms();
    }
    next
}

/// Returns INVOKE with this many milliseconds until the function's timeout.
pub(super) fn invoke_with(deadline_ms: u64, request_id: &str) -> Next {
    Next::Invoke { request_id: request_id.to_owned(), deadline_ms }
}

pub(super) fn invoke(request_id: &str) -> Next {
    invoke_with(10_000, request_id)
}

/// Returns SHUTDOWN with the two seconds that Lambda gives.
pub(super) fn shutdown_for(reason: &str) -> Next {
    Next::Shutdown { reason: reason.to_owned(), deadline_ms: 2_000 }
}
