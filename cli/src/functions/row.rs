//! One function of the list. Pure.

use std::collections::BTreeMap;

use aws_sdk_lambda::types::FunctionConfiguration;
use extension_spec::{ENV_PREFIX, variable};
use serde::Serialize;

use crate::fleet::{Managed, Published};

/// A function that has the layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) architecture: String,
    /// The runtime; `None` for a container image.
    pub(super) runtime: Option<String>,
    pub(super) layer_version: i64,
    /// Number of layer versions that the function is behind the published one.
    pub(super) behind: i64,
    /// ARNs of the deployment's layers that the function has.
    pub(super) layers: Vec<String>,
    /// The problem with these layers, if there is one.
    pub(super) problem: Option<String>,
    /// The variables of the extension; `None` if the environment could not be read.
    pub(super) settings: Option<BTreeMap<String, String>>,
    /// Why the environment could not be read.
    pub(super) settings_error: Option<String>,
    /// The time of the last change, as Lambda states it: ISO 8601.
    pub(super) last_modified: String,
    /// The tool that deploys the function; `None` if its tags could not be read.
    #[serde(flatten)]
    pub(super) managed: Option<Managed>,
    /// Aliases whose version has an older layer version, or none; `None` if they could not be read.
    pub(super) old_aliases: Option<Vec<OldAlias>>,
}

/// An alias that runs a version of the function with an older layer version than `$LATEST` has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OldAlias {
    pub(super) alias: String,
    pub(super) function_version: String,
    /// The layer version; `None` if that version of the function does not have the layer.
    pub(super) layer_version: Option<i64>,
}

impl Row {
    /// Returns the row of a function, or `None` if it does not have the layer.
    pub(super) fn of(function: &FunctionConfiguration, published: &Published) -> Option<Self> {
        let attached = published.attached(function);
        let architecture = function.architectures().first().map_or("x86_64", |it| it.as_str());
        let fits = |it: &&crate::fleet::Attached| it.architecture.name() == architecture;
        let own = attached.iter().rev().find(fits);
        let wrong = attached.iter().rev().find(|it| !fits(it));
        let problem = match (own, wrong) {
            (Some(_), Some(wrong)) => Some(format!(
                "has the layers of both architectures, and the last one takes effect: remove {}",
                wrong.arn
            )),
            (None, Some(wrong)) => Some(format!(
                "is {architecture} but has the layer for {}, so it fails at init",
                wrong.architecture.name()
            )),
            _ => None,
        };
        let counted = own.or(wrong)?;
        let environment = function.environment();
        let error = environment.and_then(|it| it.error()).map(|error| {
            let words = [error.error_code(), error.message()];
            words.into_iter().flatten().collect::<Vec<_>>().join(": ")
        });
        let variables = environment.and_then(|it| it.variables()).into_iter().flatten();
        let settings = variables.filter(|(name, _)| name.starts_with(ENV_PREFIX));
        let settings = settings.map(|(name, value)| (name.clone(), value.clone())).collect();
        Some(Self {
            name: function.function_name().unwrap_or_default().to_owned(),
            arn: function.function_arn().unwrap_or_default().to_owned(),
            architecture: architecture.to_owned(),
            runtime: function.runtime().map(|it| it.as_str().to_owned()),
            layer_version: counted.version,
            behind: counted.behind,
            layers: attached.iter().map(|it| it.arn.clone()).collect(),
            problem,
            settings: error.is_none().then_some(settings),
            settings_error: error,
            last_modified: function.last_modified().unwrap_or_default().to_owned(),
            managed: None,
            old_aliases: None,
        })
    }

    /// Returns the name of the stream that the function delivers to, `-` for none, or `unreadable`.
    pub(super) fn stream(&self) -> &str {
        let Some(settings) = &self.settings else { return "unreadable" };
        let stream = settings.get(variable::STREAM).map_or("-", String::as_str);
        stream.rsplit_once(":stream/").map_or(stream, |(_, name)| name)
    }

    /// Returns the settings except for these variables, as `NAME=value` without the prefix of their names.
    pub(super) fn settings_without(&self, without: &[&str]) -> String {
        let others = self.settings.iter().flatten();
        let others = others.filter(|(name, _)| !without.contains(&name.as_str()));
        let short = |name: &str| name.strip_prefix(ENV_PREFIX).unwrap_or(name).to_owned();
        others.map(|(name, value)| format!("{}={value}", short(name))).collect::<Vec<_>>().join(" ")
    }
}
