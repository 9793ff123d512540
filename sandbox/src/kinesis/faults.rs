//! Faults for a stream: what happens to requests, by script or by seed.

mod fault;
mod random_faults;

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::time::Duration;

use fastrand::Rng;

pub use fault::{KMS_ERRORS, Refusal};

/// What happens to the coming requests. The default is fair: everything is taken at once.
#[derive(Default)]
pub struct Faults {
    /// Verdicts on the next requests, in order; afterwards `mode` holds.
    script: VecDeque<Fault>,
    mode: FaultMode,
    latency: Duration,
    /// Shards that take nothing, whatever the request.
    hot: BTreeSet<usize>,
}

/// What happens to one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: it is taken.
    None,
    /// These records of it are refused for lack of throughput, by index.
    Refuse(Vec<usize>),
    /// These records of it are refused for this reason, by index.
    RefuseFor(Refusal, Vec<usize>),
    /// The whole request fails, with a body in JSON.
    Fail(u16, &'static str, &'static str),
    /// The whole request fails with this status and no body, as by something that stands in front of Kinesis.
    Bare(u16),
    /// It is answered only after this time.
    Slow(Duration),
    /// It is never answered.
    Silence,
    /// Its connection is reset, and nothing of it is taken.
    Reset,
    /// Its records are taken, and the connection is closed without an answer.
    TakeAndVanish,
    /// Its records are taken, and the connection is closed in the middle of the answer.
    TakeAndTruncate,
}

/// What happens to all requests that the script does not name.
#[derive(Default)]
enum FaultMode {
    #[default]
    Off,
    /// This share of the records of each request is refused, at random.
    Refuse(f64, Refusal, Rng),
    Always(Fault),
    Random(Rng),
}

/// What happens to this request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// How long it waits for what happens then.
    pub(super) after: Duration,
    pub(super) end: End,
}

/// How a request ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    Take {
        /// Why a record is refused, where it is.
        refused: Vec<Option<Refusal>>,
        reply: Sent,
    },
    Fail(u16, &'static str, &'static str),
    Bare(u16),
    Silence,
    Reset,
}

/// How much of a reply is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    All,
    Half,
    Nothing,
}

impl Faults {
    /// Everything is taken.
    pub fn none() -> Self {
        Self::default()
    }

    /// This share of the records of each request is refused for lack of throughput; the same records for the same seed.
    pub fn refusing(share: f64, seed: u64) -> Self {
        Self::refusing_for(Refusal::Throughput, share, seed)
    }

    /// This share of the records of each request is refused for this reason; the same records for the same seed.
    pub fn refusing_for(reason: Refusal, share: f64, seed: u64) -> Self {
        Self::of(FaultMode::Refuse(share, reason, Rng::with_seed(seed)))
    }

    /// This happens to every request.
    pub fn always(fault: Fault) -> Self {
        Self::of(FaultMode::Always(fault))
    }

    /// This happens to the next requests, in order; then it is fair.
    pub fn script(faults: impl IntoIterator<Item = Fault>) -> Self {
        Self { script: faults.into_iter().collect(), ..Self::default() }
    }

    /// Whatever can pass by itself happens, mixed: half of the requests fare well, the others each in a way of its own.
    /// The n-th request meets the same fault for the same seed.
    pub fn random(seed: u64) -> Self {
        Self::of(FaultMode::Random(Rng::with_seed(seed)))
    }

    /// The service is down: every request is answered 503.
    pub fn down() -> Self {
        Self::always(Fault::unavailable())
    }

    /// The role lacks the permission.
    pub fn denied() -> Self {
        Self::always(Fault::denied())
    }

    /// The stream is gone.
    pub fn lost() -> Self {
        Self::always(Fault::missing())
    }

    /// Every answer takes this long.
    #[must_use]
    pub fn slow(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// This shard refuses every record for lack of throughput, whatever else happens.
    #[must_use]
    pub fn hot(mut self, shard: usize) -> Self {
        self.hot.insert(shard);
        self
    }

    fn of(mode: FaultMode) -> Self {
        Self { mode, ..Self::default() }
    }

    pub(super) fn is_hot(&self, shard: usize) -> bool {
        self.hot.contains(&shard)
    }

    /// What happens to a request with so many records, which is the next.
    pub(super) fn verdict(&mut self, records: usize) -> Verdict {
        let mut verdict = match (self.script.pop_front(), &mut self.mode) {
            (Some(fault), _) => fault.verdict(records),
            (None, FaultMode::Always(fault)) => fault.clone().verdict(records),
            (None, FaultMode::Off) => Fault::None.verdict(records),
            (None, FaultMode::Refuse(share, reason, rng)) => {
                let refused = (0..records).filter(|_| rng.f64() < *share).collect();
                Fault::RefuseFor(*reason, refused).verdict(records)
            }
            (None, FaultMode::Random(rng)) => random_faults::next(rng, records).verdict(records),
        };
        verdict.after += self.latency;
        verdict
    }
}

impl Fault {
    /// What this means to a request with so many records.
    pub(super) fn verdict(self, records: usize) -> Verdict {
        let take = |reply| End::Take { refused: vec![None; records], reply };
        let mut after = Duration::ZERO;
        let end = match self {
            Self::None => take(Sent::All),
            Self::Refuse(indices) => {
                return Self::RefuseFor(Refusal::Throughput, indices).verdict(records);
            }
            Self::RefuseFor(reason, indices) => {
                let refused = |index| indices.contains(&index).then_some(reason);
                End::Take { refused: (0..records).map(refused).collect(), reply: Sent::All }
            }
            Self::Fail(status, code, message) => End::Fail(status, code, message),
            Self::Bare(status) => End::Bare(status),
            Self::Slow(time) => {
                after = time;
                take(Sent::All)
            }
            Self::Silence => End::Silence,
            Self::Reset => End::Reset,
            Self::TakeAndVanish => take(Sent::Nothing),
            Self::TakeAndTruncate => take(Sent::Half),
        };
        Verdict { after, end }
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults")
            .field("script", &self.script)
            .field("latency", &self.latency)
            .field("hot", &self.hot)
            .finish_non_exhaustive()
    }
}
