//! The signals by which people and machines ask the process to end.

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};

/// Ends when the process is told to. Signals are noted from this call on, and end the process no more by themselves.
pub(crate) fn interruption() -> Result<impl Future<Output = ()>> {
    let hear = |kind| signal(kind).context("signals cannot be handled");
    let mut interrupt = hear(SignalKind::interrupt())?;
    let mut terminate = hear(SignalKind::terminate())?;
    let mut hang_up = hear(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
    })
}
