//! The policies of roles: attached before functions are restored, and detached after functions have lost the layer.

use std::cell::Cell;

use super::{Site, stop};
use crate::fleet::journal::{Entry, Journal, Ledger};
use crate::fleet::reason::Why;
use crate::fleet::result::RoleItem;
use crate::fleet::role::Roles;
use crate::fleet::write::Verdict;

/// A role, a policy, and the layers whose functions need it.
pub(in crate::fleet) type Due = (String, String, Vec<String>);

impl Site {
    /// Attaches the policies that a rollback restores, so that functions have them before they have the layer.
    pub(in crate::fleet) async fn restore_policies(&self, journal: &Journal) -> Vec<RoleItem> {
        let mut items = Vec::new();
        let due = self.policies(&journal.ledger(), true);
        for (role, policy, layers) in due {
            items.extend(self.set(journal, &role, &policy, &layers, true).await);
        }
        items
    }

    /// Detaches the policy from roles whose functions no longer have the layer.
    pub(in crate::fleet) async fn settle_policies(&self, journal: &Journal) -> Vec<RoleItem> {
        let due = self.due(journal);
        if due.is_empty() {
            return Vec::new();
        }
        let users = match self.users(&due, journal).await {
            Ok(users) => users,
            Err(why) => {
                // The functions have already been changed, and their results must not be lost.
                let kept = due.iter().map(|it| self.item(&it.0, "kept", Some(why.clone())));
                return kept.collect();
            }
        };
        let mut items = Vec::new();
        for (role, policy, layers) in &due {
            if let Some(why) = users.get(role) {
                items.push(self.item(role, "kept", why.clone()));
            } else {
                items.extend(self.set(journal, role, policy, layers, false).await);
            }
        }
        if !items.iter().any(RoleItem::needs_a_person)
            && let Err(error) = journal.note(&Entry::Settled { region: self.region.clone() })
            && let Some(item) = items.last_mut()
        {
            item.why = Some(stop(&error).why());
        }
        items
    }

    /// Returns the roles that may lose the policy, with the layers whose functions need it.
    fn due(&self, journal: &Journal) -> Vec<Due> {
        let Some((roles, published)) = self.roles.as_ref().zip(self.wanted.published.as_ref())
        else {
            return self.policies(&journal.ledger(), false);
        };
        let ledger = journal.ledger();
        let here = ledger.detached.iter().filter(|it| it.0 == self.region);
        here.map(|it| (it.1.clone(), roles.policy().to_owned(), published.layers())).collect()
    }

    /// Returns the policies that were (or were not) attached before the first change.
    pub(in crate::fleet) fn policies(&self, ledger: &Ledger, attached: bool) -> Vec<Due> {
        let here = ledger.policies.iter().filter(|((region, role, _), it)| {
            let is_selected = self.only_roles.as_ref().is_none_or(|it| it.contains(role));
            *region == self.region && it.attached == attached && is_selected
        });
        here.map(|((_, role, policy), it)| (role.clone(), policy.clone(), it.layers.clone()))
            .collect()
    }

    async fn set(
        &self,
        journal: &Journal,
        role: &str,
        policy: &str,
        layers: &[String],
        attached: bool,
    ) -> Option<RoleItem> {
        if let Some(why) = &*self.stopped.borrow() {
            return Some(self.item(role, "kept", Some(why.clone())));
        }
        let own;
        let roles = if let Some(roles) = &self.roles {
            roles
        } else {
            own = Roles::new(self.aws(), policy, true);
            &own
        };
        let done = match roles.facts(role).await {
            // If the role is gone, there is nothing to restore.
            Ok(facts) if facts.is_gone => self.forget(journal, role, policy).map(|()| false),
            Ok(facts) => match facts.obstacle.filter(|_| facts.is_attached != attached) {
                Some(why) => Err(Verdict::Leave(why)),
                None => self.set_policy(roles, journal, role, layers, attached).await,
            },
            Err(why) => Err(Verdict::Leave(why)),
        };
        match done {
            Ok(true) => Some(self.item(role, if attached { "attached" } else { "detached" }, None)),
            Ok(false) => None,
            Err(verdict) => {
                if let Verdict::Stop(why) = &verdict {
                    *self.stopped.borrow_mut() = Some(why.clone());
                }
                Some(self.item(role, "kept", Some(verdict.why())))
            }
        }
    }

    /// Attaches or detaches the policy of a role. Returns false if that was already done.
    pub(super) async fn set_policy(
        &self,
        roles: &Roles,
        journal: &Journal,
        role: &str,
        layers: &[String],
        attached: bool,
    ) -> Result<bool, Verdict> {
        let key = (self.region.clone(), role.to_owned(), roles.policy().to_owned());
        let before = || journal.ledger().policies.get(&key).map(|it| it.attached);
        let is_new = Cell::new(false);
        let announce = || {
            is_new.set(before().is_none());
            let (region, role, policy) = key.clone();
            let users = self.users.borrow().get(&role).cloned().unwrap_or_default();
            let layers = layers.to_vec();
            let entry = Entry::Policy { region, role, policy, attached, layers, users };
            journal.announce(&entry).map_err(|it| stop(&it))
        };
        // A rejected change is not ours; others may make it later.
        let cancel =
            || if is_new.get() { self.forget(journal, role, roles.policy()) } else { Ok(()) };
        let is_done = roles.set(role, attached, announce, cancel).await?;
        if before() == Some(attached) {
            self.forget(journal, role, roles.policy())?;
        }
        Ok(is_done)
    }

    /// Notes that a policy needs no restoration.
    fn forget(&self, journal: &Journal, role: &str, policy: &str) -> Result<(), Verdict> {
        let (region, role, policy) = (self.region.clone(), role.to_owned(), policy.to_owned());
        let entry = Entry::PolicyRestored { region, role, policy };
        journal.note(&entry).map_err(|it| stop(&it))
    }

    fn item(&self, role: &str, outcome: &'static str, why: Option<Why>) -> RoleItem {
        RoleItem { region: self.region.clone(), role: role.to_owned(), outcome, why }
    }
}
