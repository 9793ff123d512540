//! The policies of roles, before functions are restored and after functions have lost the layer.

use std::collections::BTreeSet;

use anyhow::Result;
use aws_sdk_lambda::types::FunctionConfiguration;

use super::Site;
use crate::fleet::journal::{Entry, Journal, Ledger, Verb};
use crate::fleet::layers::layer_of;
use crate::fleet::list;
use crate::fleet::reason::{Reason, Why};
use crate::fleet::result::RoleItem;
use crate::fleet::role::Roles;

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
        let layers: BTreeSet<String> = due.iter().flat_map(|it| it.2.clone()).collect();
        let users = match self.users(&layers, journal).await {
            Ok(users) => users,
            Err(error) => {
                // The functions are changed by now, and their results must not be lost.
                let why = Reason::Refused.with(format!("{error:#}"));
                let kept = due.iter().map(|it| self.item(&it.0, "kept", Some(why.clone())));
                return Ok(kept.collect());
            }
        };
        let mut items = Vec::new();
        for (role, policy, layers) in &due {
            if users.contains(role) {
                items.push(self.item(role, "kept", None));
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
    fn due(&self, journal: &Journal) -> Vec<(String, String, Vec<String>)> {
        let Some((roles, published)) = self.roles.as_ref().zip(self.wanted.published.as_ref())
        else {
            return self.policies(&journal.ledger(), false);
        };
        let ledger = journal.ledger();
        let here = ledger.detached.iter().filter(|it| it.0 == self.region);
        here.map(|it| (it.1.clone(), roles.policy().to_owned(), published.layers())).collect()
    }

    /// Returns the policies that were attached before the first change, or were not.
    pub(in crate::fleet) fn policies(
        &self,
        ledger: &Ledger,
        attached: bool,
    ) -> Vec<(String, String, Vec<String>)> {
        let here = ledger.policies.iter().filter(|((region, role, _), it)| {
            let is_selected = self.only_roles.as_ref().is_none_or(|it| it.contains(role));
            *region == self.region && it.attached == attached && is_selected
        });
        here.map(|((_, role, policy), it)| (role.clone(), policy.clone(), it.layers.clone()))
            .collect()
    }

    /// Returns the roles of the functions that have one of these layers. Functions that are as they were before the first change do
    /// not count in a rollback: if they have the layer, they had it without the policy.
    async fn users(
        &self,
        layers: &BTreeSet<String>,
        journal: &Journal,
    ) -> Result<BTreeSet<String>> {
        let is_wanted = |arn: &str| layer_of(arn).is_some_and(|it| layers.contains(it));
        let had_it: BTreeSet<String> = match self.verb {
            Verb::Rollback => {
                let ledger = journal.ledger();
                ledger.policies.values().flat_map(|it| it.users.clone()).collect()
            }
            _ => BTreeSet::new(),
        };
        let is_restored = |function: &FunctionConfiguration| {
            let arn = function.function_arn().unwrap_or_default();
            match journal.function(arn) {
                Some(known) => self.verb == Verb::Rollback && known.tracked.layers.is_none(),
                None => had_it.contains(arn),
            }
        };
        let role = |function: FunctionConfiguration| {
            let mut arns = function.layers().iter().filter_map(|it| it.arn());
            let counts = arns.any(is_wanted) && !is_restored(&function);
            counts.then(|| function.role().unwrap_or_default().to_owned())
        };
        Ok(list(&self.lambda, role, |_, _| ()).await?.into_iter().collect())
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
