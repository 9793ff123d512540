//! Restores the state of a function before the changes in a journal. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::layers::layer_of;
use super::plan::{Change, Edit, MOST_LAYERS};
use super::reason::{Reason, Why};
use super::snapshot::Snapshot;

/// The state in a journal of a function that was changed and not rolled back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tracked {
    pub(crate) layers: Option<TrackedLayers>,
    /// The values before the first change, and those that were set last.
    pub(crate) variables: BTreeMap<String, Edit>,
}

/// The layers before the first change, and those that were set last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TrackedLayers {
    pub(crate) baseline: Vec<String>,
    pub(crate) set: Vec<String>,
    /// The deployment's layers, without versions.
    pub(crate) own: BTreeSet<String>,
    /// False if others changed the layers between two of our changes.
    pub(crate) is_exact: bool,
}

impl Tracked {
    /// Returns true if there is nothing to restore.
    pub(crate) fn is_empty(&self) -> bool {
        self.layers.is_none() && self.variables.is_empty()
    }

    /// Adds a change that was made. `own` are the deployment's layers, without versions.
    pub(crate) fn add(&mut self, change: &Change, own: &[String]) {
        if let Some((before, after)) = &change.layers {
            let (before, after) = (before.clone(), after.clone());
            let mut layers = match self.layers.take() {
                None => {
                    let own = BTreeSet::new();
                    TrackedLayers { baseline: before, set: after, own, is_exact: true }
                }
                Some(it) => {
                    let is_exact = it.is_exact && it.set == before;
                    TrackedLayers { set: after, is_exact, ..it }
                }
            };
            layers.own.extend(own.iter().cloned());
            let is_back = layers.is_exact && layers.baseline == layers.set;
            self.layers = Some(layers).filter(|_| !is_back);
        }
        for (name, edit) in &change.variables {
            let tracked = self.variables.entry(name.clone()).or_insert_with(|| edit.clone());
            tracked.after.clone_from(&edit.after);
            if tracked.before == tracked.after {
                self.variables.remove(name);
            }
        }
    }

    /// Removes the values that a rollback has restored.
    pub(crate) fn remove(&mut self, change: &Change) {
        if change.layers.is_some() {
            self.layers = None;
        }
        self.variables.retain(|name, _| !change.variables.contains_key(name));
    }
}

impl TrackedLayers {
    /// Returns the restored layers of the function. If others have changed the rest, only the place of ours is restored.
    fn restored(&self, current: &[String]) -> Result<Vec<String>, Why> {
        if current == self.set && self.is_exact {
            return Ok(self.baseline.clone());
        }
        let is_own = |arn: &&String| layer_of(arn).is_some_and(|it| self.own.contains(it));
        let of = |layers: &[String]| layers.iter().filter(is_own).cloned().collect::<Vec<_>>();
        let (now, set, before) = (of(current), of(&self.set), of(&self.baseline));
        if now == before {
            return Ok(current.to_owned());
        }
        if now != set {
            return Err(Reason::ChangedSince.with("layers"));
        }
        let mut layers: Vec<_> = current.iter().filter(|it| !is_own(it)).cloned().collect();
        let mut place = current.iter().position(|it| is_own(&it));
        let mut least = 0;
        for (index, layer) in self.baseline.iter().enumerate().filter(|(_, it)| is_own(it)) {
            // The current place of ours, otherwise the place after the nearest layer that was before it.
            let mut in_front = self.baseline[..index].iter().rev();
            let behind = in_front.find_map(|it| layers.iter().position(|now| now == it));
            let place = place.take().or(behind.map(|it| it + 1)).unwrap_or_default();
            let place = place.max(least);
            layers.insert(place, layer.clone());
            least = place + 1;
        }
        if layers.len() > MOST_LAYERS {
            return Err(Reason::FiveLayers.into());
        }
        Ok(layers)
    }
}

/// Returns the change that restores a function. Later changes of others stay.
pub(crate) fn restored(snapshot: &Snapshot, tracked: &Tracked) -> Result<Change, Why> {
    let mut change = Change::default();
    let mut left = Vec::new();
    if let Some(layers) = &tracked.layers {
        match layers.restored(&snapshot.layers) {
            Ok(after) if after == snapshot.layers => {}
            Ok(after) => change.layers = Some((snapshot.layers.clone(), after)),
            Err(why) if why.reason == Reason::ChangedSince => left.push(why.detail),
            Err(why) => return Err(why),
        }
    }
    let mut unreadable = None;
    match &snapshot.variables {
        Ok(variables) => {
            for (name, tracked) in &tracked.variables {
                let now = variables.get(name);
                if now == tracked.before.as_ref() {
                    continue;
                }
                if now == tracked.after.as_ref() {
                    let edit =
                        Edit { before: tracked.after.clone(), after: tracked.before.clone() };
                    change.variables.insert(name.clone(), edit);
                } else {
                    left.push(name.clone());
                }
            }
        }
        Err(why) if !tracked.variables.is_empty() => {
            unreadable = Some(Reason::VariablesUnreadable.with(why));
        }
        Err(_) => {}
    }
    change.left =
        if left.is_empty() { unreadable } else { Some(Reason::ChangedSince.with(left.join(", "))) };
    Ok(change)
}
