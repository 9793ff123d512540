//! A function of the control plane.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{ACCOUNT, REGION};

#[derive(Clone, Debug)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// Name of the role.
    pub(crate) role: String,
    /// True if the role has the policy of the deployment from the beginning.
    pub(crate) has_policy: bool,
    pub(crate) architecture: &'static str,
    pub(crate) layers: Vec<String>,
    pub(crate) variables: BTreeMap<String, String>,
    /// True if the caller may not use the key.
    pub(crate) is_unreadable: bool,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) revision: u64,
    /// When the update in progress ends.
    pub(crate) busy_until: Duration,
    /// Layers of the published versions.
    pub(crate) versions: Vec<Vec<String>>,
    /// Names and versions.
    pub(crate) aliases: Vec<(String, String)>,
    /// Second versions of aliases, by name.
    pub(crate) weights: BTreeMap<String, String>,
    /// Versions with provisioned concurrency.
    pub(crate) provisioned: Vec<String>,
    /// Further members of the configuration, which replace others.
    pub(crate) more: Map<String, Value>,
}

/// Returns the ARN of a version of the deployment's layer.
pub(crate) fn layer(architecture: &str, version: u32) -> String {
    format!(
        "arn:aws:lambda:{REGION}:{ACCOUNT}:layer:kinesis-telemetry-extension-{architecture}:{version}"
    )
}

/// Returns the ARN of a layer of others.
pub(crate) fn other_layer(name: &str) -> String {
    format!("arn:aws:lambda:{REGION}:580247275435:layer:{name}:7")
}

impl Function {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            role: format!("{name}-role"),
            has_policy: false,
            architecture: "x86_64",
            layers: Vec::new(),
            variables: BTreeMap::new(),
            is_unreadable: false,
            tags: BTreeMap::new(),
            revision: 0,
            busy_until: Duration::ZERO,
            versions: Vec::new(),
            aliases: Vec::new(),
            weights: BTreeMap::new(),
            provisioned: Vec::new(),
            more: Map::new(),
        }
    }

    pub(crate) fn role(mut self, role: &str) -> Self {
        role.clone_into(&mut self.role);
        self
    }

    pub(crate) fn allowed(mut self) -> Self {
        self.has_policy = true;
        self
    }

    pub(crate) fn arm64(mut self) -> Self {
        self.architecture = "arm64";
        self
    }

    pub(crate) fn layers(mut self, layers: &[String]) -> Self {
        self.layers = layers.to_vec();
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn tag(mut self, key: &str, value: &str) -> Self {
        self.tags.insert(key.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn unreadable(mut self) -> Self {
        self.is_unreadable = true;
        self
    }

    pub(crate) fn with(mut self, member: &str, value: Value) -> Self {
        self.more.insert(member.to_owned(), value);
        self
    }

    pub(crate) fn alias(mut self, name: &str, version: &str) -> Self {
        self.versions.push(self.layers.clone());
        self.aliases.push((name.to_owned(), version.to_owned()));
        self
    }

    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{}", self.name)
    }

    /// Returns the configurations that a list of all versions shows.
    pub(super) fn configurations(&self) -> Vec<Value> {
        let version = |version: String, layers: &[String]| {
            let mut function = Self { layers: layers.to_vec(), ..self.clone() }.configuration(None);
            function["FunctionArn"] = json!(format!("{}:{version}", self.arn()));
            function["Version"] = json!(version);
            function
        };
        let published = self.versions.iter().enumerate();
        let published = published.map(|(index, it)| version((index + 1).to_string(), it));
        [version("$LATEST".to_owned(), &self.layers)].into_iter().chain(published).collect()
    }

    /// Returns the configuration: with its state, or without it, as lists show it.
    pub(crate) fn configuration(&self, now: Option<Duration>) -> Value {
        let environment = if self.is_unreadable {
            json!({ "Error": { "ErrorCode": "AccessDeniedException", "Message": "kms:Decrypt is not allowed" } })
        } else {
            json!({ "Variables": self.variables })
        };
        let mut configuration = json!({
            "FunctionName": self.name,
            "FunctionArn": self.arn(),
            "Role": format!("arn:aws:iam::{ACCOUNT}:role/service/{}", self.role),
            "Runtime": "nodejs22.x",
            "PackageType": "Zip",
            "Architectures": [self.architecture],
            "Layers": self.layers.iter().map(|arn| json!({ "Arn": arn, "CodeSize": 1 })).collect::<Vec<_>>(),
            "Environment": environment,
            "RevisionId": format!("revision-{}", self.revision),
            "LastModified": "2026-11-28T09:15:00.000+0000",
        });
        if let Some(now) = now {
            let is_busy = now < self.busy_until;
            configuration["State"] = json!("Active");
            configuration["LastUpdateStatus"] =
                json!(if is_busy { "InProgress" } else { "Successful" });
        }
        for (member, value) in &self.more {
            configuration[member] = value.clone();
        }
        configuration
    }
}
