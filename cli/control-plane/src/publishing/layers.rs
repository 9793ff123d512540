//! Layer versions and their policies.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::signer::signer;
use super::{Answer, Regions, answer, body, parameter, parts, refused};
use crate::{ACCOUNT, Request};

/// A layer version.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerVersion {
    /// The number.
    pub number: u64,
    /// The description.
    pub description: String,
    /// The digest of the zip, as Lambda states it.
    pub code_sha256: String,
    /// The licence.
    pub license: String,
    /// Architectures.
    pub architectures: Vec<String>,
    /// Statements of the policy.
    pub statements: Vec<Value>,
    /// The version of the profile with which AWS Signer has signed the zip.
    pub signer: Option<String>,
    /// True if a function with this version was invoked and the extension was ready.
    pub is_verified: bool,
}

fn arn(region: &str, layer: &str) -> String {
    format!("arn:aws:lambda:{region}:{ACCOUNT}:layer:{layer}")
}

impl LayerVersion {
    fn described(&self, region: &str, layer: &str) -> Value {
        json!({
            "LayerArn": arn(region, layer),
            "LayerVersionArn": format!("{}:{}", arn(region, layer), self.number),
            "Version": self.number,
            "Description": self.description,
            "LicenseInfo": self.license,
            "CompatibleArchitectures": self.architectures,
            "CreatedDate": "2026-11-28T09:15:00.000+0000",
        })
    }

    fn with_content(&self, region: &str, layer: &str) -> Value {
        let mut described = self.described(region, layer);
        described["Content"] = json!({ "CodeSha256": self.code_sha256, "CodeSize": 1 });
        if let Some(signer) = &self.signer {
            described["Content"]["SigningProfileVersionArn"] = json!(signer);
        }
        described
    }
}

impl Regions {
    pub(super) fn layer(&mut self, operation: &str, region: &str, request: &Request) -> Answer {
        let parts = parts(request);
        let layer = parts[2].clone();
        match operation {
            "ListLayerVersions" => self.list(region, &layer, request),
            "PublishLayerVersion" => self.publish(region, &layer, &body(request)),
            _ => {
                let number = parts[4].parse().unwrap_or_default();
                self.version(operation, region, &layer, number, &body(request))
            }
        }
    }

    /// Lists versions, the newest first.
    fn list(&mut self, region: &str, layer: &str, request: &Request) -> Answer {
        let most = parameter(request, "MaxItems").and_then(|it| it.parse().ok());
        let Some(most) = most.filter(|it| *it <= 20) else {
            self.violations.push("a list without a small page".to_owned());
            return refused(400, "InvalidParameterValueException", "MaxItems");
        };
        let from = parameter(request, "Marker").and_then(|it| it.parse().ok()).unwrap_or(0_usize);
        let versions = self.regions[region].layers.get(layer).cloned().unwrap_or_default();
        let page: Vec<_> = versions.iter().rev().skip(from).take(most).collect();
        let next = from + page.len();
        let next = (next < versions.len()).then(|| next.to_string());
        let page: Vec<_> = page.into_iter().map(|it| it.described(region, layer)).collect();
        answer(200, &json!({ "LayerVersions": page, "NextMarker": next }))
    }

    fn publish(&mut self, region: &str, layer: &str, body: &Value) -> Answer {
        let zip = body["Content"]["ZipFile"].as_str().unwrap_or_default();
        let zip = BASE64_STANDARD.decode(zip).unwrap_or_default();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let architectures = body["CompatibleArchitectures"].as_array().cloned().unwrap_or_default();
        let architectures: Vec<_> =
            architectures.iter().filter_map(|it| it.as_str()).map(str::to_owned).collect();
        if architectures.len() != 1 || !body["CompatibleRuntimes"].is_null() {
            self.violations.push(format!("{layer} is published as {body}"));
        }
        let place = self.regions.entry(region.to_owned()).or_default();
        let versions = place.layers.entry(layer.to_owned()).or_default();
        let version = LayerVersion {
            number: versions.last().map_or(1, |it| it.number + 1),
            description: text("Description"),
            code_sha256: BASE64_STANDARD.encode(Sha256::digest(&zip)),
            license: text("LicenseInfo"),
            architectures,
            statements: Vec::new(),
            signer: signer(&zip),
            is_verified: false,
        };
        if versions.iter().any(|it| it.description == version.description) {
            self.violations.push(format!("{layer} was published twice in {region}"));
        }
        let described = version.with_content(region, layer);
        versions.push(version);
        answer(201, &described)
    }

    fn version(
        &mut self,
        operation: &str,
        region: &str,
        layer: &str,
        number: u64,
        body: &Value,
    ) -> Answer {
        let missing = || refused(404, "ResourceNotFoundException", layer);
        if operation == "AddLayerVersionPermission" {
            self.check_before_opening(region, layer, number);
        }
        let place = self.regions.entry(region.to_owned()).or_default();
        let versions = place.layers.get_mut(layer);
        let version = versions.and_then(|it| it.iter_mut().find(|it| it.number == number));
        let Some(version) = version else { return missing() };
        match operation {
            "GetLayerVersion" => answer(200, &version.with_content(region, layer)),
            "GetLayerVersionPolicy" if version.statements.is_empty() => missing(),
            "GetLayerVersionPolicy" => {
                let policy = json!({ "Version": "2012-10-17", "Id": "default", "Statement": version.statements });
                answer(200, &json!({ "Policy": policy.to_string(), "RevisionId": "1" }))
            }
            _ => {
                if version.statements.iter().any(|it| it["Sid"] == body["StatementId"]) {
                    return refused(409, "ResourceConflictException", "the statement exists");
                }
                let mut statement = json!({
                    "Sid": body["StatementId"], "Effect": "Allow", "Principal": body["Principal"],
                    "Action": body["Action"], "Resource": format!("{}:{number}", arn(region, layer)),
                });
                if let Some(organization) = body["OrganizationId"].as_str() {
                    statement["Condition"] =
                        json!({ "StringEquals": { "aws:PrincipalOrgID": organization } });
                }
                version.statements.push(statement);
                answer(201, &json!({ "Statement": "", "RevisionId": "1" }))
            }
        }
    }

    /// Checks that a version is opened only after all regions have both layers of its release and each is verified.
    fn check_before_opening(&mut self, region: &str, layer: &str, number: u64) {
        let versions = self.regions[region].layers.get(layer);
        let version = versions.and_then(|it| it.iter().find(|it| it.number == number));
        let Some(release) = version.map(|it| it.description.clone()) else { return };
        for (name, place) in &self.regions {
            let verified = place.layers.values().flatten();
            let verified = verified.filter(|it| it.description == release && it.is_verified);
            if verified.count() != 2 {
                self.violations
                    .push(format!("{layer} was opened in {region} before {name} was verified"));
            }
        }
    }
}
