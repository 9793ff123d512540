//! Reads AWS's messages about denied requests: the action, the resource and the policy. Derives what to do.
//!
//! Source: IAM User Guide, "Troubleshoot access denied error messages".

use super::Service;
use crate::delivery::aws::text::clean;

/// The maximum length of a message, in characters. A longer message about a denial is rebuilt from its parts.
const MESSAGE: usize = 300;
const ACTION: usize = 100;
const RESOURCE: usize = 200;
const CAUSE: usize = 250;

/// A denied action, as a message names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Denial<'a> {
    action: &'a str,
    resource: Option<&'a str>,
    /// "because no … policy allows …", "with an explicit deny in …".
    cause: Option<&'a str>,
}

/// The kind of policy that denies the action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Policy {
    ServiceControl,
    ResourceControl,
    Endpoint,
    Boundary,
    Session,
    Resource,
    Identity,
}

/// Names of policies in messages: the start of the singular and the plural, in lower case.
const POLICIES: [(&str, Policy); 11] = [
    ("service control polic", Policy::ServiceControl),
    ("resource control polic", Policy::ResourceControl),
    ("endpoint polic", Policy::Endpoint),
    ("permissions boundar", Policy::Boundary),
    ("permission boundar", Policy::Boundary),
    ("session polic", Policy::Session),
    ("resource-based polic", Policy::Resource),
    ("resource based polic", Policy::Resource),
    ("resource polic", Policy::Resource),
    ("key polic", Policy::Resource),
    ("identity-based polic", Policy::Identity),
];

impl<'a> Denial<'a> {
    /// Reads "User: … is not authorized to perform: ACTION on resource: RESOURCE because …". Everything except the
    /// action may be missing.
    pub(super) fn read(message: &'a str) -> Option<Self> {
        let rest = after(message, "not authorized to perform")?.trim_start_matches([':', ' ']);
        let (action, rest) = word(rest);
        // "… to perform this operation" names no action.
        if !action.contains(':') {
            return None;
        }
        let cause = ["because ", "with an explicit deny", "due to "];
        let cause = cause.into_iter().filter_map(|begin| find(rest, begin)).min();
        let before_cause = &rest[..cause.unwrap_or(rest.len())];
        let resource =
            after(before_cause, "on resource").map(|it| word(it.trim_start_matches(':')).0);
        Some(Self {
            action,
            resource: resource.filter(|it| !it.is_empty()),
            cause: cause.map(|at| &rest[at..]),
        })
    }
}

/// Returns a service's message, short enough for a log, with action, resource and cause.
pub(super) fn shorten(message: &str) -> String {
    match Denial::read(message) {
        Some(Denial { action, resource, cause }) if message.chars().count() > MESSAGE => {
            let resource = resource.map(|it| format!(" on resource: {}", clean(it, RESOURCE)));
            let cause = cause.map(|it| format!(" {}", clean(it, CAUSE)));
            let (resource, cause) = (resource.unwrap_or_default(), cause.unwrap_or_default());
            format!("not authorized to perform: {}{resource}{cause}", clean(action, ACTION))
        }
        _ => clean(message, MESSAGE),
    }
}

/// Returns what to do about a denial. `is_of_key` is true if the service may not use the KMS key for us.
pub(super) fn remedy(message: &str, is_of_key: bool, service: &Service<'_>) -> String {
    let denial = Denial::read(message);
    let cause = denial.map_or(message, |denial| denial.cause.unwrap_or_default());
    let action = match denial {
        // SQS writes `sqs:sendmessage`, but IAM ignores the case of actions.
        Some(denial) if !denial.action.eq_ignore_ascii_case(service.permission) => denial.action,
        None if is_of_key => "kms:GenerateDataKey",
        _ => service.permission,
    };
    let is_of_key = is_of_key || action.to_ascii_lowercase().starts_with("kms:");
    let resource = denial.and_then(|denial| denial.resource).map(|it| clean(it, RESOURCE));
    let resource = match resource {
        Some(resource) => format!("{resource:?}"),
        None if is_of_key => format!("the key of {:?}", service.resource),
        None => format!("{:?}", service.resource),
    };
    let (action, Service { kind, .. }) = (clean(action, ACTION), service);
    let place = match policy(cause) {
        Some(Policy::ServiceControl) => "the service control policy of the organization".to_owned(),
        Some(Policy::ResourceControl) => {
            "the resource control policy of the organization".to_owned()
        }
        Some(Policy::Endpoint) => {
            format!("the policy of the VPC endpoint for {}", service.endpoint)
        }
        Some(Policy::Boundary) => "the permissions boundary of the function's role".to_owned(),
        Some(Policy::Session) => "the session policy of the function's role".to_owned(),
        Some(Policy::Resource) if is_of_key => "the policy of the key".to_owned(),
        Some(Policy::Resource) => format!("the policy of the {kind}"),
        None if is_of_key => "the function's role and in the policy of the key".to_owned(),
        Some(Policy::Identity) | None => "the function's role".to_owned(),
    };
    if find(cause, "explicit").is_some() && find(cause, "not exist").is_none() {
        format!("; remove the deny of {action} on {resource} from {place}")
    } else {
        format!("; allow {action} on {resource} in {place}")
    }
}

/// Returns the policy that the text names first.
fn policy(text: &str) -> Option<Policy> {
    let named = POLICIES.iter().filter_map(|(name, policy)| Some((find(text, name)?, *policy)));
    named.min_by_key(|(at, _)| *at).map(|(_, policy)| policy)
}

