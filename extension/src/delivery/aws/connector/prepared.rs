//! Opens a connection ahead of the first request.
//!
//! An open connection is not a request. It may be dropped at any time, and is dropped if it may have died in a freeze.

use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use hyper::Uri;
use tokio::task::JoinHandle;
use tower_service::Service;

use super::MAX_IDLE;
use super::proxy::{Dialer, Opened, Opening, Stream};
use crate::base::clock::{self, Moment};
use crate::base::sync::lock;

/// Opens connections, using the prepared one first if it fits.
#[derive(Clone)]
pub(super) struct Prepared {
    dialer: Dialer,
    ready: Arc<Mutex<Option<Ready>>>,
}

/// A connection that is open or being opened.
struct Ready {
    to: Uri,
    begun: Moment,
    opening: JoinHandle<Opened>,
}

impl Prepared {
    pub(super) fn new(dialer: Dialer) -> Self {
        Self { dialer, ready: Arc::default() }
    }

    /// Starts to open a connection to the server of this URI, in the background.
    pub(super) fn open(&self, to: Uri) {
        let opening = self.dialer.dial(to.clone());
        let begun = clock::now();
        *self.ready() = Some(Ready { to, begun, opening: tokio::spawn(opening) });
    }

    /// Returns the prepared connection if it leads to this server and is young. Its age is the larger one of both
    /// clocks, as for any idle connection.
    fn take(&self, to: &Uri) -> Option<Ready> {
        let leads_there =
            |it: &mut Ready| it.to.scheme() == to.scheme() && it.to.authority() == to.authority();
        let ready = self.ready().take_if(leads_there)?;
        (clock::now().since(ready.begun) <= MAX_IDLE).then_some(ready)
    }

    /// Makes the prepared connection older by this much.
    #[cfg(test)]
    pub(super) fn age(&self, (monotonic, wall): (std::time::Duration, std::time::Duration)) {
        let mut ready = self.ready();
        let begun = &mut ready.as_mut().expect("one was opened").begun;
        *begun = Moment {
            monotonic: begun.monotonic.checked_sub(monotonic).expect("the machine is up"),
            wall: begun.wall - wall,
        };
    }

    fn ready(&self) -> MutexGuard<'_, Option<Ready>> {
        lock(&self.ready)
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        self.opening.abort();
    }
}

impl Service<Uri> for Prepared {
    type Response = Stream;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = Opening;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.dialer.poll_ready(context)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let ready = self.take(&to);
        let dialer = self.dialer.clone();
        Box::pin(async move {
            if let Some(mut ready) = ready
                && let Ok(Ok(stream)) = (&mut ready.opening).await
            {
                return Ok(stream);
            }
            dialer.dial(to).await
        })
    }
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Prepared")
    }
}
