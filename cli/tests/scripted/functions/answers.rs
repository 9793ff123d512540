//! Lambda's answers about functions, their tags and their aliases.

use std::collections::BTreeMap;

use kinesis_telemetry_control_plane::decoded;
use serde_json::{Map, Value, json};

use crate::server::{Answer, Call, Server, deployed, ok, parameters};

const PLACE: &str = "arn:aws:lambda:eu-central-1:111122223333";
/// Number of functions of one page, as in Lambda.
const PAGE: usize = 50;

/// The functions of an account, and their properties.
#[derive(Default)]
pub(crate) struct Fleet {
    functions: Vec<Value>,
    tags: BTreeMap<String, Value>,
    /// Names and versions of aliases, by function.
    aliases: BTreeMap<String, Vec<Value>>,
    /// Layers, by function and version.
    versions: BTreeMap<(String, String), Vec<String>>,
}

/// Returns the ARN of a version of the deployment's layer.
pub(crate) fn layer(architecture: &str, version: u32) -> String {
    format!("{PLACE}:layer:extension-{architecture}:{version}")
}

/// Returns a function as `ListFunctions` shows it.
pub(crate) fn function(name: &str, layers: &[String]) -> Value {
    json!({
        "FunctionName": name,
        "FunctionArn": format!("{PLACE}:function:{name}"),
        "Runtime": "nodejs22.x",
        "Architectures": ["x86_64"],
        "LastModified": "2026-11-28T09:15:00.000+0000",
        "Layers": layers.iter().map(|arn| json!({ "Arn": arn })).collect::<Vec<_>>(),
        "Environment": { "Variables": { "KINESIS_TELEMETRY_STREAM": "telemetry" } },
    })
}

/// Returns the name of a Lambda operation, from its method and path.
pub(crate) fn name_of(call: &Call) -> &'static str {
    let path = call.operation.as_str();
    match path.split('?').next().unwrap_or_default() {
        path if path.ends_with("/functions") || path.ends_with("/functions/") => "ListFunctions",
        path if path.contains("/tags/") => "ListTags",
        path if path.ends_with("/aliases") => "ListAliases",
        path if path.ends_with("/configuration") => "GetFunctionConfiguration",
        _ => "other",
    }
}

impl Fleet {
    pub(crate) fn of(functions: Vec<Value>) -> Self {
        Self { functions, ..Self::default() }
    }

    pub(crate) fn tagged(mut self, name: &str, tags: &[(&str, &str)]) -> Self {
        let tags: Map<_, _> = tags.iter().map(|(k, v)| ((*k).to_owned(), json!(v))).collect();
        self.tags.insert(name.to_owned(), tags.into());
        self
    }

    /// Adds an alias, and the version that it runs, with these layers.
    pub(crate) fn alias(
        mut self,
        name: &str,
        alias: &str,
        version: &str,
        layers: &[String],
    ) -> Self {
        let answer = json!({ "Name": alias, "FunctionVersion": version });
        self.aliases.entry(name.to_owned()).or_default().push(answer);
        self.version(name, version, layers)
    }

    /// Adds a version of a function with these layers.
    pub(crate) fn version(mut self, name: &str, version: &str, layers: &[String]) -> Self {
        self.versions.insert((name.to_owned(), version.to_owned()), layers.to_vec());
        self
    }

    pub(crate) fn serve(self) -> Server {
        self.serve_but(|_| None)
    }

    /// Serves the fleet, except for the calls that `other` answers.
    pub(crate) fn serve_but(
        self,
        other: impl Fn(&Call) -> Option<Answer> + Send + Sync + 'static,
    ) -> Server {
        Server::start(move |call| other(call).unwrap_or_else(|| self.answer(call)))
    }

    fn answer(&self, call: &Call) -> Answer {
        let text = decoded(&call.operation);
        let (path, query) = text.split_once('?').unwrap_or((&text, ""));
        let between = |before: &str, after: &str| {
            let rest = path.split_once(before).map_or("", |(_, it)| it);
            rest.strip_suffix(after).unwrap_or(rest).to_owned()
        };
        match name_of(call) {
            "ListFunctions" => self.page(query),
            "ListTags" => {
                let name = between(":function:", "");
                ok(&json!({ "Tags": self.tags.get(&name).cloned().unwrap_or_else(|| json!({})) }))
            }
            "ListAliases" => {
                let name = between("/functions/", "/aliases");
                ok(&json!({ "Aliases": self.aliases.get(&name).cloned().unwrap_or_default() }))
            }
            "GetFunctionConfiguration" => {
                let name = between("/functions/", "/configuration");
                let version = query.split_once("Qualifier=").map_or("", |(_, it)| it);
                ok(&function(&name, &self.versions[&(name.clone(), version.to_owned())]))
            }
            _ if call.operation == "GetParameters" => published(),
            _ => deployed(),
        }
    }

    fn page(&self, query: &str) -> Answer {
        let from = query.split_once("Marker=").map_or(0, |(_, it)| it.parse().unwrap());
        let page: Vec<_> = self.functions.iter().skip(from).take(PAGE).collect();
        let next = from + page.len();
        let marker = (next < self.functions.len()).then(|| next.to_string());
        ok(&json!({ "Functions": page, "NextMarker": marker }))
    }
}

/// Returns the values of the deployment: version 12 of the layer for `x86_64`, version 11 of the layer for arm64.
fn published() -> Answer {
    parameters(&[
        ("stack/name", "KinesisTelemetry-dev"),
        ("stream/arn", crate::server::STREAM),
        ("extension/arn", &layer("x86_64", 12)),
        ("extension/x86_64/arn", &layer("x86_64", 12)),
        ("extension/arm64/arn", &layer("arm64", 11)),
    ])
}
