//! Code signing: configurations of functions, signatures of layers, and the changes that Lambda rejects because of them.

use serde_json::{Value, json};

use crate::function::Function;
use crate::lambda::marker;
use crate::{ACCOUNT, REGION, Response, State, answer, refused};

/// Number of configurations or functions on a page, fewer than in Lambda.
const PAGE: usize = 2;

/// A code signing configuration.
#[derive(Clone, Debug, Default)]
pub struct CodeSigning {
    /// True if the policy is `Enforce`, false if it is `Warn`.
    pub is_enforced: bool,
    /// ARNs of the signing profile versions that are allowed.
    pub allowed: Vec<String>,
}

/// Returns the ARN of a signing profile version.
pub fn signing_profile(name: &str) -> String {
    format!("arn:aws:signer:{REGION}:{ACCOUNT}:/signing-profiles/{name}/v1")
}

fn arn(config: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT}:code-signing-config:{config}")
}

impl State {
    /// Answers a call about configurations. `path` is what follows the version of the API.
    pub(crate) fn code_signing(&self, operation: &str, path: &[&str], query: &str) -> Response {
        let name = path.get(1).and_then(|it| it.rsplit(':').next()).unwrap_or_default();
        match operation {
            "ListCodeSigningConfigs" => {
                let configs = self.code_signing.iter().map(|(name, it)| config(name, it));
                page("CodeSigningConfigs", configs.collect(), query)
            }
            "GetFunctionCodeSigningConfig" => {
                let config = &self.functions[name].code_signing;
                let config = config.as_deref().map(arn).unwrap_or_default();
                answer(200, &json!({ "FunctionName": name, "CodeSigningConfigArn": config }))
            }
            _ if !self.code_signing.contains_key(name) => {
                refused(404, "ResourceNotFoundException", "no such code signing configuration")
            }
            "GetCodeSigningConfig" => {
                let config = config(name, &self.code_signing[name]);
                answer(200, &json!({ "CodeSigningConfig": config }))
            }
            _ => {
                let is_its = |it: &&Function| it.code_signing.as_deref() == Some(name);
                let functions = self.functions.values().filter(is_its);
                page("FunctionArns", functions.map(|it| json!(it.arn())).collect(), query)
            }
        }
    }

    /// Answers a call for a layer version and its signer.
    pub(crate) fn layer_version(&self, query: &str) -> Response {
        let arn = query.split('&').find_map(|it| it.strip_prefix("Arn=")).unwrap_or_default();
        let signer = self.signers.get(arn);
        answer(
            200,
            &json!({ "LayerVersionArn": arn, "Content": { "CodeSize": 1, "SigningProfileVersionArn": signer } }),
        )
    }

    /// Rejects a change that adds layers which the function's configuration does not accept.
    pub(crate) fn untrusted(&self, before: &Function, after: &Function) -> Option<Response> {
        let name = before.code_signing.as_ref()?;
        let Some(config) = self.code_signing.get(name) else {
            return Some(refused(404, "CodeSigningConfigNotFoundException", &arn(name)));
        };
        for layer in after.layers.iter().filter(|it| !before.layers.contains(it)) {
            // Integrity is checked under every policy.
            if self.altered.contains(layer) {
                let message = "The code signature failed the integrity check";
                return Some(refused(400, "InvalidCodeSignatureException", message));
            }
            let is_allowed = self.signers.get(layer).is_some_and(|it| config.allowed.contains(it));
            if config.is_enforced && !is_allowed {
                let message = "The function or layer might be signed using a signature that the client is not configured to accept";
                return Some(refused(400, "CodeVerificationFailedException", message));
            }
        }
        None
    }
}

fn config(name: &str, config: &CodeSigning) -> Value {
    let policy = if config.is_enforced { "Enforce" } else { "Warn" };
    json!({
        "CodeSigningConfigId": name, "CodeSigningConfigArn": arn(name), "LastModified": "2026-11-28T09:15:00Z",
        "AllowedPublishers": { "SigningProfileVersionArns": config.allowed },
        "CodeSigningPolicies": { "UntrustedArtifactOnDeployment": policy },
    })
}

fn page(member: &str, items: Vec<Value>, query: &str) -> Response {
    let from = marker(query);
    let count = items.len();
    let page: Vec<_> = items.into_iter().skip(from).take(PAGE).collect();
    let next = from + page.len();
    answer(200, &json!({ member: page, "NextMarker": (next < count).then(|| next.to_string()) }))
}
