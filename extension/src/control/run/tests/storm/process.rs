//! A process of a storm: the real loop, queue, dispatcher and file with a fake service.

use super::super::wiring::{MakeSink, Process, Wiring};
use super::*;

/// Starts a process in the environment of this storm.
pub(super) fn start(storm: &Storm, variables: &[(&str, String)]) -> Process {
    start_as(Initialization::OnDemand, storm, variables)
}

pub(super) fn start_as(
    initialization: Initialization,
    storm: &Storm,
    variables: &[(&str, String)],
) -> Process {
    let variables: Vec<(&str, &str)> =
        variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let service = storm.service.clone();
    let wiring = Wiring {
        variables: &variables,
        initialization,
        instance: crate::base::random::new_instance(),
        bound: BOUND,
        request_bytes: 8_000,
        spill: Some(SpillSettings::new(storm.tmp.clone(), 30_000)),
        on_next: Box::new(move || {
            assert_eq!(service.in_flight(), 0, "requests in flight when next is called");
        }),
        ..Wiring::default()
    };
    wiring.start(
        |memory| Stream::new(storm.service.clone(), memory.clone(), BOUND),
        |memory| {
            let (letters, memory) = (storm.letters.clone()?, memory.clone());
            let make = move || Stream::new(letters.clone(), memory.clone(), BOUND);
            Some(Box::new(make) as MakeSink<Stream>)
        },
    )
}
