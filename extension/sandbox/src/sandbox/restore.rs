//! `SnapStart`: an environment that was initialised becomes a snapshot, and is restored from it.
//!
//! What cannot be modelled with processes: that several environments are restored from one snapshot, and that clocks jump.

use std::time::Duration;

use tokio::time::Instant;

use super::Sandbox;
use crate::credentials::Keys;
use crate::http::uuid;
use crate::telemetry::event::{self, Before};

/// Publishing a version is in no hurry: what was generated is delivered before the snapshot is taken.
const FLUSH: Duration = Duration::from_secs(5);
const LIFETIME: Duration = Duration::from_hours(6);

/// The keys after so many restores: those of the snapshot are of no use any more.
pub(super) fn keys(restores: u32) -> Keys {
    match restores {
        0 => Keys::new("ASIAOFTHESNAPSHOT", LIFETIME),
        n => Keys::new(&format!("ASIAOFRESTORE{n}"), LIFETIME),
    }
}

impl Sandbox {
    /// The environment as it is now is what will be restored.
    pub(super) async fn take_snapshot(&mut self) {
        let names: Vec<String> =
            self.shared.look(|state| state.agents.iter().map(|agent| agent.name.clone()).collect());
        self.shared.hub.flush(&names, FLUSH).await;
        self.freeze();
        if let Some(kinesis) = &self.shared.options.kinesis {
            // No connection outlives a snapshot.
            kinesis.close_connections();
        }
        self.is_snapshot = true;
    }

    /// After the thaw: the environment is another one now, and hears so.
    pub(super) fn restore(&mut self) {
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
        hub.publish(&event::restore_runtime_done());
        hub.publish(&event::restore_report(start.elapsed()));
        self.unreported = Some(Before::Restore(start.elapsed()));
    }
}
