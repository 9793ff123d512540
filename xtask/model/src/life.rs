//! The life of one environment: the extension's own policy decides which invocations are held and when events are sent.
//!
//! Time, Lambda and Kinesis are the model of docs/flushing.md. Knows nothing of money.

use std::collections::VecDeque;
use std::time::{Duration, Instant, SystemTime};

use extension_spec::Config;
use kinesis_telemetry_extension::{
    Backlog, Event, LifecycleEvent, Limits, Moment, Packer, Packing, Policy, Scope,
};

use crate::flow::{QUEUE_BYTES, Sent, drain, source};

/// The run time of the function.
const FUNCTION: Duration = Duration::from_millis(50);
/// A request to Kinesis and its answer.
const ROUND_TRIP: Duration = Duration::from_millis(15);

/// The counts of an environment until its end.
#[derive(Clone, Copy, Debug)]
pub struct Life {
    pub invocations: u64,
    /// Invocations that lasted until their events were in the stream.
    pub held: u64,
    /// The time for which each of them was held.
    pub held_for: Duration,
    pub sent: Sent,
}

/// Returns the life of an environment that has these invocations, with `pause` from one to the next, and is then shut down.
pub fn live(invocations: &[Vec<Event>], config: &Config, pause: Duration) -> Life {
    let packing = Packing::new(config);
    let mut packer = Packer::new(Limits::new(config, QUEUE_BYTES), packing, source(packing));
    let mut policy = Policy::new(config);
    let buffering = config.buffer_timeout.duration();
    let held_for = buffering + ROUND_TRIP;
    let mut life = Life { invocations: 0, held: 0, held_for, sent: Sent::default() };
    let mut waiting: VecDeque<Event> = VecDeque::new();
    let mut now = Moment { monotonic: Instant::now(), wall: SystemTime::UNIX_EPOCH };
    for events in invocations {
        policy.record(now);
        let backlog = backlog(&waiting, &packer);
        let received = now.monotonic + FUNCTION + buffering;
        let own =
            events.iter().cloned().map(|event| Event { received, released: received, ..event });
        match policy.on_invoke(&backlog, now.monotonic) {
            LifecycleEvent::InvokeHeld => {
                waiting.extend(own);
                life.sent += drain(&mut packer, &mut waiting, Scope::All);
                life.held += 1;
            }
            LifecycleEvent::InvokeSent => {
                life.sent += drain(&mut packer, &mut waiting, Scope::All);
                waiting.extend(own);
            }
            _ => waiting.extend(own),
        }
        life.invocations += 1;
        now = now + pause;
    }
    life.sent += drain(&mut packer, &mut waiting, Scope::All);
    life
}

fn backlog(waiting: &VecDeque<Event>, packer: &Packer) -> Backlog {
    let bytes: usize = waiting.iter().map(|event| event.line.len()).sum();
    Backlog {
        events: waiting.len() as u64,
        has_full_record: bytes >= packer.full_bytes(),
        oldest: waiting.front().map(|event| event.received),
        is_pressing: false,
        is_snapshot_ahead: false,
    }
}
