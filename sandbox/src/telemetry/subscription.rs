//! Parses and validates a request to subscribe.
//!
//! Pure. Source: Lambda Developer Guide, "Lambda Telemetry API reference", and captures.

use std::time::Duration;

use serde_json::Value;

use crate::options::Mode;

/// A valid subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subscription {
    pub(crate) schema_version: String,
    pub(crate) types: Vec<String>,
    pub(crate) port: u16,
    pub(crate) path: String,
    pub(crate) max_items: usize,
    pub(crate) max_bytes: usize,
    pub(crate) timeout: Duration,
}

/// The only host that Lambda delivers to, and its short form.
const HOSTS: [&str; 2] = ["sandbox.localdomain", "sandbox"];
const SCHEMAS: [&str; 3] = ["2022-07-01", "2022-12-13", "2025-01-29"];
const RESERVED_PORT: u16 = 9001;

impl Subscription {
    /// Reads a request. The error is the message of Lambda's `ValidationError`.
    pub(crate) fn parse(body: &[u8], mode: Mode) -> Result<Self, String> {
        let body: Value = serde_json::from_slice(body)
            .map_err(|error| format!("failed to parse JSON: {error}"))?;
        let schemas = match mode {
            Mode::ManagedInstances => &SCHEMAS[2..],
            _ => &SCHEMAS[..],
        };
        let schema_version = body["schemaVersion"].as_str().unwrap_or_default();
        if !schemas.contains(&schema_version) {
            return Err(format!("'/schemaVersion' must be one of {}", schemas.join(", ")));
        }
        let types = types(&body["types"], mode)?;
        let destination = &body["destination"];
        if destination["protocol"] != "HTTP" {
            return Err("'/destination/protocol' must be HTTP: this sandbox delivers to no other"
                .to_owned());
        }
        let (port, path) = address(destination["URI"].as_str().unwrap_or_default())?;
        let buffering = &body["buffering"];
        let number = |name: &str, (min, max): (u64, u64), default: u64| match &buffering[name] {
            Value::Null => Ok(default),
            value => match value.as_u64() {
                Some(n) if n < min => {
                    Err(format!("'/buffering/{name}' must be >= {min} but found {n}"))
                }
                Some(n) if n > max => {
                    Err(format!("'/buffering/{name}' must be <= {max} but found {n}"))
                }
                Some(n) => Ok(n),
                None => Err(format!("'/buffering/{name}' must be an integer but found {value}")),
            },
        };
        let size = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        Ok(Self {
            schema_version: schema_version.to_owned(),
            types,
            port,
            path,
            max_items: size(number("maxItems", (1_000, 10_000), 10_000)?),
            max_bytes: size(number("maxBytes", (262_144, 1_048_576), 262_144)?),
            timeout: Duration::from_millis(number("timeoutMs", (25, 30_000), 1_000)?),
        })
    }
}

fn types(value: &Value, mode: Mode) -> Result<Vec<String>, String> {
    let types: Vec<String> = value
        .as_array()
        .into_iter()
        .flatten()
        .map(|it| it.as_str().unwrap_or_default().to_owned())
        .collect();
    if types.is_empty() {
        return Err("types should not be empty".to_owned());
    }
    let is_double = |(index, it): (usize, &String)| types[..index].contains(it);
    // The emulator of managed instances takes them.
    if mode != Mode::ManagedInstances && types.iter().enumerate().any(is_double) {
        return Err("types should not contain duplicates".to_owned());
    }
    match types.iter().find(|it| !["platform", "function", "extension"].contains(&it.as_str())) {
        Some(unknown) => {
            Err(format!("'/types' must be platform, function or extension but found {unknown:?}"))
        }
        None => Ok(types),
    }
}

/// Port and path of the URI.
fn address(uri: &str) -> Result<(u16, String), String> {
    let refused = |why: &str| Err(format!("Invalid destination: destination.URI {why}"));
    let Ok(uri) = uri.parse::<hyper::Uri>() else {
        return refused("is no URI");
    };
    if uri.scheme_str() != Some("http") {
        return refused("scheme must be http");
    }
    if !uri.host().is_some_and(|host| HOSTS.contains(&host)) {
        return refused("host must be sandbox.localdomain");
    }
    match uri.port_u16() {
        None | Some(0) => Err("URI port is not provided".to_owned()),
        Some(RESERVED_PORT) => refused("port 9001 is reserved"),
        Some(port) => Ok((port, uri.path_and_query().map_or("/", |path| path.as_str()).to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(mode: Mode, change: impl FnOnce(&mut Value)) -> Result<Subscription, String> {
        let mut body = json!({
            "schemaVersion": "2025-01-29",
            "destination": { "protocol": "HTTP", "URI": "http://sandbox.localdomain:4243/some/path" },
            "types": ["platform", "function"],
            "buffering": { "maxItems": 1_000, "maxBytes": 262_144, "timeoutMs": 25 },
        });
        change(&mut body);
        Subscription::parse(body.to_string().as_bytes(), mode)
    }

    #[test]
    fn a_complete_request_is_understood() {
        let subscription = parse(Mode::OnDemand, |_| ()).unwrap();
        assert_eq!((subscription.port, subscription.path.as_str()), (4243, "/some/path"));
        assert_eq!(subscription.timeout, Duration::from_millis(25));
    }

    #[test]
    fn buffering_is_optional_and_out_of_range_refused_not_clamped() {
        let default = parse(Mode::OnDemand, |body| body["buffering"] = Value::Null).unwrap();
        assert_eq!((default.max_items, default.timeout), (10_000, Duration::from_secs(1)));
        for (name, value) in
            [("timeoutMs", 24), ("timeoutMs", 30_001), ("maxItems", 999), ("maxBytes", 1_048_577)]
        {
            let refusal =
                parse(Mode::OnDemand, |body| body["buffering"][name] = value.into()).unwrap_err();
            assert!(refusal.contains(name) && refusal.contains(&value.to_string()), "{refusal}");
        }
    }

    #[test]
    fn only_managed_instances_insist_on_the_newest_schema() {
        for schema in ["2022-07-01", "2022-12-13"] {
            let with = |mode| parse(mode, |body| body["schemaVersion"] = schema.into());
            assert!(with(Mode::OnDemand).is_ok() && with(Mode::ManagedInstances).is_err());
        }
        assert!(parse(Mode::OnDemand, |body| body["schemaVersion"] = "2030-01-01".into()).is_err());
    }

    #[test]
    fn other_hosts_schemes_and_the_reserved_port_are_refused() {
        for uri in [
            "http://127.0.0.1:4243",
            "https://sandbox.localdomain:4243",
            "http://sandbox.localdomain",
            "http://sandbox:9001",
            "",
        ] {
            assert!(
                parse(Mode::OnDemand, |body| body["destination"]["URI"] = uri.into()).is_err(),
                "{uri}"
            );
        }
    }

    #[test]
    fn types_must_be_known_and_not_empty_and_on_demand_not_doubled() {
        assert_eq!(
            parse(Mode::OnDemand, |body| body["types"] = json!([])).unwrap_err(),
            "types should not be empty"
        );
        assert!(parse(Mode::OnDemand, |body| body["types"] = json!(["faults"])).is_err());
        let doubled = |mode| parse(mode, |body| body["types"] = json!(["function", "function"]));
        assert!(doubled(Mode::OnDemand).is_err() && doubled(Mode::ManagedInstances).is_ok());
    }
}