/// Returns the position of an ASCII text, ignoring case.
fn find(text: &str, part: &str) -> Option<usize> {
    text.as_bytes().windows(part.len()).position(|it| it.eq_ignore_ascii_case(part.as_bytes()))
}

fn after<'a>(text: &'a str, part: &str) -> Option<&'a str> {
    find(text, part).map(|at| &text[at + part.len()..])
}

/// Returns the first word without surrounding punctuation, and the rest.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let (word, rest) = text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()));
    (word.trim_matches(['"', '\'', '.', ',', ';', '[', ']', '(', ')']), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &str = "User: arn:aws:sts::123456789012:assumed-role/checkout-service-production-eu-central-1-OrdersFunctionServiceRole-1A2B3C4D5E6F7/checkout-service-production-orders-processor";
    const STREAM: &str =
        "arn:aws:kinesis:eu-central-1:123456789012:stream/telemetry-kinesis-stream";
    const KEY: &str =
        "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";

    fn service() -> Service<'static> {
        Service {
            name: "kinesis",
            kind: "stream",
            resource: "telemetry",
            permission: "kinesis:PutRecords",
            setting: "STREAM",
            endpoint: "kinesis-streams",
            is_renewable: false,
        }
    }

    fn denied(action: &str, on: &str, cause: &str) -> String {
        format!("{USER} is not authorized to perform: {action}{on}{cause}")
    }

    #[test]
    fn a_denial_is_read_with_all_its_parts() {
        let on = format!(" on resource: {STREAM}");
        let because = " because no VPC endpoint policy allows the kinesis:PutRecords action";
        let text = denied("kinesis:PutRecords", &on, because);
        let denial = Denial::read(&text).unwrap();
        assert_eq!((denial.action, denial.resource), ("kinesis:PutRecords", Some(STREAM)));
        assert_eq!(denial.cause, Some(because.trim_start()));
        let bare = denied("kinesis:PutRecords", "", "");
        let none = Denial { action: "kinesis:PutRecords", resource: None, cause: None };
        assert_eq!(Denial::read(&bare), Some(none));
        assert_eq!(Denial::read("You are not authorized to perform this operation."), None);
        assert_eq!(Denial::read("Access to the resource https://sqs/ is denied."), None);
    }

    #[test]
    fn a_long_denial_keeps_action_resource_and_cause() {
        let user = "x".repeat(3_000);
        for resource in [STREAM.to_owned(), "r".repeat(5_000)] {
            for cause in [
                "because no VPC endpoint policy allows the kinesis:PutRecords action",
                "with an explicit deny in a service control policy: arn:aws:organizations::123456789012:policy/o-a1/service_control_policy/p-b2",
            ] {
                let text = format!(
                    "User: {user} is not authorized to perform: kinesis:PutRecords on resource: {resource} {cause}"
                );
                let short = shorten(&text);
                assert!(
                    short.contains("kinesis:PutRecords on resource: ") && short.ends_with(cause),
                    "{short}"
                );
                assert!(short.chars().count() < 700, "{short}");
                if resource == STREAM {
                    assert!(short.contains(STREAM), "{short}");
                }
            }
        }
    }

    #[test]
    fn the_remedy_names_the_policy_that_denies() {
        let on = format!(" on resource: {STREAM}");
        let remedy = |cause: &str| {
            let text = denied("kinesis:PutRecords", &on, cause);
            super::remedy(&text, false, &service())
        };
        for (name, place) in [
            ("service control policy", "the service control policy of the organization"),
            ("resource control policy", "the resource control policy of the organization"),
            ("VPC endpoint policy", "the policy of the VPC endpoint for kinesis-streams"),
            ("permissions boundary", "the permissions boundary of the function's role"),
            ("session policy", "the session policy of the function's role"),
            ("resource-based policy", "the policy of the stream"),
            ("identity-based policy", "the function's role"),
        ] {
            let allow = format!("; allow kinesis:PutRecords on {STREAM:?} in {place}");
            assert_eq!(
                remedy(&format!(" because no {name} allows the kinesis:PutRecords action")),
                allow
            );
            let deny =
                format!("; remove the deny of kinesis:PutRecords on {STREAM:?} from {place}");
            assert_eq!(remedy(&format!(" with an explicit deny in a {name}")), deny);
            assert_eq!(remedy(&format!(" with an explicit deny in a {name}: arn:aws:x")), deny);
        }
        assert!(remedy("").ends_with("in the function's role"));
    }

    #[test]
    fn a_denied_key_differs_from_a_denied_stream() {
        let on = format!(" on resource: {KEY}");
        for (on, cause, expected) in [
            (
                on.as_str(),
                " because no identity-based policy allows the kms:GenerateDataKey action",
                format!("; allow kms:GenerateDataKey on {KEY:?} in the function's role"),
            ),
            (
                on.as_str(),
                " because no resource-based policy allows the kms:GenerateDataKey action",
                format!("; allow kms:GenerateDataKey on {KEY:?} in the policy of the key"),
            ),
            (
                " on this resource",
                " because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access",
                "; allow kms:GenerateDataKey on the key of \"telemetry\" in the policy of the key"
                    .to_owned(),
            ),
        ] {
            let text = denied("kms:GenerateDataKey", on, cause);
            for is_of_key in [false, true] {
                assert_eq!(remedy(&text, is_of_key, &service()), expected);
            }
        }
        let vague =
            "The ciphertext references a key that doesn't exist or that you don't have access to.";
        assert_eq!(
            remedy(vague, true, &service()),
            "; allow kms:GenerateDataKey on the key of \"telemetry\" in the function's role and in the policy of the key"
        );
    }
}
