//! Tracks which requests to a server are in flight, and how the others ended.

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
    /// Requests whose sender disconnected before the answer.
    abandoned: BTreeSet<u64>,
    /// Requests whose connection the server closed: their senders did not abandon them.
    cut: BTreeSet<u64>,
}

/// A request that counts as in flight until this is dropped, also if its connection is closed in the meantime.
#[derive(Debug)]
pub(crate) struct InFlightRequest {
    requests: InFlight,
    number: u64,
    /// True if the server has finished the request, with or without an answer.
    is_over: bool,
}

impl InFlight {
    /// Starts to track a request.
    pub(crate) fn begin(&self) -> InFlightRequest {
        let mut state = self.state();
        state.last += 1;
        let number = state.last;
        state.in_flight.insert(number);
        drop(state);
        InFlightRequest { requests: self.clone(), number, is_over: false }
    }

    /// Returns the number of requests so far.
    pub(crate) fn count(&self) -> u64 {
        self.state().last
    }

    /// Returns the numbers of the requests that are not answered yet.
    pub(crate) fn in_flight(&self) -> Vec<u64> {
        self.state().in_flight.iter().copied().collect()
    }

    /// Returns true if the sender of this request disconnected before the answer.
    pub(crate) fn was_abandoned(&self, request: u64) -> bool {
        self.state().abandoned.contains(&request)
    }

    /// Marks the requests in flight as cut by the server: if they end without an answer, their senders did not abandon them.
    pub(crate) fn cut(&self) {
        let mut state = self.state();
        let State { in_flight, cut, .. } = &mut *state;
        cut.extend(in_flight.iter());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }
}

impl InFlightRequest {
    /// Marks the request as finished by the server, with or without an answer.
    pub(crate) fn end(mut self) {
        self.is_over = true;
    }
}

impl Drop for InFlightRequest {
    fn drop(&mut self) {
        let mut state = self.requests.state();
        state.in_flight.remove(&self.number);
        if !self.is_over && !state.cut.contains(&self.number) {
            state.abandoned.insert(self.number);
        }
    }
}
