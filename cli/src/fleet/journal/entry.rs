//! The lines of a journal, and the state that they add up to. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::fleet::layers::layer_of;
use crate::fleet::plan::{Change, Edit};
use crate::fleet::select::Candidate;
use crate::fleet::snapshot::Snapshot;
use crate::fleet::undo::Tracked;

/// A command that changes functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verb {
    Attach,
    Upgrade,
    Detach,
    Rollback,
}

impl Verb {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Attach => "attach",
            Self::Upgrade => "upgrade",
            Self::Detach => "detach",
            Self::Rollback => "rollback",
        }
    }
}

/// A line of a journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "camelCase")]
pub(crate) enum Entry {
    /// The start of a run.
    #[serde(rename_all = "camelCase")]
    Run { verb: Verb, account: String, deployment: Option<String>, time_ms: i64 },
    /// The announcement of a function's change.
    Change(Intent),
    /// The change with this number was made, or was certainly not made.
    Done { id: u64, function: String, applied: bool },
    /// A version of the function with the change was published.
    Published { function: String, version: String },
    /// The function is in its state before the first change, or was deleted.
    Restored { function: String },
    /// The announcement that a policy is attached to a role or detached.
    #[serde(rename_all = "camelCase")]
    Policy {
        region: String,
        role: String,
        policy: String,
        attached: bool,
        /// The layers, without versions, whose functions need the policy.
        layers: Vec<String>,
        /// Functions of the role that had one of these layers before.
        users: Vec<String>,
    },
    /// The policy of a role is in its state before the first change.
    PolicyRestored { region: String, role: String, policy: String },
    /// The policies of all roles have reached the goal of the command.
    Settled { region: String },
}

/// A change that is announced before it is made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Intent {
    pub(crate) id: u64,
    pub(crate) verb: Option<Verb>,
    pub(crate) region: String,
    /// ARN of the function.
    pub(crate) function: String,
    pub(crate) role: String,
    /// The revision on which the change is based.
    pub(crate) revision: Option<String>,
    pub(crate) layers: Option<(Vec<String>, Vec<String>)>,
    /// The deployment's layers, without versions.
    pub(crate) own: Vec<String>,
    /// Variables of the extension, never others.
    pub(crate) variables: BTreeMap<String, Edit>,
    /// True if a version must be published.
    pub(crate) publish: bool,
}

impl Intent {
    pub(crate) fn change(&self) -> Change {
        let (layers, variables) = (self.layers.clone(), self.variables.clone());
        Change { layers, variables, left: None }
    }

    /// Returns true if the change was made, according to the current state of the function.
    pub(crate) fn was_applied(&self, now: &Snapshot) -> bool {
        if self.revision.as_ref() == Some(&now.revision) {
            return false;
        }
        let is_rollback = matches!(self.verb, Some(Verb::Rollback));
        if is_rollback && !self.are_variables_set(now) {
            return false;
        }
        if let Some((before, after)) = &self.layers {
            let is_own =
                |it: &&String| layer_of(it).is_some_and(|it| self.own.iter().any(|own| own == it));
            let of = |layers: &[String]| layers.iter().filter(is_own).cloned().collect::<Vec<_>>();
            let now = of(&now.layers);
            if now == of(after) {
                return true;
            }
            if now == of(before) {
                return false;
            }
        } else if is_rollback {
            return true;
        } else if let Ok(variables) = &now.variables {
            let mut edits = self.variables.iter();
            return !edits.all(|(name, edit)| variables.get(name) == edit.before.as_ref());
        }
        // Others have changed the same values since. The state before our first change is kept, and a rollback detects their
        // changes.
        !is_rollback
    }

    /// Returns true if the function has every variable as after the change.
    fn are_variables_set(&self, now: &Snapshot) -> bool {
        let Ok(variables) = &now.variables else { return self.variables.is_empty() };
        self.variables.iter().all(|(name, edit)| variables.get(name) == edit.after.as_ref())
    }
}

/// The state of a function in a journal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) region: String,
    pub(crate) role: String,
    pub(crate) tracked: Tracked,
    /// The layers that a rollback has restored; empty after another change.
    pub(crate) restored: Vec<String>,
    /// The change that may or may not have been made.
    pub(crate) open: Option<Intent>,
    /// True if a version must still be published.
    pub(crate) publish: bool,
}

/// The policy of a role before the first change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PolicyBefore {
    pub(crate) attached: bool,
    /// The layers, without versions, whose functions need the policy.
    pub(crate) layers: Vec<String>,
    /// Functions that had one of these layers.
    pub(crate) users: Vec<String>,
}

/// The state that the entries of a journal add up to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ledger {
    pub(crate) account: Option<String>,
    pub(crate) deployment: Option<String>,
    pub(crate) next_id: u64,
    /// The functions by ARN.
    pub(crate) functions: BTreeMap<String, Function>,
    /// The policies by region, role and policy, without restored ones.
    pub(crate) policies: BTreeMap<(String, String, String), PolicyBefore>,
    /// Roles, by region, of functions that lost the layer, until the policies are settled.
    pub(crate) detached: BTreeSet<(String, String)>,
}

