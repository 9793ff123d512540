//! Random faults: which one the next request meets.

use std::time::Duration;

use fastrand::Rng;

use super::{Fault, Refusal};

/// A fault that passes by itself. What the sender or a person must mend is not among them.
#[derive(Clone, Copy, Debug)]
enum Kind {
    None,
    RefuseFor(Refusal),
    Fail(fn() -> Fault),
    Slow,
}

/// How often each fault comes, of a hundred requests. Half fare well; what costs the sender time is rare, so that many
/// requests go through in the time of a test.
const SHARES: [(u32, Kind); 16] = [
    (50, Kind::None),
    (12, Kind::RefuseFor(Refusal::Throughput)),
    (6, Kind::RefuseFor(Refusal::Internal)),
    (3, Kind::RefuseFor(Refusal::Kms("KMSThrottlingException"))),
    (6, Kind::Fail(Fault::throttled)),
    (3, Kind::Fail(Fault::internal_failure)),
    (2, Kind::Fail(Fault::unavailable)),
    (2, Kind::Fail(|| Fault::kms("KMSThrottlingException"))),
    (2, Kind::Fail(|| Fault::Bare(500))),
    (1, Kind::Fail(|| Fault::Bare(502))),
    (2, Kind::Fail(|| Fault::Bare(503))),
    (4, Kind::Fail(|| Fault::Reset)),
    (2, Kind::Fail(|| Fault::TakeAndVanish)),
    (2, Kind::Fail(|| Fault::TakeAndTruncate)),
    (2, Kind::Slow),
    (1, Kind::Fail(|| Fault::Silence)),
];

/// Of the records of a request of which some are refused.
const REFUSED: f64 = 0.3;
/// What a slow answer takes at most.
const SLOWEST: Duration = Duration::from_millis(300);

/// The fault of the next request.
pub(super) fn next(rng: &mut Rng, records: usize) -> Fault {
    // An rng of its own, so that the faults of later requests do not depend on how many records this one has.
    let mut rng = rng.fork();
    match kind_of(rng.u32(..100)) {
        Kind::None => Fault::None,
        Kind::RefuseFor(reason) => {
            let refused = (0..records).filter(|_| rng.f64() < REFUSED).collect();
            Fault::RefuseFor(reason, refused)
        }
        Kind::Fail(fault) => fault(),
        Kind::Slow => Fault::Slow(SLOWEST.mul_f64(rng.f64())),
    }
}

fn kind_of(throw: u32) -> Kind {
    let mut bound = 0;
    let found = SHARES.iter().find(|(share, _)| {
        bound += share;
        throw < bound
    });
    found.map_or(Kind::None, |(_, fault)| *fault)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn faults(seed: u64, records: usize) -> Vec<Fault> {
        let mut rng = Rng::with_seed(seed);
        (0..1_000).map(|_| next(&mut rng, records)).collect()
    }

    /// Which kind it is, whatever its records.
    fn kind(fault: &Fault) -> String {
        match fault {
            Fault::RefuseFor(reason, _) => format!("{reason:?}"),
            Fault::Slow(_) => "slow".to_owned(),
            fault => format!("{fault:?}"),
        }
    }

    #[test]
    fn the_shares_are_of_a_hundred() {
        assert_eq!(SHARES.iter().map(|(share, _)| share).sum::<u32>(), 100);
    }

    #[test]
    fn a_seed_has_its_fates_and_their_kinds_do_not_depend_on_the_number_of_records() {
        assert_eq!(faults(7, 50), faults(7, 50));
        assert_ne!(faults(7, 50), faults(8, 50));
        let kinds = |records| faults(7, records).iter().map(kind).collect::<Vec<_>>();
        assert_eq!(kinds(1), kinds(500));
    }

    #[test]
    fn about_half_of_all_requests_fare_well_and_every_fault_occurs() {
        let faults = faults(42, 10);
        let fair = faults.iter().filter(|fault| **fault == Fault::None).count();
        assert!((450..550).contains(&fair), "{fair} of 1000");
        let kinds: BTreeSet<_> = faults.iter().map(kind).collect();
        assert_eq!(kinds.len(), SHARES.len(), "{kinds:?}");
    }

    #[test]
    fn nothing_occurs_that_the_sender_or_a_person_must_mend() {
        for fault in faults(42, 10) {
            if let Fault::Fail(status, code, _) = fault {
                assert!(
                    status >= 500 || code.contains("Throttling") || code.contains("Throughput"),
                    "{code}"
                );
            }
        }
    }
}
