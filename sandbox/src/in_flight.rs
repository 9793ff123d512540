//! Which requests are in flight, and what became of those that are not.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::lock::lock;

/// The requests to one server, numbered from 1.
#[derive(Clone, Debug, Default)]
pub(crate) struct InFlight(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// Number of the last request.
    last: u64,
    in_flight: BTreeSet<u64>,
    /// Requests whose sender did not wait for the answer.
    abandoned: BTreeSet<u64>,
    /// Requests whose connection was closed from here: their senders did not give them up.
    cut: BTreeSet<u64>,
}

/// Counts a request while it is in flight, also when its connection is closed meanwhile.
#[derive(Debug)]
pub(crate) struct Flight {
    requests: InFlight,
    number: u64,
    /// Whether it came to its end here, with or without an answer.
    is_over: bool,
}

impl InFlight {
    /// A request has come.
    pub(crate) fn begin(&self) -> Flight {
        let mut state = self.state();
        state.last += 1;
        let number = state.last;
        state.in_flight.insert(number);
        drop(state);
        Flight { requests: self.clone(), number, is_over: false }
    }

    /// How many have come so far.
    pub(crate) fn count(&self) -> u64 {
        self.state().last
    }

    /// Those that were begun and are not answered.
    pub(crate) fn in_flight(&self) -> Vec<u64> {
        self.state().in_flight.iter().copied().collect()
    }

    /// Whether the sender of this request went away before the answer.
    pub(crate) fn was_abandoned(&self, request: u64) -> bool {
        self.state().abandoned.contains(&request)
    }

    /// From now on it is not their senders' doing if those in flight end without an answer.
    pub(crate) fn cut(&self) {
        let mut state = self.state();
        let State { in_flight, cut, .. } = &mut *state;
        cut.extend(in_flight.iter());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }
}

impl Flight {
    /// It is answered, or is not going to be.
    pub(crate) fn end(mut self) {
        self.is_over = true;
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let mut state = self.requests.state();
        state.in_flight.remove(&self.number);
        if !self.is_over && !state.cut.contains(&self.number) {
            state.abandoned.insert(self.number);
        }
    }
}
