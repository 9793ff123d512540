//! Plans the change of one function. Pure.

use std::collections::BTreeMap;

use extension_spec::{ENV_PREFIX, load, variable};
use serde::{Deserialize, Serialize};

use super::layers::Published;
use super::reason::{Reason, Why};
use super::snapshot::{Snapshot, Variables};
use super::undo::{Tracked, restored};

/// Largest number of layers of a function (Lambda quotas).
pub(super) const MOST_LAYERS: usize = 5;
/// Largest size of a function's variables in bytes, as the JSON object that Lambda measures (Lambda quotas: 4 KB).
const MOST_VARIABLE_BYTES: usize = 4_096;
/// Runtimes that Lambda refuses to update. Lambda refuses further deprecated runtimes itself from their date on.
const BLOCKED_RUNTIMES: [&str; 14] = [
    "nodejs",
    "nodejs4.3",
    "nodejs4.3-edge",
    "nodejs6.10",
    "nodejs8.10",
    "nodejs10.x",
    "nodejs12.x",
    "python2.7",
    "python3.6",
    "ruby2.5",
    "dotnetcore1.0",
    "dotnetcore2.0",
    "dotnetcore2.1",
    "dotnetcore3.1",
];

/// The goal for functions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// The published layer, and variables that deliver to the stream.
    Attach {
        /// Variables that are always set.
        settings: Variables,
        stream: String,
        queue: Option<String>,
    },
    /// The published layer, in place of the deployment's layer that the function has.
    Upgrade,
    /// Neither layer nor variables of the extension.
    Detach,
    /// The state before the changes in the journal.
    Restore,
}

/// The goal, and the data that are needed to plan a function.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) goal: Goal,
    /// The deployment's layers; `None` for a rollback, which needs only the journal.
    pub(crate) published: Option<Published>,
    pub(crate) include_managed: bool,
}

/// The plan for a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// The function has reached its goal. With a reason, a part has not.
    Unchanged(Option<Why>),
    Skip(Why),
    Change(Change),
}

/// A change of one function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    /// The layers before and after, if they change.
    pub(crate) layers: Option<(Vec<String>, Vec<String>)>,
    /// Variables of the extension that change, by name.
    pub(crate) variables: BTreeMap<String, Edit>,
    /// The reason why a part of the function cannot be changed, if there is one.
    pub(crate) left: Option<Why>,
}

/// The value of a variable before and after a change; `None` if it is not set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Edit {
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
}

impl Change {
    /// Returns true if the function is not changed.
    pub(crate) fn is_empty(&self) -> bool {
        self.layers.is_none() && self.variables.is_empty()
    }

    /// Returns all variables of the function after the change, or `None` if they are not written.
    pub(crate) fn environment(&self, snapshot: &Snapshot) -> Option<Variables> {
        let mut variables = snapshot.variables.clone().ok()?;
        if self.variables.is_empty() {
            return None;
        }
        for (name, edit) in &self.variables {
            match &edit.after {
                Some(value) => variables.insert(name.clone(), value.clone()),
                None => variables.remove(name),
            };
        }
        Some(variables)
    }
}

/// Plans the change of a function. `tracked` is its state in the journal.
pub(crate) fn plan(snapshot: &Snapshot, wanted: &Wanted, tracked: Option<&Tracked>) -> Plan {
    match decide(snapshot, wanted, tracked) {
        Ok(change) if change.is_empty() => Plan::Unchanged(change.left),
        Ok(change) => Plan::Change(change),
        Err(why) if why.reason == Reason::NotAttached => Plan::Unchanged(Some(why)),
        Err(why) => Plan::Skip(why),
    }
}

fn decide(snapshot: &Snapshot, wanted: &Wanted, tracked: Option<&Tracked>) -> Result<Change, Why> {
    let Some(published) = &wanted.published else {
        return tracked.map_or_else(|| Ok(Change::default()), |it| restored(snapshot, it));
    };
    let adds = matches!(wanted.goal, Goal::Attach { .. } | Goal::Upgrade);
    if adds && snapshot.is_image {
        return Err(Reason::Image.into());
    }
    if adds && snapshot.is_replica {
        return Err(Reason::EdgeReplica.into());
    }
    let layers = layers(snapshot, &wanted.goal, published)?;
    let (variables, left) = variables(snapshot, &wanted.goal)?;
    let changes_layers = layers != snapshot.layers;
    let layers = changes_layers.then(|| (snapshot.layers.clone(), layers));
    let change = Change { layers, variables, left };
    if change.is_empty() {
        // The configuration has the layer, but invocations may still run without it.
        return match &snapshot.update_failure {
            Some(failure) if adds => Err(Reason::Failed.with(failure)),
            _ => Ok(change),
        };
    }
    match &snapshot.managed {
        _ if wanted.include_managed => {}
        None => return Err(Reason::TagsUnreadable.into()),
        Some(managed) if managed.is_known() => return Err(Reason::Managed.with(managed.words())),
        Some(_) => {}
    }
    if let Some(runtime) =
        snapshot.runtime.as_ref().filter(|it| BLOCKED_RUNTIMES.contains(&it.as_str()))
    {
        return Err(Reason::Runtime.with(runtime));
    }
    if adds {
        if let Some(failure) = snapshot.failure.as_ref().or(snapshot.update_failure.as_ref()) {
            return Err(Reason::Failed.with(failure));
        }
        is_allowed(snapshot, &change)?;
    }
    Ok(change)
}

