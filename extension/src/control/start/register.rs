//! Registers the extension: the request is written before the environment is read, and the response is read in the
//! runtime.
//!
//! Lambda starts the runtime only when every extension has registered, so nothing comes before it.

use std::pin::pin;

use tokio::time::{Instant, timeout};

use crate::control::config::Initialization;
use crate::delivery::aws::variable;
use crate::lambda::early::Early;
use crate::lambda::extensions::Extension;
use crate::lambda::{self, Api};

/// Writes the registration from two variables alone. Returns none if [`register`] has to write it.
pub(in crate::control) fn begin() -> Option<Early> {
    Early::write(&variable("AWS_LAMBDA_RUNTIME_API")?, Initialization::read(variable).events())
}

/// Registers the extension. If Lambda rejects INVOKE events, the environment is a managed instance that does not
/// identify itself.
pub(super) async fn register(
    authority: &str,
    initialization: &mut Initialization,
    early: Option<Early>,
    deadline: Instant,
) -> Result<Extension, lambda::Error> {
    let events = initialization.events();
    let registered = match early {
        Some(early) => finish(authority, events, early, deadline).await,
        None => anew(authority, events, deadline).await,
    };
    match registered {
        Err(error)
            if error.is_of_type("Extension.InvalidEventType")
                && *initialization != Initialization::ManagedInstances =>
        {
            *initialization = Initialization::ManagedInstances;
            anew(authority, initialization.events(), deadline).await
        }
        registered => registered,
    }
}

/// Reads the response to an early registration. If there is none within half of the time, registers again.
///
/// Lambda may have registered the extension all the same. A second request is safe, because Lambda then rejects it
/// (`Extension.InvalidExtensionState`) and keeps the first registration.
async fn finish(
    authority: &str,
    events: &[&str],
    early: Early,
    deadline: Instant,
) -> Result<Extension, lambda::Error> {
    let remaining = deadline.saturating_duration_since(Instant::now());
    let api = Api::resume(authority, early).await;
    let mut answer = pin!(Extension::register(api, events, remaining));
    match timeout(remaining / 2, &mut answer).await {
        Ok(Err(lambda::Error::Broken { .. })) => anew(authority, events, deadline).await,
        Ok(answered) => answered,
        Err(_) => match anew(authority, events, deadline).await {
            // Lambda was slow: the first request has registered the extension, and its response has the identifier.
            Err(error) if error.is_of_type("Extension.InvalidExtensionState") => answer.await,
            registered => registered,
        },
    }
}

/// Registers on a new connection.
async fn anew(
    authority: &str,
    events: &[&str],
    deadline: Instant,
) -> Result<Extension, lambda::Error> {
    let remaining = deadline.saturating_duration_since(Instant::now());
    Extension::register(Api::new(authority), events, remaining).await
}
