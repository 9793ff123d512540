//! The fake service of a storm with its faults, and a sink for it.

use std::ops::Range;

use fastrand::Rng;

use super::super::*;
use crate::base::sync::lock;
use crate::buffer::memory_budget::MemoryBudget;
use crate::pack::sink::{Answer, Decision, Failure, Refusal, Trouble};

/// The stored records, and the results of requests.
pub(super) struct FakeService(Mutex<State>);

struct State {
    rng: Rng,
    /// The percentage of requests without a fault.
    success_rate: u8,
    /// How long a request takes, in milliseconds.
    latency: Range<u64>,
    /// True if the response to a request that a freeze interrupted arrives after the freeze.
    survives_freezes: bool,
    stored: Vec<Vec<u8>>,
    /// For each request in flight, the number of freezes at its start.
    in_flight: Vec<u32>,
    is_frozen: bool,
    /// The number of freezes. A connection from before a freeze is dead.
    freezes: u32,
    has_lost_an_answer: bool,
}

/// The result of a request.
enum Fate {
    Taken,
    /// These records are rejected; the flag is true if their shard is throttled.
    Refused(Vec<bool>, bool),
    Failed(Decision),
    /// The records are stored, but no response is sent.
    Unanswered,
    /// The records are not stored, and no response is sent.
    Silent,
}

impl FakeService {
    pub(super) fn new(rng: Rng) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            rng,
            success_rate: 70,
            latency: 1..60,
            survives_freezes: false,
            stored: Vec::new(),
            in_flight: Vec::new(),
            is_frozen: false,
            freezes: 0,
            has_lost_an_answer: false,
        })))
    }

    pub(super) fn milder(self: Arc<Self>) -> Arc<Self> {
        self.state().success_rate = 90;
        self
    }

    /// Changes the success rate: mostly high, sometimes low, sometimes 0.
    pub(super) fn change(&self) {
        let mut state = self.state();
        state.success_rate = *[95, 70, 40, 0, 0].get(state.rng.usize(..5)).unwrap();
    }

    pub(super) fn recover(&self) {
        self.set_success_rate(100);
    }

    pub(super) fn set_success_rate(&self, of_a_hundred: u8) {
        self.state().success_rate = of_a_hundred;
    }

    /// Accepts every request, and responds after this many milliseconds.
    pub(super) fn reliable(self: Arc<Self>, latency: Range<u64>) -> Arc<Self> {
        {
            let mut state = self.state();
            (state.success_rate, state.latency) = (100, latency);
        }
        self
    }

    /// Lets responses to interrupted requests arrive after the freeze.
    pub(super) fn surviving_freezes(self: Arc<Self>) -> Arc<Self> {
        self.state().survives_freezes = true;
        self
    }

    pub(super) fn freeze(&self) {
        let mut state = self.state();
        state.is_frozen = true;
        state.freezes += 1;
    }

    pub(super) fn thaw(&self) {
        self.state().is_frozen = false;
    }

    /// Returns the number of requests in flight that no freeze has interrupted. An interrupted one is abandoned when
    /// `next` is called.
    pub(super) fn in_flight(&self) -> usize {
        let state = self.state();
        state.in_flight.iter().filter(|began| **began == state.freezes).count()
    }

    pub(super) fn has_lost_an_answer(&self) -> bool {
        self.state().has_lost_an_answer
    }

    pub(super) fn stored(&self) -> Vec<Vec<u8>> {
        self.state().stored.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }
}

impl State {
    fn fate(&mut self, records: usize) -> Fate {
        if self.rng.u8(0..100) < self.success_rate {
            return Fate::Taken;
        }
        match self.rng.u8(0..8) {
            0 | 1 => {
                let refused = (0..records).map(|_| self.rng.bool()).collect();
                Fate::Refused(refused, self.rng.bool())
            }
            2 | 3 => Fate::Failed(Decision::BackOff),
            4 => Fate::Failed(Decision::Reconnect),
            5 if self.rng.bool() => Fate::Failed(Decision::Configuration),
            5 => Fate::Failed([Decision::Shrink, Decision::Renew][self.rng.usize(..2)]),
            6 => Fate::Unanswered,
            _ => Fate::Silent,
        }
    }
}

/// A sink for a fake service.
pub(super) struct Stream {
    service: Arc<FakeService>,
    memory: Arc<MemoryBudget>,
    bound: usize,
}

impl Stream {
    pub(super) fn new(service: Arc<FakeService>, memory: Arc<MemoryBudget>, bound: usize) -> Self {
        Self { service, memory, bound }
    }
}

/// Counts a request until it is answered or cancelled.
struct Waiting {
    service: Arc<FakeService>,
    began: u32,
    /// True if records were stored and the sender does not know it.
    owes_an_answer: bool,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut state = self.service.state();
        let at = state.in_flight.iter().position(|began| *began == self.began);
        state.in_flight.swap_remove(at.expect("it was counted"));
        state.has_lost_an_answer |= self.owes_an_answer;
    }
}

impl Sink for Stream {
    async fn put(&self, records: &[Record]) -> Result<Vec<Answer>, Failure> {
        // A body on its way to the queue, and the bytes that splitting adds, count in addition.
        assert!(self.memory.held() <= self.bound + 60_000, "{} bytes held", self.memory.held());
        let (fate, latency, before) = {
            let mut state = self.service.state();
            let before = state.freezes;
            state.in_flight.push(before);
            let range = state.latency.clone();
            let latency = Duration::from_millis(state.rng.u64(range));
            (state.fate(records.len()), latency, before)
        };
        let mut waiting =
            Waiting { service: self.service.clone(), began: before, owes_an_answer: false };
        let began = Instant::now();
        tokio::time::sleep_until(began + latency / 2).await;
        let mut store = |refused: &[bool]| {
            waiting.owes_an_answer = true;
            let mut state = self.service.state();
            let is_taken = |index: &usize| !refused.get(*index).copied().unwrap_or(false);
            let taken = (0..records.len()).filter(is_taken);
            let data: Vec<Vec<u8>> = taken.map(|index| records[index].data.to_vec()).collect();
            state.stored.extend(data);
        };
        let outcome = match fate {
            Fate::Taken => {
                store(&[]);
                Ok(records.iter().map(|_| Ok(())).collect())
            }
            Fate::Refused(refused, is_throttled) => {
                store(&refused);
                let answer = |refused: &bool| {
                    let refusal =
                        Refusal { is_throttled, ..Refusal::for_now(Trouble::new("refused")) };
                    if *refused { Err(refusal) } else { Ok(()) }
                };
                Ok(refused.iter().map(answer).collect())
            }
            Fate::Failed(decision) => {
                Err(Failure { decision, trouble: Trouble::new(format!("{decision:?}")) })
            }
            Fate::Unanswered => {
                store(&[]);
                std::future::pending().await
            }
            Fate::Silent => std::future::pending().await,
        };
        tokio::time::sleep_until(began + latency).await;
        // The connection is from before a freeze, so the response never arrives.
        let is_dead = {
            let state = self.service.state();
            state.freezes != before && !state.survives_freezes
        };
        if is_dead {
            std::future::pending::<()>().await;
        }
        waiting.owes_an_answer = false;
        outcome
    }

    fn reset(&self) {}

    fn max_records(&self) -> usize {
        50
    }
}
