//! `SnapStart`: an environment that was initialised becomes a snapshot, and is restored from it.
//!
//! Processes cannot model two things: several environments restored from one snapshot, and clocks that jump.

use std::time::Duration;

use tokio::time::Instant;

use super::{Failure, Sandbox};
use crate::credentials::Keys;
use crate::http::uuid;
use crate::report::Status;
use crate::telemetry::event::{self, Before};

/// The longest delivery of telemetry before the snapshot is taken. Publishing a version is not urgent.
const FLUSH: Duration = Duration::from_secs(5);
/// The restore phase, hooks of the runtime included (Lambda Developer Guide, "`SnapStart` runtime hooks").
const LONGEST: Duration = Duration::from_secs(10);
const LIFETIME: Duration = Duration::from_hours(6);

/// Returns the keys after this many restores. The keys of the snapshot are no longer used.
pub(super) fn keys(restores: u32) -> Keys {
    match restores {
        0 => Keys::new("ASIAOFTHESNAPSHOT", LIFETIME),
        n => Keys::new(&format!("ASIAOFRESTORE{n}"), LIFETIME),
    }
}

impl Sandbox {
    /// Takes the snapshot: a restore continues from this state.
    pub(super) async fn take_snapshot(&mut self) {
        let names: Vec<String> =
            self.shared.look(|state| state.agents.iter().map(|agent| agent.name.clone()).collect());
        self.shared.hub.flush(&names, FLUSH).await;
        self.freeze();
        if let Some(kinesis) = &self.shared.options.kinesis {
            // No connection outlives a snapshot.
            kinesis.close_connections();
        }
    }

    /// Restores the environment after the thaw. It gets a new log stream and new keys, and the runtime is told of the
    /// restore.
    pub(super) async fn restore(&mut self) -> Result<(), Failure> {
        let start = Instant::now();
        self.is_snapshot = false;
        self.restores += 1;
        if let Some(credentials) = &self.credentials {
            credentials.set_keys(keys(self.restores));
        }
        let stream = uuid().replace('-', "");
        let prefix = self.log_stream.rfind(']').map_or("", |at| &self.log_stream[..=at]);
        self.log_stream = format!("{prefix}{stream}");
        let hub = &self.shared.hub;
        hub.publish(&event::restore_start(&self.shared.options, &self.log_stream));
        // The runtime runs its hooks, and calls `next`.
        self.shared.update(|state| state.runtime.awaits_restore = false);
        let restored = self.shared.until_deadline(start + LONGEST, |state| {
            if let Some(error_type) = &state.runtime.init_error {
                return Some(Err(Failure::error(error_type)));
            }
            if state.runtime.is_over() {
                return Some(Err(Failure::error("Runtime.ExitError")));
            }
            if let Some(error_type) = state.failure() {
                return Some(Err(Failure::error(error_type)));
            }
            (state.runtime.waiting > 0).then_some(Ok(()))
        });
        let restored = restored.await;
        let restored = restored.unwrap_or_else(|| Err(Failure::timeout(self.shared.options.mode)));
        let status = restored.as_ref().err().map_or(Status::Success, |failure| failure.status);
        let error_type = restored.as_ref().err().map(|failure| failure.error_type.as_str());
        hub.publish(&event::restore_runtime_done(status, error_type));
        hub.publish(&event::restore_report(status, error_type, start.elapsed()));
        self.unreported = Some(Before::Restore(start.elapsed()));
        restored
    }
}
