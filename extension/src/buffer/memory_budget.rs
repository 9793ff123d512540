//! The bound on memory: counts the bytes that are held, and lets callers wait until there are fewer.
//!
//! Everything that holds telemetry counts: bodies that were acknowledged but not yet read, events, and records.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;

/// Counts held bytes against a bound.
#[derive(Debug)]
pub struct MemoryBudget {
    held: AtomicUsize,
    bound: usize,
    relieved: Notify,
    /// The number of batches that the listener refused because they exceed the bound.
    refused_batches: AtomicU64,
}

impl MemoryBudget {
    /// Creates a budget with nothing held.
    pub fn new(bound: usize) -> Self {
        Self {
            held: AtomicUsize::new(0),
            bound,
            relieved: Notify::new(),
            refused_batches: AtomicU64::new(0),
        }
    }

    /// Returns the bytes held now.
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

    /// Counts a refused batch.
    pub fn refuse_batch(&self) {
        self.refused_batches.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the number of refused batches.
    pub fn refused_batches(&self) -> u64 {
        self.refused_batches.load(Ordering::Relaxed)
    }

    /// Returns the bytes held beyond the bound.
    pub fn excess(&self) -> usize {
        self.held().saturating_sub(self.bound)
    }

    /// Holds these bytes if the bound allows it. Returns true if it does.
    pub fn try_hold(&self, bytes: usize) -> bool {
        let grow = |held: usize| held.checked_add(bytes).filter(|sum| *sum <= self.bound);
        self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grow).is_ok()
    }

    /// Holds a body even beyond the bound, because it has arrived already.
    pub fn hold(self: &Arc<Self>, body: Bytes) -> BufferedBody {
        self.held.fetch_add(body.len(), Ordering::Relaxed);
        BufferedBody { body: body.into(), memory: self.clone() }
    }

    /// Returns an empty body that counts the bytes it receives. The capacity of `bytes` is only reserved: pages that
    /// were never written take no memory.
    pub(crate) fn receive(self: &Arc<Self>, bytes: usize) -> BufferedBody {
        BufferedBody { body: Vec::with_capacity(bytes), memory: self.clone() }
    }

    /// Releases these bytes.
    pub fn release(&self, bytes: usize) {
        self.adjust(bytes, 0);
    }

    /// Replaces `before` held bytes with `after`.
    pub fn adjust(&self, before: usize, after: usize) {
        let change = |held: usize| Some((held + after).saturating_sub(before));
        // The closure never returns none, so this always succeeds.
        let _ = self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, change);
        self.relieved.notify_waiters();
    }

    /// Waits until less than the bound is held, or until the time is over.
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
        // The caller continues in both cases: waiting slows the platform down, but refuses nothing.
        let _ = tokio::time::timeout(at_most, room).await;
    }
}

/// A body that counts as held memory until it is dropped.
#[derive(Debug)]
pub struct BufferedBody {
    body: Vec<u8>,
    memory: Arc<MemoryBudget>,
}

impl BufferedBody {
    /// Returns another body that is held against the same bound.
    #[must_use]
    pub fn with_body(&self, body: impl Into<Bytes>) -> Self {
        self.memory.hold(body.into())
    }

    /// Receives more of the body.
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        self.body.extend_from_slice(bytes);
        self.memory.adjust(0, bytes.len());
    }

    /// Splits the body at this position, releases the memory that the first part no longer needs, and returns the rest.
    #[must_use]
    pub(crate) fn split_off(&mut self, at: usize) -> Self {
        const WORTH_IT: usize = 256 * 1024;
        let rest = self.body.split_off(at);
        if self.body.capacity() - self.body.len() > WORTH_IT {
            // Leaves room for the bytes that close the part.
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
