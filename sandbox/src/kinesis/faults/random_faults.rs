//! The dice of wild weather.

use std::time::Duration;

use fastrand::Rng;

use super::{Forecast, Refusal};

/// A fault that passes by itself. What the sender or a person must mend is not among them.
#[derive(Clone, Copy, Debug)]
enum Fault {
    None,
    RefuseFor(Refusal),
    Fail(fn() -> Forecast),
    Slow,
}

/// How often each fault comes, of a hundred requests. Half fare well; what costs the sender time is rare, so that many
/// requests go through in the time of a test.
const SHARES: [(u32, Fault); 16] = [
    (50, Fault::None),
    (12, Fault::RefuseFor(Refusal::Throughput)),
    (6, Fault::RefuseFor(Refusal::Internal)),
    (3, Fault::RefuseFor(Refusal::Kms("KMSThrottlingException"))),
    (6, Fault::Fail(Forecast::throttled)),
    (3, Fault::Fail(Forecast::internal_failure)),
    (2, Fault::Fail(Forecast::unavailable)),
    (2, Fault::Fail(|| Forecast::kms("KMSThrottlingException"))),
    (2, Fault::Fail(|| Forecast::Bare(500))),
    (1, Fault::Fail(|| Forecast::Bare(502))),
    (2, Fault::Fail(|| Forecast::Bare(503))),
    (4, Fault::Fail(|| Forecast::Reset)),
    (2, Fault::Fail(|| Forecast::TakeAndVanish)),
    (2, Fault::Fail(|| Forecast::TakeAndTruncate)),
    (2, Fault::Slow),
    (1, Fault::Fail(|| Forecast::Silence)),
];

/// Of the records of a request of which some are refused.
const REFUSED: f64 = 0.3;
/// What a slow answer takes at most.
const SLOWEST: Duration = Duration::from_millis(300);

/// The fate of the next request.
pub(super) fn fate(dice: &mut Rng, records: usize) -> Forecast {
    // Its own dice, so that the fates of later requests do not depend on how many records this one has.
    let mut dice = dice.fork();
    match fault(dice.u32(..100)) {
        Fault::None => Forecast::Fair,
        Fault::RefuseFor(reason) => {
            let refused = (0..records).filter(|_| dice.f64() < REFUSED).collect();
            Forecast::RefuseFor(reason, refused)
        }
        Fault::Fail(forecast) => forecast(),
        Fault::Slow => Forecast::Slow(SLOWEST.mul_f64(dice.f64())),
    }
}

fn fault(throw: u32) -> Fault {
    let mut bound = 0;
    let found = SHARES.iter().find(|(share, _)| {
        bound += share;
        throw < bound
    });
    found.map_or(Fault::None, |(_, fault)| *fault)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn fates(seed: u64, records: usize) -> Vec<Forecast> {
        let mut dice = Rng::with_seed(seed);
        (0..1_000).map(|_| fate(&mut dice, records)).collect()
    }

    /// Which kind it is, whatever its records.
    fn kind(fate: &Forecast) -> String {
        match fate {
            Forecast::RefuseFor(reason, _) => format!("{reason:?}"),
            Forecast::Slow(_) => "slow".to_owned(),
            fate => format!("{fate:?}"),
        }
    }

    #[test]
    fn the_shares_are_of_a_hundred() {
        assert_eq!(SHARES.iter().map(|(share, _)| share).sum::<u32>(), 100);
    }

    #[test]
    fn a_seed_has_its_fates_and_their_kinds_do_not_depend_on_the_number_of_records() {
        assert_eq!(fates(7, 50), fates(7, 50));
        assert_ne!(fates(7, 50), fates(8, 50));
        let kinds = |records| fates(7, records).iter().map(kind).collect::<Vec<_>>();
        assert_eq!(kinds(1), kinds(500));
    }

    #[test]
    fn about_half_of_all_requests_fare_well_and_every_fault_occurs() {
        let fates = fates(42, 10);
        let fair = fates.iter().filter(|fate| **fate == Forecast::Fair).count();
        assert!((450..550).contains(&fair), "{fair} of 1000");
        let kinds: BTreeSet<_> = fates.iter().map(kind).collect();
        assert_eq!(kinds.len(), SHARES.len(), "{kinds:?}");
    }

    #[test]
    fn nothing_occurs_that_the_sender_or_a_person_must_mend() {
        for fate in fates(42, 10) {
            if let Forecast::Fail(status, code, _) = fate {
                assert!(
                    status >= 500 || code.contains("Throttling") || code.contains("Throughput"),
                    "{code}"
                );
            }
        }
    }
}
