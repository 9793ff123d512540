//! The Telemetry API: which extensions may subscribe, and when.

use bytes::Bytes;
use hyper::Request;

use super::extensions::{identifier, unknown};
use crate::http::{Reply, error, reply};
use crate::options::Mode;
use crate::state::Shared;
use crate::telemetry::subscription::Subscription;

pub(super) fn subscribe(shared: &Shared, request: &Request<Bytes>) -> Reply {
    if !shared.options.has_telemetry {
        // Local emulators give this answer to every subscription.
        return error(202, "Telemetry.NotSupported", "Telemetry API is not supported");
    }
    let id = match identifier(request) {
        Ok(id) => id,
        Err(refusal) => return refusal,
    };
    let Some(name) = shared.update(|state| state.agent(id).map(|agent| agent.name.clone())) else {
        return unknown(id);
    };
    let (is_subscribed, is_open) = shared.hub.is_subscribed(&name);
    if is_open && is_subscribed && shared.options.mode == Mode::ManagedInstances {
        return error(500, "InternalServerError", "Internal Server Error");
    }
    match Subscription::parse(request.body(), shared.options.mode) {
        Err(wrong) => {
            let body = serde_json::json!({ "errorType": "ValidationError", "errorMessage": wrong });
            reply(400, "text/plain; charset=utf-8", body.to_string())
        }
        Ok(_) if !is_open => {
            let message = "Telemetry API subscription is closed";
            error(403, "Telemetry.SubscriptionClosed", message)
        }
        Ok(_) if is_subscribed => reply(200, "text/plain; charset=utf-8", "\"AlreadySubscribed\""),
        Ok(subscription) => {
            shared.hub.subscribe(&name, subscription);
            reply(200, "text/plain; charset=utf-8", "\"OK\"")
        }
    }
}
