//! The signals with which people and machines stop the process.

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};

/// Returns a future that ends when a signal arrives. From this call on, signals no longer end the process by themselves.
pub(crate) fn interruption() -> Result<impl Future<Output = ()>> {
    let received = |kind| signal(kind).context("signals cannot be handled");
    let mut interrupt = received(SignalKind::interrupt())?;
    let mut terminate = received(SignalKind::terminate())?;
    let mut hang_up = received(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
    })
}
