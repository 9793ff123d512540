//! Functions that a rollback has completely restored.

use super::{Site, stop};
use crate::fleet::journal::{Entry, Journal, Ledger};
use crate::fleet::reason::Reason;
use crate::fleet::result::{Item, Outcome};

impl Site {
    /// Marks functions that were deleted since the change. A rollback ignores them.
    pub(in crate::fleet) fn leave_deleted(&self, items: &mut [Item], ledger: &Ledger) {
        for item in items.iter_mut().filter(|it| it.region == self.region && is_missing(it)) {
            if let Some((arn, known)) = ledger.named(&self.region, &item.name) {
                arn.clone_into(&mut item.arn);
                item.role.clone_from(&known.role);
                (item.outcome, item.why, item.is_deleted) = (Outcome::Unchanged, None, true);
            }
        }
    }

    /// Notes the functions that are in their state before the first change, so that no later rollback changes them.
    pub(in crate::fleet) fn settle_restored(&self, items: &mut [Item], journal: &Journal) {
        self.leave_deleted(items, &journal.ledger());
        for item in items.iter_mut().filter(|it| it.region == self.region) {
            let is_restored = matches!(item.outcome, Outcome::Changed | Outcome::Unchanged)
                && item.why.is_none()
                && journal.function(&item.arn).is_some_and(|it| {
                    item.is_deleted || (it.open.is_none() && !it.tracked.is_empty())
                });
            if is_restored
                && let Err(error) = journal.note(&Entry::Restored { function: item.arn.clone() })
            {
                item.why = Some(stop(&error).why());
            }
        }
    }
}

fn is_missing(item: &Item) -> bool {
    matches!(item.outcome, Outcome::Skipped | Outcome::Failed)
        && item.why.as_ref().is_some_and(|it| it.reason == Reason::NotFound)
}
