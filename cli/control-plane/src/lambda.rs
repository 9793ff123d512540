//! The operations of Lambda.

use std::time::Duration;

use extension_spec::ENV_PREFIX;
use serde_json::{Value, json};

use crate::function::Function;
use crate::{READ_BUCKET, Request, Response, State, answer, decoded, other_layer, refused};

/// Number of functions on a page.
const PAGE: usize = 50;
/// Number of aliases on a page, fewer than in Lambda.
const PAGE_OF_ALIASES: usize = 2;
const OUR_LAYERS: &str = ":layer:kinesis-telemetry-extension-";

impl State {
    pub(crate) fn lambda(&mut self, request: &Request, body: &str, now: Duration) -> Response {
        let path = decoded(&request.path);
        let (path, query) = path.split_once('?').unwrap_or((&path, ""));
        let parts: Vec<&str> = path.trim_matches('/').split('/').skip(1).collect();
        let operation = match (request.method.as_str(), parts.as_slice()) {
            ("GET", ["functions"]) => "ListFunctions",
            ("GET", ["functions", _]) => "GetFunction",
            ("PUT", ["functions", _, "configuration"]) => "UpdateFunctionConfiguration",
            ("POST", ["functions", _, "versions"]) => "PublishVersion",
            ("GET", ["functions", _, "aliases"]) => "ListAliases",
            ("GET", ["functions", _, "provisioned-concurrency"]) => {
                "ListProvisionedConcurrencyConfigs"
            }
            ("GET", ["functions", _, "code-signing-config"]) => "GetFunctionCodeSigningConfig",
            ("GET", ["code-signing-configs", _]) => "GetCodeSigningConfig",
            ("GET", ["code-signing-configs"]) => "ListCodeSigningConfigs",
            ("GET", ["code-signing-configs", .., "functions"]) => {
                "ListFunctionsByCodeSigningConfig"
            }
            ("GET", ["layers", ..]) => "GetLayerVersionByArn",
            _ => return refused(404, "UnknownOperationException", path),
        };
        *self.calls.entry(operation).or_default() += 1;
        let throttled = if operation == "GetFunction" {
            self.token(0, READ_BUCKET, now)
        } else {
            self.times.push(now);
            self.token(1, self.shared, now)
        };
        if let Some(response) = throttled {
            return response;
        }
        if self.denied.contains(&operation) {
            return refused(403, "AccessDeniedException", "not authorized");
        }
        // Requests identify functions by name or ARN.
        let name = parts.get(1).and_then(|it| it.rsplit(':').next()).unwrap_or_default();
        if let Some(edit) = self.edits.remove(operation) {
            self.change(name, edit);
        }
        match operation {
            "ListFunctions" => self.page(query),
            "ListCodeSigningConfigs"
            | "GetCodeSigningConfig"
            | "ListFunctionsByCodeSigningConfig" => self.code_signing(operation, &parts, query),
            "GetLayerVersionByArn" => self.layer_version(query),
            _ if !self.functions.contains_key(name) => {
                refused(404, "ResourceNotFoundException", &format!("Function not found: {name}"))
            }
            "GetFunctionCodeSigningConfig" => self.code_signing(operation, &parts, query),
            "GetFunction" => {
                let function = &self.functions[name];
                answer(
                    200,
                    &json!({ "Configuration": function.configuration(Some(now)), "Tags": function.tags }),
                )
            }
            "ListAliases" => {
                let function = &self.functions[name];
                let alias = |(name, version): &(String, String)| {
                    let weights = function.weights.get(name).map(|it| json!({ it: 0.1 }));
                    let routing = json!({ "AdditionalVersionWeights": weights });
                    json!({ "Name": name, "FunctionVersion": version, "RoutingConfig": routing })
                };
                let (from, aliases) = (marker(query), &function.aliases);
                let page: Vec<_> =
                    aliases.iter().skip(from).take(PAGE_OF_ALIASES).map(alias).collect();
                let next = from + page.len();
                let next = (next < aliases.len()).then(|| next.to_string());
                answer(200, &json!({ "Aliases": page, "NextMarker": next }))
            }
            "ListProvisionedConcurrencyConfigs" => {
                let function = &self.functions[name];
                let config =
                    |it: &String| json!({ "FunctionArn": format!("{}:{it}", function.arn()) });
                let configs: Vec<_> = function.provisioned.iter().map(config).collect();
                answer(200, &json!({ "ProvisionedConcurrencyConfigs": configs }))
            }
            "PublishVersion" => self.publish(name, &serde_json::from_str(body).unwrap_or_default()),
            _ => self.update(name, &serde_json::from_str(body).unwrap_or_default(), now),
        }
    }

