//! The life of the extension in Lambda: where it stands, what can happen, and what it then does.
//!
//! Pure and total: one table, in which every pair is written out. Knows no clock, no socket and no telemetry.

/// Where the extension stands. Events that cannot happen in a phase are answered too: a platform that surprises us must
/// not break the function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Init is not over: `next` was not called yet.
    Starting,
    /// The same, and a snapshot will be taken once it is: the telemetry of init is waited for.
    Capturing,
    /// `next` was called and waits for its answer. The environment may be frozen here, for hours.
    Idle,
    /// An invocation is held open until the function has finished.
    Invoking,
    /// An invocation is held open while waiting events are delivered.
    Flushing,
    /// SHUTDOWN has come; late telemetry is waited for.
    Settling,
    /// SHUTDOWN has come; the rest is delivered.
    Draining,
    /// Nothing is left to do.
    Done,
}

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Everything is set up.
    Started,
    /// Everything is set up, and what is running now will be the snapshot of many environments.
    SnapshotAhead,
    /// `next` answered INVOKE, and the flush policy holds the invocation until the function has finished.
    InvokeHeld,
    /// `next` answered INVOKE, and the flush policy sends what waits beside the function.
    InvokeSent,
    /// `next` answered INVOKE, and the flush policy lets it go.
    InvokePassed,
    /// The function has finished, or the wait for it is over.
    RuntimeDone,
    /// Everything was delivered, or the time for it is over.
    Flushed,
    /// `next` answered SHUTDOWN.
    Shutdown,
    /// The wait for late telemetry is over.
    Settled,
    /// `next` was refused: Lambda does not want this process any more.
    Refused,
}

/// What to do then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Nothing.
    Nothing,
    /// Call `next`. Nothing may be in flight.
    Next,
    /// Wait for the end of the function.
    AwaitRuntimeDone,
    /// Wait for late telemetry.
    AwaitLate,
    /// Deliver what waits, until the deadline.
    Deliver,
    /// End the process.
    Exit,
}

impl Phase {
    /// The whole table.
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
            // There will be no snapshot.
            (Capturing, Started) => (Idle, Next),
            (Idle, InvokeHeld) => (Invoking, AwaitRuntimeDone),
            (Idle, InvokeSent) => (Flushing, Deliver),
            (Idle, InvokePassed) => (Idle, Next),
            (Invoking, RuntimeDone) => (Flushing, Deliver),
            (Flushing, Flushed) => (Idle, Next),
            (Starting | Capturing | Idle | Invoking | Flushing, Shutdown) => (Settling, AwaitLate),
            // A process that is not wanted any more has no deadline; what can be saved is saved at once.
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
            // Init is over only once.
            | (Idle | Invoking | Flushing | Settling | Draining | Done, Started | SnapshotAhead)
            // Between `next` and its answer the function may finish an invocation that was not held.
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
