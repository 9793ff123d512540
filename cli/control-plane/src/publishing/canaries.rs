//! Functions that are created to verify a layer.

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
    /// The environment variables, as the request states them.
    pub environment: Value,
    /// Number of reads of its state since it was created or updated; it is ready after the first one.
    pub looks: usize,
    /// True if an update has begun that the function does not have yet.
    pub is_updating: bool,
    /// True if the next invocation finds an environment whose extensions are initialised.
    pub is_warm: bool,
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
                if function.is_updating && function.looks > 1 {
                    function.is_updating = false;
                    function.is_warm = is_proactive(&mut place.proactive);
                }
                let is_pending = function.looks < 2;
                let state = if is_pending && !function.is_updating { "Pending" } else { "Active" };
                let update = if function.is_updating { "InProgress" } else { "Successful" };
                answer(
                    200,
                    &json!({
                        "FunctionName": name, "Description": function.description, "State": state,
                        "LastUpdateStatus": update,
                    }),
                )
            }
            _ if function.looks < 2 && !function.is_updating => {
                refused(409, "ResourceConflictException", "The function is pending")
            }
            "UpdateFunctionConfiguration" if function.is_updating => {
                refused(409, "ResourceConflictException", "An update is in progress")
            }
            "UpdateFunctionConfiguration" => {
                let environment = body["Environment"].clone();
                // Lambda keeps the environments of a function whose configuration stays as it is.
                function.is_updating = environment != function.environment;
                function.environment = environment;
                function.looks = if function.is_updating { 0 } else { function.looks };
                answer(200, &json!({ "FunctionName": name }))
            }
            _ => {
                let is_warm = std::mem::replace(&mut function.is_warm, true);
                let (layer, architecture) = (function.layer.clone(), function.architecture.clone());
                self.invoke(region, &layer, &architecture, is_warm)
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
            is_warm: is_proactive(&mut place.proactive),
            ..Canary::default()
        };
        place.functions.insert(name.to_owned(), function);
        answer(201, &json!({ "FunctionName": name, "State": "Pending" }))
    }

    /// Answers an invocation. The log names the extension only if the invocation has started the environment.
    fn invoke(&mut self, region: &str, layer: &str, architecture: &str, is_warm: bool) -> Answer {
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
        let extension = if is_warm {
            String::new()
        } else {
            version.is_verified = !is_broken;
            let state = if is_broken { "LaunchError" } else { "Ready" };
            format!(
                "EXTENSION\tName: {EXTENSION_NAME}\tState: {state}\tEvents: [INVOKE, SHUTDOWN]\n"
            )
        };
        let log = format!("START RequestId: 1 Version: $LATEST\n{extension}END RequestId: 1\n");
        let headers = vec![("x-amz-log-result", BASE64_STANDARD.encode(log))];
        Answer { status: 200, headers, body: b"\"ok\"".to_vec() }
    }
}

/// Counts an environment. Returns true if Lambda initialises it before the invocation.
fn is_proactive(left: &mut usize) -> bool {
    let is_proactive = *left > 0;
    *left = left.saturating_sub(1);
    is_proactive
}
