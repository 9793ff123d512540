//! The open connections of the listener: a bounded number of them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;

/// Most open connections. Lambda needs one or two.
pub(super) const MOST: usize = 32;

/// The open connections, the oldest first.
#[derive(Default)]
pub(super) struct Connections(VecDeque<(JoinHandle<()>, Arc<Activity>)>);

impl Connections {
    /// Makes room for one more connection: if there are too many, closes the oldest that serves no request. Waits while all
    /// of them do, which their timeouts bound.
    pub(super) async fn make_room(&mut self) {
        loop {
            self.0.retain(|(task, _)| !task.is_finished());
            if self.0.len() < MOST {
                return;
            }
            if let Some(idle) = self.0.iter().position(|(_, activity)| !activity.is_busy())
                && let Some((task, _)) = self.0.remove(idle)
            {
                task.abort();
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Serves a connection in a task of its own. Closes it if no request has begun after this time.
    pub(super) fn add<F: Future<Output = ()> + Send + 'static>(
        &mut self,
        silence: Duration,
        connection: impl FnOnce(Arc<Activity>) -> F,
    ) {
        let activity = Arc::new(Activity::default());
        let task = tokio::spawn(connection(activity.clone()));
        let (late, watched) = (task.abort_handle(), activity.clone());
        tokio::spawn(async move {
            tokio::time::sleep(silence).await;
            // After a freeze both the timer and a head may be due.
            tokio::time::sleep(Duration::from_millis(100)).await;
            if !watched.has_begun() {
                late.abort();
            }
        });
        self.0.push_back((task, activity));
    }
}

/// What a connection is doing.
#[derive(Default)]
pub(super) struct Activity {
    has_begun: AtomicBool,
    requests: AtomicUsize,
}

impl Activity {
    /// A request has begun. It lasts until what this returns is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> Busy {
        self.has_begun.store(true, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
        Busy(self.clone())
    }

    /// True if the connection has had a request.
    pub(super) fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Relaxed)
    }

    fn is_busy(&self) -> bool {
        self.requests.load(Ordering::Relaxed) > 0
    }
}

/// A request that lasts.
pub(super) struct Busy(Arc<Activity>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}
