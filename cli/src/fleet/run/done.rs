//! The results of a run, by function and by role.

use std::collections::BTreeSet;

use crate::fleet::journal::Ledger;
use crate::fleet::result::{Item, Outcome, RoleItem};

/// The results of a run.
#[derive(Debug, Default)]
pub(in crate::fleet) struct Done {
    pub(in crate::fleet) items: Vec<Item>,
    pub(in crate::fleet) roles: Vec<RoleItem>,
    /// Roles that may lose the policy.
    pub(in crate::fleet) losing: BTreeSet<String>,
    /// Roles that get the policy back.
    pub(in crate::fleet) gaining: BTreeSet<String>,
    /// Functions that lack the layer that the command needs.
    pub(in crate::fleet) without: usize,
}

impl Done {
    /// Plans the versions that an earlier run has not published.
    pub(super) fn add_due_versions(&mut self, ledger: &Ledger) {
        let is_due = |it: &Item| ledger.functions.get(&it.arn).is_some_and(|it| it.publish);
        for item in &mut self.items {
            if item.outcome == Outcome::Unchanged && is_due(item) {
                (item.outcome, item.why) = (Outcome::Planned, None);
            }
        }
    }

    pub(in crate::fleet) fn needs_a_person(&self) -> bool {
        self.items.iter().any(Item::needs_a_person)
            || self.roles.iter().any(RoleItem::needs_a_person)
    }
}