    fn page(&self, query: &str) -> Response {
        let from = marker(query);
        let functions: Vec<_> = if query.contains("FunctionVersion=ALL") {
            self.functions.values().flat_map(Function::configurations).collect()
        } else {
            self.functions.values().map(|it| it.configuration(None)).collect()
        };
        let page = &functions[from..functions.len().min(from + PAGE)];
        let next = from + page.len();
        let next = (next < functions.len()).then(|| next.to_string());
        answer(200, &json!({ "Functions": page, "NextMarker": next }))
    }

    fn publish(&mut self, name: &str, body: &Value) -> Response {
        if !self.is_latest(name, body) {
            return outdated();
        }
        let Some(function) = self.functions.get_mut(name) else {
            return refused(404, "ResourceNotFoundException", name);
        };
        if function.versions.last() != Some(&function.layers) {
            function.versions.push(function.layers.clone());
        }
        answer(
            201,
            &json!({ "FunctionName": name, "Version": function.versions.len().to_string() }),
        )
    }

    fn update(&mut self, name: &str, body: &Value, now: Duration) -> Response {
        let faults = self.faults;
        if now < self.failing_until || self.happens(faults.before) {
            return refused(500, "ServiceException", "failed before the change");
        }
        if self.happens(faults.edits) {
            self.edit(name);
        }
        let function = self.functions[name].clone();
        if now < function.busy_until {
            return refused(
                409,
                "ResourceConflictException",
                "An update is in progress for resource",
            );
        }
        if !self.is_latest(name, body) {
            return outdated();
        }
        let mut changed = function.clone();
        if let Some(layers) = body["Layers"].as_array() {
            changed.layers =
                layers.iter().filter_map(|it| it.as_str()).map(str::to_owned).collect();
            let others = |layers: &[String]| {
                layers.iter().filter(|it| !it.contains(OUR_LAYERS)).cloned().collect::<Vec<_>>()
            };
            if others(&changed.layers) != others(&function.layers) {
                self.violation(format!(
                    "{name}: other layers {:?} became {:?}",
                    function.layers, changed.layers
                ));
            }
        }
        if !body["Environment"].is_null() {
            let variables =
                body["Environment"]["Variables"].as_object().cloned().unwrap_or_default();
            changed.variables = variables
                .into_iter()
                .map(|(name, value)| (name, value.as_str().unwrap_or_default().to_owned()))
                .collect();
            let others = |it: &Function| {
                it.variables
                    .clone()
                    .into_iter()
                    .filter(|it| !it.0.starts_with(ENV_PREFIX))
                    .collect::<Vec<_>>()
            };
            if function.is_unreadable || others(&changed) != others(&function) {
                self.violation(format!(
                    "{name}: other variables {:?} became {:?}",
                    function.variables, changed.variables
                ));
            }
        }
        if changed.layers.len() > 5 {
            return invalid("Cannot reference more than 5 layers.");
        }
        let bytes: usize =
            changed.variables.iter().map(|(name, value)| name.len() + value.len()).sum();
        if bytes > 4_096 {
            return invalid("Environment variables exceeded the 4KB limit");
        }
        if let Some(response) = self.untrusted(&function, &changed) {
            self.violation(format!("{name}: layers of which code signing refuses one"));
            return response;
        }
        self.revisions += 1;
        changed.revision = self.revisions;
        changed.busy_until = now + self.update;
        changed.more.retain(|member, _| !member.starts_with("LastUpdateStatus"));
        let configuration = changed.configuration(Some(now));
        if let Some(after_write) = self.after_write {
            after_write(&function, &mut changed);
        }
        self.functions.insert(name.to_owned(), changed);
        if self.happens(faults.after) {
            return refused(500, "ServiceException", "failed after the change");
        }
        answer(200, &configuration)
    }

    /// Returns true if a request has the current revision of the function.
    fn is_latest(&mut self, name: &str, body: &Value) -> bool {
        let Some(revision) = body["RevisionId"].as_str() else {
            self.violation(format!("{name}: a change without RevisionId"));
            return false;
        };
        revision == format!("revision-{}", self.functions[name].revision)
    }

    /// Changes a function as others would.
    fn edit(&mut self, name: &str) {
        self.revisions += 1;
        let (revision, adds_layer) = (self.revisions, self.happens(0.5));
        if let Some(function) = self.functions.get_mut(name) {
            function.revision = revision;
            if adds_layer && function.layers.len() < 4 {
                function.layers.insert(0, other_layer(&format!("theirs-{revision}")));
            } else {
                function.variables.insert(format!("THEIRS_{revision}"), "x".to_owned());
            }
        }
    }
}

fn outdated() -> Response {
    let message = "The RevisionId provided does not match the latest RevisionId";
    refused(412, "PreconditionFailedException", message)
}

/// Returns the offset of a page.
pub(crate) fn marker(query: &str) -> usize {
    let mut parameters = query.split('&');
    let marker = parameters.find_map(|it| it.strip_prefix("Marker="));
    marker.map_or(0, |it| it.parse().unwrap_or_default())
}

fn invalid(message: &str) -> Response {
    refused(400, "InvalidParameterValueException", message)
}
