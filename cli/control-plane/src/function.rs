//! The functions of the control plane.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::{ACCOUNT, REGION};

/// A function of the account.
#[derive(Clone, Debug)]
pub struct Function {
    /// The name of the function.
    pub name: String,
    /// The name of its role.
    pub role: String,
    /// True if the role initially has the policy of the deployment.
    pub has_policy: bool,
    /// `x86_64` or `arm64`.
    pub architecture: &'static str,
    /// ARNs of the layer versions, in their order.
    pub layers: Vec<String>,
    /// Environment variables by name.
    pub variables: BTreeMap<String, String>,
    /// True if the caller may not use the key of the variables.
    pub is_unreadable: bool,
    /// Tags by key.
    pub tags: BTreeMap<String, String>,
    /// Number of the `RevisionId`.
    pub revision: u64,
    /// The time at which the update in progress ends.
    pub busy_until: Duration,
    /// Layers of the published versions.
    pub versions: Vec<Vec<String>>,
    /// Names and versions of aliases.
    pub aliases: Vec<(String, String)>,
    /// Second versions of aliases, by name.
    pub weights: BTreeMap<String, String>,
    /// Versions with provisioned concurrency.
    pub provisioned: Vec<String>,
    /// Name of its code signing configuration.
    pub code_signing: Option<String>,
    /// Further members of the configuration, which replace others.
    pub more: Map<String, Value>,
}

/// Returns the ARN of a version of the deployment's layer.
pub fn layer(architecture: &str, version: u32) -> String {
    format!(
        "arn:aws:lambda:{REGION}:{ACCOUNT}:layer:kinesis-telemetry-extension-{architecture}:{version}"
    )
}

/// Returns the ARN of a layer that is not ours.
pub fn other_layer(name: &str) -> String {
    format!("arn:aws:lambda:{REGION}:580247275435:layer:{name}:7")
}

impl Function {
    /// Returns an `x86_64` function without layers, with its own role.
    pub fn new(name: &str) -> Self {
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
            code_signing: None,
            more: Map::new(),
        }
    }

    /// Sets the role.
    #[must_use]
    pub fn role(mut self, role: &str) -> Self {
        role.clone_into(&mut self.role);
        self
    }

    /// Attaches the policy of the deployment to the role.
    #[must_use]
    pub fn allowed(mut self) -> Self {
        self.has_policy = true;
        self
    }

    /// Changes the architecture to arm64.
    #[must_use]
    pub fn arm64(mut self) -> Self {
        self.architecture = "arm64";
        self
    }

    /// Sets the layers.
    #[must_use]
    pub fn layers(mut self, layers: &[String]) -> Self {
        self.layers = layers.to_vec();
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Sets a tag.
    #[must_use]
    pub fn tag(mut self, key: &str, value: &str) -> Self {
        self.tags.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Encrypts the variables with a key that the caller may not use.
    #[must_use]
    pub fn unreadable(mut self) -> Self {
        self.is_unreadable = true;
        self
    }

    /// Gives it a code signing configuration.
    #[must_use]
    pub fn code_signing(mut self, config: &str) -> Self {
        self.code_signing = Some(config.to_owned());
        self
    }

    /// Adds a member to the configuration.
    #[must_use]
    pub fn with(mut self, member: &str, value: Value) -> Self {
        self.more.insert(member.to_owned(), value);
        self
    }

    /// Adds an alias of a version.
    #[must_use]
    pub fn alias(mut self, name: &str, version: &str) -> Self {
        self.versions.push(self.layers.clone());
        self.aliases.push((name.to_owned(), version.to_owned()));
        self
    }

    /// Returns the ARN of the function.
    pub fn arn(&self) -> String {
        format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{}", self.name)
    }

    /// Returns the configurations in a list of all versions.
    pub(crate) fn configurations(&self) -> Vec<Value> {
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
    pub fn configuration(&self, now: Option<Duration>) -> Value {
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
