//! The Telemetry API: subscribes with the newest schema that Lambda accepts.
//!
//! It does not read events.

use std::time::Duration;

use extension_spec::{Config, limits};
use hyper::{Method, StatusCode};

use super::extensions::Extension;
use super::{Error, within};

const WHAT: &str = "subscribing to telemetry";

/// The result of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subscription {
    /// Telemetry will arrive in this schema.
    Active(&'static str),
    /// This Lambda has no Telemetry API. It is an emulator, which answers 202.
    Unsupported,
}

/// Subscribes the listener at this port, which must be bound already. Lambda accepts no subscription after init.
pub(crate) async fn subscribe(
    extension: &Extension,
    port: u16,
    config: &Config,
    timeout: Duration,
) -> Result<Subscription, Error> {
    within(timeout, WHAT, climb_down(extension, port, config)).await
}

/// Tries the schemas, newest first. Only the status 400 is a reason to try an older one.
async fn climb_down(
    extension: &Extension,
    port: u16,
    config: &Config,
) -> Result<Subscription, Error> {
    let headers = [("lambda-extension-identifier", extension.id.as_str())];
    let mut refusal = None;
    for schema in limits::TELEMETRY_SCHEMAS {
        let body = request(schema, port, config);
        let path = "/2022-07-01/telemetry";
        let answer = extension.api().call(WHAT, Method::PUT, path, &headers, body).await?;
        match answer.status {
            StatusCode::OK => return Ok(Subscription::Active(schema)),
            StatusCode::ACCEPTED => return Ok(Subscription::Unsupported),
            StatusCode::BAD_REQUEST => refusal = refusal.or(Some(answer.refused(WHAT))),
            _ => return Err(answer.refused(WHAT)),
        }
    }
    // The response for the newest schema is the most useful: older ones fail for the same reason, or because they are
    // old.
    Err(refusal.expect("the loop ran, and every other answer has returned"))
}

fn request(schema: &str, port: u16, config: &Config) -> String {
    let types = serde_json::to_string(&config.types.subscription()).expect("words are JSON");
    let (items, bytes) = (config.max_buffer_items_count.0, config.logs_buffer_max_bytes.0);
    let timeout = config.buffer_timeout.0;
    // The text is formatted directly, which takes less time at each start than building and dropping a value.
    format!(
        r#"{{"schemaVersion":"{schema}","types":{types},"destination":{{"protocol":"HTTP","URI":"http://sandbox.localdomain:{port}/"}},"buffering":{{"maxItems":{items},"maxBytes":{bytes},"timeoutMs":{timeout}}}}}"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_is_json() {
        let config = extension_spec::load([("KINESIS_TELEMETRY_TYPES", "function:warn")]).config;
        let body: serde_json::Value =
            serde_json::from_str(&request("2025-01-29", 4243, &config)).unwrap();
        let expected = serde_json::json!({
            "schemaVersion": "2025-01-29",
            "types": ["platform", "function"],
            "destination": { "protocol": "HTTP", "URI": "http://sandbox.localdomain:4243/" },
            "buffering": { "maxItems": 1000, "maxBytes": 262_144, "timeoutMs": 100 },
        });
        assert_eq!(body, expected);
    }
}