/// Checks the limits of Lambda.
fn is_allowed(snapshot: &Snapshot, change: &Change) -> Result<(), Why> {
    if let Some((_, after)) = &change.layers
        && after.len() > MOST_LAYERS
    {
        return Err(Reason::FiveLayers.into());
    }
    let Some(environment) = change.environment(snapshot) else { return Ok(()) };
    let bytes = size(&environment);
    if bytes > MOST_VARIABLE_BYTES && bytes > snapshot.variables.as_ref().map_or(0, size) {
        return Err(Reason::VariablesTooLarge.with(format!("{bytes} bytes")));
    }
    match load(&environment)
        .problems
        .into_iter()
        .find(|it| change.variables.contains_key(&it.variable))
    {
        Some(problem) => Err(Reason::Settings.with(problem.to_string())),
        None => Ok(()),
    }
}

fn size(variables: &Variables) -> usize {
    serde_json::to_string(variables).map_or(usize::MAX, |it| it.len())
}

/// Returns the layers that the function gets. The order of other layers never changes.
fn layers(snapshot: &Snapshot, goal: &Goal, published: &Published) -> Result<Vec<String>, Why> {
    let is_own = |arn: &String| published.is_own(arn);
    let others = || snapshot.layers.iter().filter(|it| !is_own(it)).cloned();
    let Some(position) = snapshot.layers.iter().position(is_own) else {
        if !matches!(goal, Goal::Attach { .. }) {
            let has_variables =
                snapshot.variables.iter().flatten().any(|it| it.0.starts_with(ENV_PREFIX));
            // Remaining variables are removed, too.
            return if matches!(goal, Goal::Detach) && has_variables {
                Ok(others().collect())
            } else {
                Err(Reason::NotAttached.into())
            };
        }
        is_alone(snapshot, published)?;
        let layer = layer(snapshot, published)?;
        return Ok(others().chain([layer]).collect());
    };
    if matches!(goal, Goal::Detach) {
        return Ok(others().collect());
    }
    is_alone(snapshot, published)?;
    let layer = layer(snapshot, published)?;
    // If there are two copies, the first place is kept.
    let mut layers: Vec<_> = others().collect();
    layers.insert(position, layer);
    Ok(layers)
}

fn layer(snapshot: &Snapshot, published: &Published) -> Result<String, Why> {
    let layer = published.layer_for(&snapshot.architecture);
    layer.ok_or_else(|| Reason::Architecture.with(&snapshot.architecture))
}

fn is_alone(snapshot: &Snapshot, published: &Published) -> Result<(), Why> {
    match snapshot.layers.iter().find(|it| published.is_copy(it)) {
        Some(copy) => Err(Reason::AnotherCopy.with(copy)),
        None => Ok(()),
    }
}

/// Returns the variables to change, and the reason if they cannot be changed.
fn variables(
    snapshot: &Snapshot,
    goal: &Goal,
) -> Result<(BTreeMap<String, Edit>, Option<Why>), Why> {
    let variables = match (&snapshot.variables, goal) {
        (_, Goal::Upgrade | Goal::Restore) => return Ok((BTreeMap::new(), None)),
        (Ok(variables), _) => variables,
        (Err(why), Goal::Attach { .. }) => return Err(Reason::VariablesUnreadable.with(why)),
        // The layer is removed, but the variables stay.
        (Err(why), Goal::Detach) => {
            return Ok((BTreeMap::new(), Some(Reason::VariablesUnreadable.with(why))));
        }
    };
    let mut edits = BTreeMap::new();
    let mut set = |name: &str, after: Option<&String>| {
        let before = variables.get(name);
        if before != after {
            let (before, after) = (before.cloned(), after.cloned());
            edits.insert(name.to_owned(), Edit { before, after });
        }
    };
    let Goal::Attach { settings, stream, queue } = goal else {
        variables.keys().filter(|it| it.starts_with(ENV_PREFIX)).for_each(|it| set(it, None));
        return Ok((edits, None));
    };
    for (name, value) in settings {
        set(name, Some(value));
    }
    let present = |name: &str| settings.get(name).or_else(|| variables.get(name));
    if present(variable::STREAM).is_none() {
        set(variable::STREAM, Some(stream));
    }
    // Dead letters of another stream do not belong in this deployment's queue.
    let is_ours = present(variable::STREAM).is_none_or(|it| it == stream);
    if is_ours && present(variable::DEAD_LETTER_QUEUE_URL).is_none() && queue.is_some() {
        set(variable::DEAD_LETTER_QUEUE_URL, queue.as_ref());
    }
    Ok((edits, None))
}
