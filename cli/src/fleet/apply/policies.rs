//! The policies of roles, before functions are restored and after functions have lost the layer.

use anyhow::Result;

use super::Site;
use crate::fleet::journal::{Entry, Journal, Ledger};
use crate::fleet::reason::{Reason, Why};
use crate::fleet::result::RoleItem;
use crate::fleet::role::Roles;

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

    /// Detaches the policy from roles of which no function has the layer any more.
    pub(in crate::fleet) async fn settle_policies(
        &self,
        journal: &Journal,
    ) -> Result<Vec<RoleItem>> {
        let due = self.due(journal);
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let users = match self.users(&due, journal).await {
            Ok(users) => users,
            Err(why) => {
                // The functions are changed by now, and their results must not be lost.
                let kept = due.iter().map(|it| self.item(&it.0, "kept", Some(why.clone())));
                return Ok(kept.collect());
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
        if items.iter().all(|it| it.why.is_none()) {
            journal.note(&Entry::Settled { region: self.region.clone() })?;
        }
        Ok(items)
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

    /// Returns the policies that were attached before the first change, or were not.
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
        let own;
        let roles = if let Some(roles) = &self.roles {
            roles
        } else {
            own = Roles::new(self.aws(), policy, true);
            &own
        };
        let done = match roles.facts(role).await {
            Ok(facts) => match facts.obstacle.filter(|_| facts.is_attached != attached) {
                Some(why) => Err(why),
                None => self.set_policy(roles, journal, role, layers, attached).await,
            },
            Err(why) => Err(why),
        };
        match done {
            Ok(true) => Some(self.item(role, if attached { "attached" } else { "detached" }, None)),
            Ok(false) => None,
            Err(why) => Some(self.item(role, "kept", Some(why))),
        }
    }

    /// Attaches the policy to a role or detaches it, and returns false if that was done already.
    pub(super) async fn set_policy(
        &self,
        roles: &Roles,
        journal: &Journal,
        role: &str,
        layers: &[String],
        attached: bool,
    ) -> Result<bool, Why> {
        let failed = |it: anyhow::Error| Reason::Refused.with(format!("{it:#}"));
        let (region, role_arn, policy) = (&self.region, role, roles.policy());
        let announce = || {
            let entry = Entry::Policy {
                region: region.clone(),
                role: role_arn.to_owned(),
                policy: policy.to_owned(),
                attached,
                layers: layers.to_vec(),
                users: self.users.borrow().get(role_arn).cloned().unwrap_or_default(),
            };
            journal.announce(&entry).map_err(failed)
        };
        let is_done = roles.set(role, attached, announce).await?;
        let key = (region.clone(), role.to_owned(), policy.to_owned());
        let before = journal.ledger().policies.get(&key).map(|it| it.attached);
        if before == Some(attached) {
            let (region, role, policy) = key;
            journal.note(&Entry::PolicyRestored { region, role, policy }).map_err(failed)?;
        }
        Ok(is_done)
    }

    fn item(&self, role: &str, outcome: &'static str, why: Option<Why>) -> RoleItem {
        RoleItem { region: self.region.clone(), role: role.to_owned(), outcome, why }
    }
}
