//! Manages the open connections of the listener, up to a maximum number.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;

use super::SLOW;

/// The most open connections. Lambda needs one or two.
pub(super) const MOST: usize = 32;

/// The interval between checks of connections while all of them serve a request.
const LOOK: Duration = Duration::from_millis(if cfg!(test) { 4 } else { 10 });
/// The number of checks after which the slowest connection is closed.
const LOOKS: usize = 100;

/// The open connections, the oldest first.
#[derive(Default)]
pub(super) struct Connections(VecDeque<(JoinHandle<()>, Arc<Activity>)>);

impl Connections {
    /// Makes room for one more connection. If there are too many, it closes the oldest one without a request. If all of
    /// them have had one for a second, it closes the one that received the fewest bytes meanwhile, if these are fewer
    /// than [`SLOW`].
    pub(super) async fn make_room(&mut self) {
        // Checks count instead of time, so that a freeze makes no connection slow.
        for look in 0_usize.. {
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
            if look % LOOKS == 0 {
                if look > 0 && self.close_slowest() {
                    return;
                }
                for (_, activity) in &self.0 {
                    activity.mark();
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Closes the connection whose request has received the fewest bytes since all were marked. Returns false if none
    /// is slow.
    fn close_slowest(&mut self) -> bool {
        let received = |(_, activity): &(_, Arc<Activity>)| activity.received_since_mark();
        let slow = self.0.iter().enumerate().filter_map(|(at, it)| Some((received(it)?, at)));
        let Some((_, at)) = slow.min().filter(|(bytes, _)| *bytes < SLOW) else { return false };
        let slowest = self.0.remove(at);
        slowest.inspect(|(task, _)| task.abort()).is_some()
    }

    /// Serves a connection in a separate task. Closes it if no request has started after this time.
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

/// The activity of a connection.
#[derive(Default)]
pub(super) struct Activity {
    /// The number of requests that have started, and of those in progress.
    begun: AtomicUsize,
    requests: AtomicUsize,
    /// The number of bytes of bodies.
    bytes: AtomicUsize,
    /// The number of waits for room that have started, and of those in progress.
    waits: AtomicUsize,
    waiting: AtomicUsize,
    /// The requests, waits and bytes when it was marked.
    marked: [AtomicUsize; 3],
}

impl Activity {
    /// Counts a request until the returned value is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> Busy {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
        Busy(self.clone())
    }

    /// Counts a wait of the request for room until the returned value is dropped. It is not slow meanwhile.
    pub(super) fn wait(&self) -> Waiting<'_> {
        self.waits.fetch_add(1, Ordering::Relaxed);
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting(self)
    }

    /// Counts received bytes of the request.
    pub(super) fn progress(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn mark(&self) {
        for (marked, now) in self.marked.iter().zip([&self.begun, &self.waits, &self.bytes]) {
            marked.store(now.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }

    /// Returns the bytes that the request has received since it was marked; none if it has started or waited for room
    /// since.
    fn received_since_mark(&self) -> Option<usize> {
        let now = [&self.begun, &self.waits, &self.bytes].map(|it| it.load(Ordering::Relaxed));
        let marked = self.marked.each_ref().map(|it| it.load(Ordering::Relaxed));
        let is_excused = now[..2] != marked[..2] || self.waiting.load(Ordering::Relaxed) > 0;
        (self.is_busy() && !is_excused).then(|| now[2].wrapping_sub(marked[2]))
    }

    /// True if the connection has had a request.
    pub(super) fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed) > 0
    }

    fn is_busy(&self) -> bool {
        self.requests.load(Ordering::Relaxed) > 0
    }
}

/// A request in progress.
pub(super) struct Busy(Arc<Activity>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A request that waits for room.
pub(super) struct Waiting<'a>(&'a Activity);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
