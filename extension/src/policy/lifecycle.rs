//! The lifecycle of the extension in Lambda: its phases, the events, and the action for each.
//!
//! Pure and total: one table lists every pair. It knows no clock, no socket and no telemetry.

/// The phase of the extension. Events that cannot happen in a phase are also answered, because a surprising platform
/// must not break the function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Init is not complete: `next` was not called yet.
    Starting,
    /// Init is not complete, and Lambda will take a snapshot after it, so the telemetry of init is awaited.
    Capturing,
    /// `next` was called and has no answer yet. The environment may be frozen here for hours.
    Idle,
    /// An invocation is held open until the function has finished.
    Invoking,
    /// An invocation is held open while queued events are delivered.
    Flushing,
    /// SHUTDOWN has arrived, and late telemetry is awaited.
    Settling,
    /// SHUTDOWN has arrived, and the rest is being delivered.
    Draining,
    /// All work is complete.
    Done,
}

/// An event of the lifecycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The extension is set up.
    Started,
    /// The extension is set up, and Lambda will make a snapshot of this process for many environments.
    SnapshotAhead,
    /// `next` answered INVOKE, and the flush policy holds the invocation until the function has finished.
    InvokeHeld,
    /// `next` answered INVOKE, and the flush policy sends queued events while the function runs.
    InvokeSent,
    /// `next` answered INVOKE, and the flush policy does not delay the invocation.
    InvokePassed,
    /// The function has finished, or the wait for its end is over.
    RuntimeDone,
    /// All events were delivered, or the time for it is over.
    Flushed,
    /// `next` answered SHUTDOWN.
    Shutdown,
    /// The wait for late telemetry is over.
    Settled,
    /// Lambda rejected `next`, so it no longer wants this process.
    Refused,
}

/// The action after an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// No action.
    Nothing,
    /// Call `next`. Nothing may be in flight.
    Next,
    /// Wait for the end of the function.
    AwaitRuntimeDone,
    /// Wait for late telemetry.
    AwaitLate,
    /// Deliver queued events until the deadline.
    Deliver,
    /// End the process.
    Exit,
}

impl Phase {
    /// Returns the next phase and the action for an event. This is the whole table.
    #[must_use]
    #[expect(
        clippy::match_same_arms,
        reason = "one line a transition reads as the table that it is"
    )]
    pub(crate) fn on(self, event: Event) -> (Self, Action) {
        use Action::{AwaitLate, AwaitRuntimeDone, Deliver, Exit, Next, Nothing};
        use Event::{
            Flushed, InvokeHeld, InvokePassed, InvokeSent, Refused, RuntimeDone, Settled, Shutdown,
            SnapshotAhead, Started,
        };
        use Phase::{Capturing, Done, Draining, Flushing, Idle, Invoking, Settling, Starting};

        match (self, event) {
            (Starting, Started) => (Idle, Next),
            (Starting, SnapshotAhead) => (Capturing, AwaitLate),
            (Capturing, Settled) => (Flushing, Deliver),
            // Lambda will take no snapshot.
            (Capturing, Started) => (Idle, Next),
            (Idle, InvokeHeld) => (Invoking, AwaitRuntimeDone),
            (Idle, InvokeSent) => (Flushing, Deliver),
            (Idle, InvokePassed) => (Idle, Next),
            (Invoking, RuntimeDone) => (Flushing, Deliver),
            (Flushing, Flushed) => (Idle, Next),
            (Starting | Capturing | Idle | Invoking | Flushing, Shutdown) => (Settling, AwaitLate),
            // A rejected process has no deadline, so everything that can be saved is saved at once.
            (Starting | Capturing | Idle | Invoking | Flushing | Settling, Refused) => {
                (Draining, Deliver)
            }
            (Settling, Settled) => (Draining, Deliver),
            (Draining, Flushed) => (Done, Exit),

            (
                Starting,
                InvokeHeld | InvokeSent | InvokePassed | RuntimeDone | Flushed | Settled,
            )
            | (
                Capturing,
                SnapshotAhead | InvokeHeld | InvokeSent | InvokePassed | RuntimeDone | Flushed,
            )
            // Init completes only once.
            | (Idle | Invoking | Flushing | Settling | Draining | Done, Started | SnapshotAhead)
            // Between `next` and its answer the function may finish an invocation that was not held open.
            | (Idle, RuntimeDone | Flushed | Settled)
            | (Invoking, InvokeHeld | InvokeSent | InvokePassed | Flushed | Settled)
            | (Flushing, InvokeHeld | InvokeSent | InvokePassed | RuntimeDone | Settled)
            | (
                Settling,
                InvokeHeld | InvokeSent | InvokePassed | RuntimeDone | Flushed | Shutdown,
            )
            | (
                Draining,
                InvokeHeld | InvokeSent | InvokePassed | RuntimeDone | Shutdown | Settled | Refused,
            )
            | (
                Done,
                InvokeHeld | InvokeSent | InvokePassed | RuntimeDone | Flushed | Shutdown | Settled
                | Refused,
            ) => (self, Nothing),
        }
    }
}

#[cfg(test)]
mod tests;
