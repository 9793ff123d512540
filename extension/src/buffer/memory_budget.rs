//! The bound on memory: how many bytes are held, and a way to wait until there are fewer.
//!
//! Everything that holds telemetry counts here: bodies that were acknowledged and not yet read, events, records.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;

/// Bytes held, against a bound.
#[derive(Debug)]
pub struct MemoryBudget {
    held: AtomicUsize,
    bound: usize,
    relieved: Notify,
    /// Batches that the listener has refused because they were too large to be held at all.
    refused_batches: AtomicU64,
}

impl MemoryBudget {
    /// Nothing held yet.
    pub fn new(bound: usize) -> Self {
        Self {
            held: AtomicUsize::new(0),
            bound,
            relieved: Notify::new(),
            refused_batches: AtomicU64::new(0),
        }
    }

    /// Bytes held now.
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Returns the bound, in bytes.
    pub fn bound(&self) -> usize {
        self.bound
    }

    /// True if at least half of the bound is held.
    pub fn is_half_used(&self) -> bool {
        self.held() >= self.bound / 2
    }

    /// A batch was refused.
    pub fn refuse_batch(&self) {
        self.refused_batches.fetch_add(1, Ordering::Relaxed);
    }

    /// How many were.
    pub fn refused_batches(&self) -> u64 {
        self.refused_batches.load(Ordering::Relaxed)
    }

    /// Bytes held beyond the bound.
    pub fn excess(&self) -> usize {
        self.held().saturating_sub(self.bound)
    }

    /// Holds these bytes if the bound allows it.
    pub fn try_hold(&self, bytes: usize) -> bool {
        let grow = |held: usize| held.checked_add(bytes).filter(|sum| *sum <= self.bound);
        self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grow).is_ok()
    }

    /// Holds a body whatever the bound says, for it is here already.
    pub fn hold(self: &Arc<Self>, body: Bytes) -> BufferedBody {
        self.held.fetch_add(body.len(), Ordering::Relaxed);
        BufferedBody { body: body.into(), memory: self.clone() }
    }

    /// Returns an empty body, which counts what it receives. Room for `bytes` is only set aside: pages that nothing was
    /// written to take no memory.
    pub(crate) fn receive(self: &Arc<Self>, bytes: usize) -> BufferedBody {
        BufferedBody { body: Vec::with_capacity(bytes), memory: self.clone() }
    }

    /// Lets go of these bytes.
    pub fn release(&self, bytes: usize) {
        self.adjust(bytes, 0);
    }

    /// What was held as so many bytes is held as so many others now.
    pub fn adjust(&self, before: usize, after: usize) {
        let change = |held: usize| Some((held + after).saturating_sub(before));
        // It always changes.
        let _ = self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, change);
        self.relieved.notify_waiters();
    }

    /// Waits until less than the bound is held, at most this long.
    pub async fn wait(&self, at_most: Duration) {
        let room = async {
            loop {
                // Created before the check, so that a release in between is not missed.
                let relieved = self.relieved.notified();
                if self.held() < self.bound {
                    return;
                }
                relieved.await;
            }
        };
        // Whoever waits goes on in both cases: this slows the platform down, it refuses nothing.
        let _ = tokio::time::timeout(at_most, room).await;
    }
}

/// A body that counts as long as it lives.
#[derive(Debug)]
pub struct BufferedBody {
    body: Vec<u8>,
    memory: Arc<MemoryBudget>,
}

impl BufferedBody {
    /// Another body, held against the same bound.
    #[must_use]
    pub fn with_body(&self, body: impl Into<Bytes>) -> Self {
        self.memory.hold(body.into())
    }

    /// Receives more of the body.
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        self.body.extend_from_slice(bytes);
        self.memory.adjust(0, bytes.len());
    }

    /// Cuts the body here. What is left of it gives its memory back; returns the rest.
    #[must_use]
    pub(crate) fn split_off(&mut self, at: usize) -> Self {
        const WORTH_IT: usize = 256 * 1024;
        let rest = self.body.split_off(at);
        if self.body.capacity() - self.body.len() > WORTH_IT {
            // With room for what closes the part.
            self.body.shrink_to(self.body.len() + 64);
        }
        Self { body: rest, memory: self.memory.clone() }
    }

    /// Overwrites one byte.
    pub(crate) fn set(&mut self, at: usize, byte: u8) {
        self.body[at] = byte;
    }
}

impl Deref for BufferedBody {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.body
    }
}

impl Drop for BufferedBody {
    fn drop(&mut self) {
        self.memory.release(self.body.len());
    }
}
