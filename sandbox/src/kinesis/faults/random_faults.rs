//! Chooses the random fault that the next request meets.

use std::time::Duration;

use fastrand::Rng;

use super::{Fault, Refusal};

/// A transient fault. Faults that the sender or an operator must fix are not among them.
#[derive(Clone, Copy, Debug)]
enum Kind {
    None,
    RefuseFor(Refusal),
    Fail(fn() -> Fault),
    Slow,
}

/// The number of requests in a hundred that meet each fault. Faults that cost the sender time are rare, so that a test
/// can send many requests.
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

/// The share of records that is rejected in a request with rejected records.
const REFUSED: f64 = 0.3;
/// The longest delay of a slow answer.
const SLOWEST: Duration = Duration::from_millis(300);

/// Returns the fault of the next request.
pub(super) fn next(rng: &mut Rng, records: usize) -> Fault {
    // A fork, so that the faults of later requests do not depend on the number of records in this one.
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

fn kind_of(percent: u32) -> Kind {
    let mut bound = 0;
    let found = SHARES.iter().find(|(share, _)| {
        bound += share;
        percent < bound
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

    /// Returns the kind of a fault without the records that it names.
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
    fn a_seed_fixes_the_faults_whatever_the_number_of_records() {
        assert_eq!(faults(7, 50), faults(7, 50));
        assert_ne!(faults(7, 50), faults(8, 50));
        let kinds = |records| faults(7, records).iter().map(kind).collect::<Vec<_>>();
        assert_eq!(kinds(1), kinds(500));
    }

    #[test]
    fn about_half_of_all_requests_succeed_and_every_fault_occurs() {
        let faults = faults(42, 10);
        let successes = faults.iter().filter(|fault| **fault == Fault::None).count();
        assert!((450..550).contains(&successes), "{successes} of 1000");
        let kinds: BTreeSet<_> = faults.iter().map(kind).collect();
        assert_eq!(kinds.len(), SHARES.len(), "{kinds:?}");
    }

    #[test]
    fn random_faults_are_transient() {
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
