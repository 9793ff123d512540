//! Decides about the change of a function, given its role and its code signing configuration.

use super::Site;
use crate::fleet::plan::{Change, Goal, Plan, plan};
use crate::fleet::reason::Why;
use crate::fleet::signing::Objection;
use crate::fleet::snapshot::Snapshot;
use crate::fleet::undo::Tracked;

/// The decision about a function.
pub(super) struct Decision {
    pub(super) plan: Plan,
    /// True if its role gets the policy.
    pub(super) gets_policy: bool,
    /// Warnings that Lambda will report.
    pub(super) warnings: Vec<String>,
}

impl Decision {
    fn skip(why: Why) -> Self {
        Self { plan: Plan::Skip(why), gets_policy: false, warnings: Vec::new() }
    }
}

impl Site {
    /// Decides about a function in the state that was read. `tracked` is its state in the journal.
    pub(super) async fn decide(&self, snapshot: &Snapshot, tracked: Option<&Tracked>) -> Decision {
        let mut plan = plan(snapshot, &self.wanted, tracked);
        let warnings = match self.signatures(snapshot, &plan).await {
            Ok(warnings) => warnings,
            Err(why) => return Decision::skip(why),
        };
        let is_attach = matches!(self.wanted.goal, Goal::Attach { .. });
        let Some(roles) = self.roles.as_ref().filter(|_| is_attach) else {
            return Decision { plan, gets_policy: false, warnings };
        };
        if matches!(plan, Plan::Skip(_)) {
            return Decision { plan, gets_policy: false, warnings };
        }
        let gets_policy = match roles.facts(&snapshot.role).await {
            Ok(facts) if facts.is_attached => false,
            Ok(facts) => match facts.obstacle {
                Some(why) => return Decision::skip(why),
                None => true,
            },
            Err(why) => return Decision::skip(why),
        };
        if gets_policy && matches!(plan, Plan::Unchanged(_)) {
            plan = Plan::Change(Change::default());
        }
        Decision { plan, gets_policy, warnings }
    }

    /// Checks the signatures of the layers that a function gets. Lambda checks them when layers are added, not when they are
    /// removed.
    async fn signatures(&self, snapshot: &Snapshot, plan: &Plan) -> Result<Vec<String>, Why> {
        let mut warnings = Vec::new();
        let Plan::Change(Change { layers: Some((before, after)), .. }) = plan else {
            return Ok(warnings);
        };
        for layer in after.iter().filter(|it| !before.contains(it)) {
            match self.signing.objection(&self.lambda, &snapshot.arn, layer).await? {
                Some(Objection::Refusal(why)) => return Err(why),
                Some(Objection::Warning(warning)) => warnings.push(warning),
                None => {}
            }
        }
        Ok(warnings)
    }
}
