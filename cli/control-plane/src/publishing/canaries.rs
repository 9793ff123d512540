//! Functions that are created for a single invocation.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use extension_spec::EXTENSION_NAME;

use super::{Answer, Regions, answer, body, parts, refused};
use crate::Request;

/// A canary function.
#[derive(Clone, Debug, Default)]
pub struct Canary {
    /// The description.
    pub description: String,
    /// The ARN of its layer.
    pub layer: String,
    /// The architecture.
    pub architecture: String,
    /// Number of reads of its state; it is ready after the first one.
    pub looks: usize,
}

impl Regions {
    pub(super) fn canary(&mut self, operation: &str, region: &str, request: &Request) -> Answer {
        let (parts, body) = (parts(request), body(request));
        let name = match body["FunctionName"].as_str() {
            Some(name) => name.to_owned(),
            None => parts.get(2).cloned().unwrap_or_default(),
        };
        if operation == "CreateFunction" {
            return self.create(region, &name, &body);
        }
        let place = self.regions.entry(region.to_owned()).or_default();
        let Some(function) = place.functions.get_mut(&name) else {
            return refused(
                404,
                "ResourceNotFoundException",
                &format!("Function not found: {name}"),
            );
        };
        match operation {
            "DeleteFunction" => {
                if !function.description.contains("cargo xtask publish") {
                    self.violations.push(format!("{name} of others was deleted"));
                }
                place.functions.remove(&name);
                Answer { status: 204, ..Answer::default() }
            }
            "GetFunctionConfiguration" => {
                function.looks += 1;
                let state = if function.looks > 1 { "Active" } else { "Pending" };
                answer(
                    200,
                    &json!({
                        "FunctionName": name, "Description": function.description, "State": state,
                        "LastUpdateStatus": "Successful",
                    }),
                )
            }
            _ if function.looks < 2 => {
                refused(409, "ResourceConflictException", "The function is pending")
            }
            _ => {
                let (layer, architecture) = (function.layer.clone(), function.architecture.clone());
                self.invoke(region, &layer, &architecture)
            }
        }
    }

    fn create(&mut self, region: &str, name: &str, body: &Value) -> Answer {
        let place = self.regions.entry(region.to_owned()).or_default();
        if place.functions.contains_key(name) {
            return refused(409, "ResourceConflictException", "Function already exist");
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let function = Canary {
            description: text(&body["Description"]),
            layer: text(&body["Layers"][0]),
            architecture: text(&body["Architectures"][0]),
            looks: 0,
        };
        place.functions.insert(name.to_owned(), function);
        answer(201, &json!({ "FunctionName": name, "State": "Pending" }))
    }

    fn invoke(&mut self, region: &str, layer: &str, architecture: &str) -> Answer {
        let place = self.regions.entry(region.to_owned()).or_default();
        let is_broken = place.is_broken;
        let versions = place.layers.iter_mut().flat_map(|(name, versions)| {
            versions.iter_mut().map(move |it| (format!(":layer:{name}:{}", it.number), it))
        });
        let version = versions.into_iter().find(|(end, _)| layer.ends_with(end.as_str()));
        let Some((_, version)) = version.filter(|(_, it)| it.architectures == [architecture])
        else {
            self.violations.push(format!("{layer} was verified on {architecture}"));
            return refused(400, "InvalidParameterValueException", layer);
        };
        version.is_verified = !is_broken;
        let state = if is_broken { "LaunchError" } else { "Ready" };
        let log = format!(
            "START RequestId: 1 Version: $LATEST\nEXTENSION\tName: {EXTENSION_NAME}\tState: {state}\tEvents: [INVOKE, SHUTDOWN]\nEND RequestId: 1\n"
        );
        let headers = vec![("x-amz-log-result", BASE64_STANDARD.encode(log))];
        Answer { status: 200, headers, body: b"\"ok\"".to_vec() }
    }
}
