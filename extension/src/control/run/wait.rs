//! The futures that the loop waits for. Each never completes if there is nothing to wait for.

use std::pin::Pin;
use std::time::Duration;

use tokio::task::{JoinError, JoinHandle};
use tokio::time::Instant;

use crate::base::log;
use crate::lambda::extensions::{Extension, Next};
use crate::lambda::{self};

/// A call of `next` in progress.
pub(super) type PendingNext = Pin<Box<dyn Future<Output = Result<Next, lambda::Error>> + Send>>;

/// Starts a call of `next`.
pub(crate) type PollNext =
    Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Next, lambda::Error>> + Send>> + Send>;

/// Requests the next event until Lambda answers. A broken connection is replaced. Only a rejection, or a Lambda that is
/// unreachable for ten seconds, ends it.
pub(crate) async fn next(extension: &Extension) -> Result<Next, lambda::Error> {
    const PATIENCE: Duration = Duration::from_secs(10);
    const PAUSE: Duration = Duration::from_millis(50);
    let mut broken_since = None;
    loop {
        let asked = Instant::now();
        let error = match extension.next().await {
            Ok(next) => return Ok(next),
            Err(error) if matches!(error.status(), Some(403 | 500)) => return Err(error),
            Err(error) => error,
        };
        let now = Instant::now();
        // A call that broke after a long wait does not mean that Lambda is gone.
        let since = *broken_since.get_or_insert(now);
        if now - asked > PATIENCE {
            broken_since = None;
        } else if now - since > PATIENCE {
            return Err(error);
        }
        log::debug(&format!("retrying next: {error}"));
        tokio::time::sleep(PAUSE).await;
    }
}

/// Waits for the answer of `next`.
pub(super) async fn answered(asked: &mut Option<PendingNext>) -> Result<Next, lambda::Error> {
    match asked {
        Some(asked) => asked.await,
        None => std::future::pending().await,
    }
}

/// Waits for the end of a task.
pub(super) async fn ended<T>(task: Option<&mut JoinHandle<T>>) -> Result<T, JoinError> {
    match task {
        Some(task) => task.await,
        None => std::future::pending().await,
    }
}

/// Waits until this time.
pub(super) async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