impl Ledger {
    /// Adds an entry.
    pub(crate) fn add(&mut self, entry: &Entry) {
        match entry {
            Entry::Run { account, deployment, .. } => {
                self.account = Some(account.clone());
                self.deployment.clone_from(deployment);
            }
            Entry::Change(intent) => {
                self.next_id = self.next_id.max(intent.id + 1);
                let function = self.functions.entry(intent.function.clone()).or_default();
                function.region.clone_from(&intent.region);
                function.role.clone_from(&intent.role);
                function.open = Some(intent.clone());
            }
            Entry::Done { id, function, applied } => self.settle(*id, function, *applied),
            Entry::Published { function, .. } => {
                if let Some(function) = self.functions.get_mut(function) {
                    function.publish = false;
                }
            }
            Entry::Restored { function } => {
                if let Some(function) = self.functions.get_mut(function) {
                    if let Some(layers) = std::mem::take(&mut function.tracked).layers {
                        function.restored = layers.baseline;
                    }
                    (function.open, function.publish) = (None, false);
                }
            }
            Entry::Policy { region, role, policy, attached, layers, users } => {
                let key = (region.clone(), role.clone(), policy.clone());
                let (before, layers, users) = (!attached, layers.clone(), users.clone());
                self.policies.entry(key).or_insert(PolicyBefore {
                    attached: before,
                    layers,
                    users,
                });
            }
            Entry::PolicyRestored { region, role, policy } => {
                self.policies.remove(&(region.clone(), role.clone(), policy.clone()));
            }
            Entry::Settled { region } => self.detached.retain(|it| it.0 != *region),
        }
    }

    /// Returns true if a command has left work unfinished in a region.
    pub(crate) fn is_open(&self, region: &str) -> bool {
        self.detached.iter().any(|it| it.0 == region) || !self.begun(region).is_empty()
    }

    /// Returns a function with its ARN.
    pub(crate) fn named(&self, region: &str, name: &str) -> Option<(&str, &Function)> {
        let names = [name.to_owned()];
        self.of(region, &names).next().map(|(arn, it)| (arn.as_str(), it))
    }

    /// Returns the functions of a region with a change that may or may not have been made.
    pub(crate) fn begun(&self, region: &str) -> Vec<String> {
        let begun = self.of(region, &[]).filter(|(_, it)| it.open.is_some());
        begun.map(|(arn, _)| name_of(arn).to_owned()).collect()
    }

    /// Returns the functions of a region with a version that must be published, if there are any.
    pub(crate) fn due(&self, region: &str, publish: bool) -> BTreeSet<String> {
        let due = self.of(region, &[]).filter(|(_, it)| publish && it.publish);
        due.map(|(arn, _)| name_of(arn).to_owned()).collect()
    }

    /// Returns the regions in which something was changed.
    pub(crate) fn regions(&self) -> impl Iterator<Item = String> {
        let functions = self.functions.values().map(|it| it.region.clone());
        functions.chain(self.policies.keys().map(|it| it.0.clone()))
    }

    /// Returns the functions of a region that may need restoration and, with `publish`, those with a version that is due. If
    /// `names` is not empty, only these functions are returned.
    pub(crate) fn candidates(
        &self,
        region: &str,
        names: &[String],
        publish: bool,
    ) -> Vec<Candidate> {
        let due = self.of(region, names).filter(|(_, it)| {
            !it.tracked.is_empty() || it.open.is_some() || (publish && it.publish)
        });
        due.map(|(arn, _)| Candidate { name: name_of(arn).to_owned(), is_named: true }).collect()
    }

    /// Returns the roles of functions of a region.
    pub(crate) fn roles(&self, region: &str, names: &[String]) -> BTreeSet<String> {
        self.of(region, names).map(|(_, it)| it.role.clone()).collect()
    }

    fn of<'a>(
        &'a self,
        region: &str,
        names: &[String],
    ) -> impl Iterator<Item = (&'a String, &'a Function)> {
        self.functions.iter().filter(move |(arn, it)| {
            it.region == region && (names.is_empty() || names.iter().any(|it| it == name_of(arn)))
        })
    }

    fn settle(&mut self, id: u64, function: &str, applied: bool) {
        let Some(function) = self.functions.get_mut(function) else { return };
        let Some(intent) = function.open.take_if(|it| it.id == id).filter(|_| applied) else {
            return;
        };
        let change = intent.change();
        let is_rollback = matches!(intent.verb, Some(Verb::Rollback));
        if let Some((_, after)) = &change.layers {
            function.restored = if is_rollback { after.clone() } else { Vec::new() };
        }
        if is_rollback {
            function.tracked.remove(&change);
            // A rolled back change no longer needs a version.
            function.publish = false;
        } else {
            function.tracked.add(&change, &intent.own);
        }
        function.publish |= intent.publish;
        if matches!(intent.verb, Some(Verb::Detach)) {
            self.detached.insert((intent.region, intent.role));
        }
    }
}

/// Returns the name of a function: the last part of its ARN.
fn name_of(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or(arn)
}
