//! Bad weather for a stream: what happens to requests, by script.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

/// What happens to the coming requests. The default is fair: everything is taken at once.
#[derive(Default)]
pub struct Weather {
    /// Verdicts on the next requests, in order; afterwards `climate` holds.
    forecast: VecDeque<Forecast>,
    climate: Climate,
    latency: Option<Duration>,
}

/// What happens to one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forecast {
    /// These records of it are refused, by index.
    Refuse(Vec<usize>),
    /// The whole request fails.
    Fail(u16, &'static str, &'static str),
    /// It is never answered.
    Silence,
    /// Its records are taken, and the connection is closed without an answer.
    TakeAndVanish,
}

/// What happens to all requests that no forecast is for.
#[derive(Default)]
enum Climate {
    #[default]
    Fair,
    /// This share of the records of each request is refused, at random.
    Refuse(f64, fastrand::Rng),
    Always(Forecast),
}

/// What happens to this request.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Records are taken but for those marked.
    Take(Vec<bool>),
    Fail {
        status: u16,
        code: &'static str,
        message: &'static str,
    },
    Silence,
    TakeAndVanish,
}

impl Weather {
    /// Everything is taken.
    pub fn fair() -> Self {
        Self::default()
    }

    /// This share of the records of each request is refused for lack of throughput; the same records for the same seed.
    pub fn refusing(share: f64, seed: u64) -> Self {
        let climate = Climate::Refuse(share, fastrand::Rng::with_seed(seed));
        Self { climate, ..Self::default() }
    }

    /// This happens to every request.
    pub fn always(forecast: Forecast) -> Self {
        Self { climate: Climate::Always(forecast), ..Self::default() }
    }

    /// This happens to the next requests, in order; then it is fair.
    pub fn script(forecast: impl IntoIterator<Item = Forecast>) -> Self {
        Self { forecast: forecast.into_iter().collect(), ..Self::default() }
    }

    /// The service is down: every request is answered 503.
    pub fn down() -> Self {
        Self::always(Forecast::Fail(503, "ServiceUnavailable", "the service is down"))
    }

    /// The role lacks the permission.
    pub fn denied() -> Self {
        Self::always(Forecast::Fail(
            400,
            "AccessDeniedException",
            "User is not authorized to perform: kinesis:PutRecords because no identity-based policy allows it",
        ))
    }

    /// Every answer takes this long.
    #[must_use]
    pub fn slow(mut self, latency: Duration) -> Self {
        self.latency = Some(latency);
        self
    }

    pub(super) fn latency(&self) -> Option<Duration> {
        self.latency
    }

    pub(super) fn verdict(&mut self, records: usize) -> Verdict {
        match (self.forecast.pop_front(), &mut self.climate) {
            (Some(forecast), _) => forecast.verdict(records),
            (None, Climate::Always(forecast)) => forecast.clone().verdict(records),
            (None, Climate::Fair) => Verdict::Take(vec![false; records]),
            (None, Climate::Refuse(share, dice)) => {
                Verdict::Take((0..records).map(|_| dice.f64() < *share).collect())
            }
        }
    }
}

impl Forecast {
    fn verdict(self, records: usize) -> Verdict {
        match self {
            Self::Refuse(indices) => {
                Verdict::Take((0..records).map(|it| indices.contains(&it)).collect())
            }
            Self::Fail(status, code, message) => Verdict::Fail { status, code, message },
            Self::Silence => Verdict::Silence,
            Self::TakeAndVanish => Verdict::TakeAndVanish,
        }
    }
}

impl fmt::Debug for Weather {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Weather").field("forecast", &self.forecast).finish_non_exhaustive()
    }
}
