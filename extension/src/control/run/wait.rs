//! What the loop waits for, each as one future that never ends where there is nothing to wait for.

use std::pin::Pin;
use std::time::Duration;

use tokio::task::{JoinError, JoinHandle};
use tokio::time::Instant;

use crate::base::log;
use crate::lambda::extensions::{Extension, Next};
use crate::lambda::{self};

/// A call of `next` under way.
pub(super) type PendingNext = Pin<Box<dyn Future<Output = Result<Next, lambda::Error>> + Send>>;

/// Begins such a call.
pub(crate) type PollNext =
    Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Next, lambda::Error>> + Send>> + Send>;

/// Asks for the next event until Lambda answers. A connection that breaks is replaced; only a refusal, or a Lambda that
/// cannot be reached for ten seconds, ends the asking.
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
        // A call that had waited for long before it broke is no sign of a Lambda that is gone.
        let since = *broken_since.get_or_insert(now);
        if now - asked > PATIENCE {
            broken_since = None;
        } else if now - since > PATIENCE {
            return Err(error);
        }
        log::debug(&format!("asking again: {error}"));
        tokio::time::sleep(PAUSE).await;
    }
}

/// The answer of `next`.
pub(super) async fn answered(asked: &mut Option<PendingNext>) -> Result<Next, lambda::Error> {
    match asked {
        Some(asked) => asked.await,
        None => std::future::pending().await,
    }
}

/// The end of a task.
pub(super) async fn ended<T>(task: Option<&mut JoinHandle<T>>) -> Result<T, JoinError> {
    match task {
        Some(task) => task.await,
        None => std::future::pending().await,
    }
}

/// A moment.
pub(super) async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
