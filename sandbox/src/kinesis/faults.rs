//! Fault injection for a stream, by script or by seed.

mod fault;
mod random_faults;

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::time::Duration;

use fastrand::Rng;

pub use fault::{KMS_ERRORS, Refusal};

/// The faults that the next requests to a stream meet. By default there is none: every record is accepted at once.
#[derive(Default)]
pub struct Faults {
    /// The faults of the next requests, in order. When the script is used up, `mode` applies.
    script: VecDeque<Fault>,
    mode: FaultMode,
    latency: Duration,
    /// Shards that reject every record.
    hot: BTreeSet<usize>,
}

/// The fault that one request meets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No fault: the request succeeds.
    None,
    /// The records with these indices are rejected for lack of throughput.
    Refuse(Vec<usize>),
    /// The records with these indices are rejected for this reason.
    RefuseFor(Refusal, Vec<usize>),
    /// The whole request fails, with this status, error code and message.
    Fail(u16, &'static str, &'static str),
    /// The whole request fails with this status and no body, as a proxy in front of Kinesis answers.
    Bare(u16),
    /// The whole request fails with this status and this page, as by a proxy that does not let it pass.
    Foreign(u16, &'static str),
    /// The request succeeds after this delay.
    Slow(Duration),
    /// The request is never answered.
    Silence,
    /// The connection is reset, and no record is accepted.
    Reset,
    /// The records are accepted, and the connection is closed without an answer.
    TakeAndVanish,
    /// The records are accepted, and the connection is closed in the middle of the answer.
    TakeAndTruncate,
}

/// The faults of the requests after the script.
#[derive(Default)]
enum FaultMode {
    #[default]
    Off,
    /// A random share of the records of each request is rejected.
    Refuse(f64, Refusal, Rng),
    /// Every request meets this fault.
    Always(Fault),
    /// Each request meets a random fault, or none.
    Random(Rng),
}

/// The treatment of one request by the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// The delay before `end`.
    pub(super) after: Duration,
    pub(super) end: End,
}

/// The end of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    Take {
        /// Why a record is refused, where it is.
        refused: Vec<Option<Refusal>>,
        reply: Sent,
    },
    Fail(u16, &'static str, &'static str),
    Bare(u16),
    Foreign(u16, &'static str),
    Silence,
    Reset,
}

/// The part of a reply that is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    All,
    Half,
    Nothing,
}

impl Faults {
    /// Returns no faults: every record is accepted.
    pub fn none() -> Self {
        Self::default()
    }

    /// Rejects this share of the records of each request for lack of throughput: the same records for the same seed.
    pub fn refusing(share: f64, seed: u64) -> Self {
        Self::refusing_for(Refusal::Throughput, share, seed)
    }

    /// Rejects this share of the records of each request for this reason: the same records for the same seed.
    pub fn refusing_for(reason: Refusal, share: f64, seed: u64) -> Self {
        Self::of(FaultMode::Refuse(share, reason, Rng::with_seed(seed)))
    }

    /// Every request meets this fault.
    pub fn always(fault: Fault) -> Self {
        Self::of(FaultMode::Always(fault))
    }

    /// The next requests meet these faults, in order. Later requests meet none.
    pub fn script(faults: impl IntoIterator<Item = Fault>) -> Self {
        Self { script: faults.into_iter().collect(), ..Self::default() }
    }

    /// Half of the requests meet a random transient fault. The n-th request meets the same fault for the same seed.
    pub fn random(seed: u64) -> Self {
        Self::of(FaultMode::Random(Rng::with_seed(seed)))
    }

    /// The service is down: every request fails with status 503.
    pub fn down() -> Self {
        Self::always(Fault::unavailable())
    }

    /// The role lacks the permission for every request.
    pub fn denied() -> Self {
        Self::always(Fault::denied())
    }

    /// The stream does not exist any more.
    pub fn lost() -> Self {
        Self::always(Fault::missing())
    }

    /// Delays every answer by `latency`, in addition to any other fault.
    #[must_use]
    pub fn slow(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Has this shard reject every record for lack of throughput, in addition to any other fault.
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

    /// Returns how the stream treats the next request, which has this many records.
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
    /// Returns how the stream treats a request with this many records that meets this fault.
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
            Self::Foreign(status, page) => End::Foreign(status, page),
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
