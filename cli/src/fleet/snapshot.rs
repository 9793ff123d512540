//! The state of a function that matters for attaching a layer. Pure.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_lambda::operation::get_function::GetFunctionOutput;
use aws_sdk_lambda::types::{
    FunctionConfiguration, LastUpdateStatus, LastUpdateStatusReasonCode, PackageType,
    SnapStartApplyOn, State, StateReasonCode,
};
use extension_spec::deployment::Architecture;

use super::managed::Managed;
use super::reason::{Reason, Why};

/// Variables by name.
pub(crate) type Variables = BTreeMap<String, String>;

/// A function at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) role: String,
    /// The revision ID of this state.
    pub(crate) revision: String,
    pub(crate) is_image: bool,
    pub(crate) is_replica: bool,
    /// The architecture, as Lambda names it.
    pub(crate) architecture: String,
    /// The runtime; `None` for container images.
    pub(crate) runtime: Option<String>,
    /// ARNs of layer versions, in their order.
    pub(crate) layers: Vec<String>,
    /// All variables, or the reason why they cannot be read.
    pub(crate) variables: Result<Variables, String>,
    /// True while the function is being created or updated.
    pub(crate) is_busy: bool,
    /// The reason why the function has failed, if it has.
    pub(crate) failure: Option<String>,
    /// The reason why its last update has failed, if it has.
    pub(crate) update_failure: Option<String>,
    /// The tool that manages the function; `None` if its tags cannot be read.
    pub(crate) managed: Option<Managed>,
    /// The tags; `None` if they cannot be read.
    pub(crate) tags: Option<HashMap<String, String>>,
    /// Features that make callers run published versions.
    pub(crate) versioned: Vec<&'static str>,
}

impl Snapshot {
    /// Returns the state in a response of Lambda.
    pub(crate) fn of(answer: GetFunctionOutput) -> Result<Self, Why> {
        let nothing = || Reason::Refused.with("the response of Lambda has no configuration");
        let function = answer.configuration.ok_or_else(nothing)?;
        let tags = match &answer.tags_error {
            Some(_) => None,
            None => Some(answer.tags.unwrap_or_default()),
        };
        Self::from(&function, tags.as_ref())
    }

    /// Returns the state. Fails if a member is missing that a safe write needs.
    fn from(
        function: &FunctionConfiguration,
        tags: Option<&HashMap<String, String>>,
    ) -> Result<Self, Why> {
        let text = |member: &str, value: Option<&str>| match value.filter(|it| !it.is_empty()) {
            Some(value) => Ok(value.to_owned()),
            None => Err(Reason::Refused.with(format!("the response of Lambda lacks {member}"))),
        };
        let layers = function.layers().iter().map(|it| text("the ARN of a layer", it.arn()));
        let environment = function.environment();
        let variables = if let Some(error) = environment.and_then(|it| it.error()) {
            let words = [error.error_code(), error.message()];
            Err(words.into_iter().flatten().collect::<Vec<_>>().join(": "))
        } else if environment.is_some_and(|it| it.variables().is_none()) {
            Err("the response of Lambda has neither variables nor an error".to_owned())
        } else {
            let variables = environment.and_then(|it| it.variables()).into_iter().flatten();
            Ok(variables.map(|(name, value)| (name.clone(), value.clone())).collect())
        };
        let architecture = function.architectures().first();
        Ok(Self {
            name: text("FunctionName", function.function_name())?,
            arn: text("FunctionArn", function.function_arn())?,
            role: text("Role", function.role())?,
            revision: text("RevisionId", function.revision_id())?,
            is_image: function.package_type() == Some(&PackageType::Image),
            is_replica: function.master_arn().is_some(),
            architecture: architecture
                .map_or(Architecture::X86_64.name(), |it| it.as_str())
                .to_owned(),
            runtime: function.runtime().map(|it| it.as_str().to_owned()),
            layers: layers.collect::<Result<_, _>>()?,
            variables,
            is_busy: function.state() == Some(&State::Pending)
                || function.last_update_status() == Some(&LastUpdateStatus::InProgress),
            failure: failure(function),
            update_failure: update_failure(function),
            managed: tags.map(Managed::of),
            tags: tags.cloned(),
            versioned: versioned(function),
        })
    }
}

/// Returns the failure of a function, with Lambda's code.
fn failure(function: &FunctionConfiguration) -> Option<String> {
    let state = function.state().filter(|it| !matches!(it, State::Active | State::Pending))?;
    let code = function.state_reason_code().map(StateReasonCode::as_str);
    Some(words(&format!("State is {}", state.as_str()), code, function.state_reason()))
}

/// Returns the reason why the last update of a function has failed, with Lambda's code.
fn update_failure(function: &FunctionConfiguration) -> Option<String> {
    function.last_update_status().filter(|it| **it == LastUpdateStatus::Failed)?;
    let code = function.last_update_status_reason_code().map(LastUpdateStatusReasonCode::as_str);
    Some(words("LastUpdateStatus is Failed", code, function.last_update_status_reason()))
}

fn words(what: &str, code: Option<&str>, reason: Option<&str>) -> String {
    let details: Vec<_> = code.into_iter().chain(reason).collect();
    match details[..] {
        [] => what.to_owned(),
        _ => format!("{what} ({})", details.join(": ")),
    }
}

fn versioned(function: &FunctionConfiguration) -> Vec<&'static str> {
    let snap_start = function.snap_start().and_then(|it| it.apply_on());
    let features = [
        ("SnapStart", snap_start == Some(&SnapStartApplyOn::PublishedVersions)),
        ("managed instances", function.capacity_provider_config().is_some()),
        ("durable execution", function.durable_config().is_some()),
    ];
    features.into_iter().filter(|it| it.1).map(|it| it.0).collect()
}
