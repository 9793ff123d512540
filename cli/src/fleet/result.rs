//! The result for each function. Pure.

use serde::Serialize;

use super::plan::Change;
use super::reason::{Reason, Why};
use super::versions::Versions;

/// A function, with its planned or completed change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) region: String,
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) role: String,
    pub(super) outcome: Outcome,
    /// The reason why it, or a part of it, is not changed.
    pub(super) why: Option<Why>,
    pub(super) change: Change,
    /// Warnings that Lambda will report when the change is made.
    pub(super) warnings: Vec<String>,
    /// The policy that is attached to the role before the function is changed.
    pub(super) policy: Option<String>,
    pub(super) versions: Versions,
    /// True if a rollback finds that the function was deleted.
    pub(super) is_deleted: bool,
    /// The version that was published.
    pub(super) published: Option<String>,
}

/// The outcome for a function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    #[default]
    Planned,
    Changed,
    Unchanged,
    Skipped,
    Failed,
}

impl Outcome {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }
}

impl Item {
    pub(super) fn of(region: &str, name: &str) -> Self {
        Self { region: region.to_owned(), name: name.to_owned(), ..Self::default() }
    }

    /// Returns the item with its outcome.
    pub(super) fn ended(mut self, outcome: Outcome, why: impl Into<Option<Why>>) -> Self {
        self.outcome = outcome;
        self.why = why.into();
        self
    }

    /// Returns true if a person must act on the function.
    pub(super) fn needs_a_person(&self) -> bool {
        let is_left = self.why.as_ref().is_some_and(|it| !it.reason.is_fine());
        matches!(self.outcome, Outcome::Skipped | Outcome::Failed) || is_left
    }
}

/// A policy that was detached from a role, or that stays although no function needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RoleItem {
    pub(super) region: String,
    pub(super) role: String,
    /// `attached`, `detached` or `kept`.
    pub(super) outcome: &'static str,
    pub(super) why: Option<Why>,
}

impl RoleItem {
    /// Returns true if a person must act on the role. The policy of a role that a stack manages stays.
    pub(super) fn needs_a_person(&self) -> bool {
        self.why.as_ref().is_some_and(|it| it.reason != Reason::RoleManaged)
    }
}

/// The result for `--json`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report<'a> {
    pub(super) command: &'static str,
    pub(super) account: &'a str,
    pub(super) dry_run: bool,
    pub(super) journal: Option<String>,
    pub(super) functions: Vec<Row<'a>>,
    pub(super) roles: Vec<RoleRow<'a>>,
    /// Functions that were not selected because they do not have the layer.
    pub(super) without_layer: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Row<'a> {
    region: &'a str,
    name: &'a str,
    arn: &'a str,
    result: &'static str,
    reason: Option<&'static str>,
    message: Option<String>,
    warnings: &'a [String],
    layers_before: Option<&'a [String]>,
    layers_after: Option<&'a [String]>,
    variables: Vec<Variable<'a>>,
    policy: Option<&'a str>,
    role: &'a str,
    published_versions: &'a [&'static str],
    aliases: &'a [String],
    version: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Variable<'a> {
    name: &'a str,
    before: Option<&'a str>,
    after: Option<&'a str>,
}

#[derive(Debug, Serialize)]
pub(super) struct RoleRow<'a> {
    region: &'a str,
    role: &'a str,
    policy: &'static str,
    reason: Option<&'static str>,
    message: Option<String>,
}

impl<'a> From<&'a Item> for Row<'a> {
    fn from(item: &'a Item) -> Self {
        let Change { layers, variables, .. } = &item.change;
        let variable = |(name, edit): (&'a String, &'a super::plan::Edit)| Variable {
            name,
            before: edit.before.as_deref(),
            after: edit.after.as_deref(),
        };
        Self {
            region: &item.region,
            name: &item.name,
            arn: &item.arn,
            result: item.outcome.word(),
            reason: item.why.as_ref().map(|it| it.reason.code()),
            message: item.why.as_ref().map(ToString::to_string),
            warnings: &item.warnings,
            layers_before: layers.as_ref().map(|it| it.0.as_slice()),
            layers_after: layers.as_ref().map(|it| it.1.as_slice()),
            variables: variables.iter().map(variable).collect(),
            policy: item.policy.as_deref(),
            role: &item.role,
            published_versions: &item.versions.features,
            aliases: &item.versions.aliases,
            version: item.published.as_deref(),
        }
    }
}

impl<'a> From<&'a RoleItem> for RoleRow<'a> {
    fn from(item: &'a RoleItem) -> Self {
        Self {
            region: &item.region,
            role: &item.role,
            policy: item.outcome,
            reason: item.why.as_ref().map(|it| it.reason.code()),
            message: item.why.as_ref().map(ToString::to_string),
        }
    }
}
