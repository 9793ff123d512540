//! The operations of STS and IAM.

use std::collections::BTreeMap;

use crate::{ACCOUNT, Response, State, decoded};

/// ARN of the policy of the deployment.
pub const POLICY: &str = "arn:aws:iam::111122223333:policy/telemetry";
/// Largest number of policies of a role.
const MOST_POLICIES: usize = 10;

/// A role.
#[derive(Clone, Debug, Default)]
pub struct Role {
    /// ARNs of the attached policies.
    pub policies: Vec<String>,
    /// Tags by key.
    pub tags: BTreeMap<String, String>,
}

impl State {
    pub(crate) fn identity(&mut self, form: &str) -> Response {
        let pairs = form.split('&').filter_map(|it| it.split_once('='));
        let form: BTreeMap<_, _> =
            pairs.map(|(name, value)| (name.to_owned(), decoded(value))).collect();
        let of = |name: &str| form.get(name).cloned().unwrap_or_default();
        let (action, name, policy) = (of("Action"), of("RoleName"), of("PolicyArn"));
        let operation: &'static str = match action.as_str() {
            "GetCallerIdentity" => "GetCallerIdentity",
            "ListAttachedRolePolicies" => "ListAttachedRolePolicies",
            "GetRole" => "GetRole",
            "GetAccountSummary" => "GetAccountSummary",
            "AttachRolePolicy" => "AttachRolePolicy",
            "DetachRolePolicy" => "DetachRolePolicy",
            _ => return refused(400, "InvalidAction", &action),
        };
        *self.calls.entry(operation).or_default() += 1;
        if self.denied.contains(&operation) {
            return refused(403, "AccessDenied", "not authorized");
        }
        if operation == "GetCallerIdentity" {
            return xml(
                &action,
                &format!("<Account>{ACCOUNT}</Account><Arn>arn:aws:iam::{ACCOUNT}:user/me</Arn>"),
            );
        }
        if operation == "GetAccountSummary" {
            let entry = format!(
                "<entry><key>AttachedPoliciesPerRoleQuota</key><value>{MOST_POLICIES}</value></entry>"
            );
            return xml(&action, &format!("<SummaryMap>{entry}</SummaryMap>"));
        }
        let is_change = matches!(operation, "AttachRolePolicy" | "DetachRolePolicy");
        let faults = self.faults;
        if is_change && self.happens(faults.before) {
            return refused(500, "ServiceFailure", "failed");
        }
        let fails_after = is_change && self.happens(faults.after);
        let Some(role) = self.roles.get_mut(&name) else {
            return refused(404, "NoSuchEntity", &name);
        };
        match operation {
            "ListAttachedRolePolicies" => {
                let member =
                    |arn: &String| format!("<member><PolicyArn>{arn}</PolicyArn></member>");
                let members: String = role.policies.iter().map(member).collect();
                return xml(
                    &action,
                    &format!(
                        "<AttachedPolicies>{members}</AttachedPolicies><IsTruncated>false</IsTruncated>"
                    ),
                );
            }
            "GetRole" => {
                let tag = |(key, value): (&String, &String)| {
                    format!("<member><Key>{key}</Key><Value>{value}</Value></member>")
                };
                let tags: String = role.tags.iter().map(tag).collect();
                let role = format!(
                    "<Path>/service/</Path><RoleName>{name}</RoleName><RoleId>R</RoleId><Arn>arn:aws:iam::{ACCOUNT}:role/service/{name}</Arn>\
                     <CreateDate>2026-01-01T00:00:00Z</CreateDate><Tags>{tags}</Tags>"
                );
                return xml(&action, &format!("<Role>{role}</Role>"));
            }
            "AttachRolePolicy" if role.policies.contains(&policy) => {}
            "AttachRolePolicy" if role.policies.len() >= MOST_POLICIES => {
                return refused(
                    409,
                    "LimitExceeded",
                    "Cannot exceed quota for PoliciesPerRole: 10",
                );
            }
            "AttachRolePolicy" => role.policies.push(policy),
            _ if role.policies.contains(&policy) => role.policies.retain(|it| *it != policy),
            _ => return refused(404, "NoSuchEntity", &policy),
        }
        if fails_after {
            return refused(500, "ServiceFailure", "failed");
        }
        xml(&action, "")
    }
}

fn xml(action: &str, result: &str) -> Response {
    let result = format!("<{action}Result>{result}</{action}Result>");
    let body = format!("<{action}Response>{result}</{action}Response>");
    Response { status: 200, retry_after: None, body }
}

fn refused(status: u16, code: &str, message: &str) -> Response {
    let error = format!("<Code>{code}</Code><Message>{message}</Message>");
    let body = format!("<ErrorResponse><Error>{error}</Error></ErrorResponse>");
    Response { status, retry_after: None, body }
}
