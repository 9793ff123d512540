//! Plans and changes the functions of one region.

mod decision;
mod policies;
mod restored;
mod users;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_lambda::types::Environment;
use kinesis_telemetry_stream::Aws;
use tokio::time::{Instant, sleep};

use super::journal::{Entry, Intent, Journal, Verb};
use super::paced::{Lambda, jitter};
use super::plan::{Change, Plan, Wanted};
use super::reason::{Reason, Why};
use super::result::{Item, Outcome};
use super::role::Roles;
use super::select::Candidate;
use super::signing::Signing;
use super::snapshot::Snapshot;
use super::undo::Tracked;
use super::versions::{Versions, publish};
use super::write::{Verdict, verdict};
use decision::Decision;

/// Number of attempts to change one function while others change it or Lambda does not answer.
const ATTEMPTS: usize = 10;
/// Shortest and longest time between two reads of a function that is being updated.
const POLL: (Duration, Duration) = (Duration::from_millis(600), Duration::from_secs(2));
/// Shortest and longest wait before the next attempt. Ten attempts take more than a minute.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(16));
/// Longest wait for an update. Updates of functions in a VPC take up to a minute.
const PATIENCE: Duration = Duration::from_mins(5);

/// The functions of one region, and their goal.
pub(super) struct Site {
    pub(super) region: String,
    pub(super) lambda: Lambda,
    /// The roles; `None` if the policy is not changed.
    pub(super) roles: Option<Roles>,
    pub(super) wanted: Wanted,
    pub(super) verb: Verb,
    pub(super) publish: bool,
    pub(super) signing: Signing,
    /// The roles that a rollback is limited to.
    pub(super) only_roles: Option<BTreeSet<String>>,
    /// The functions that had the layer when they were planned, by role.
    pub(super) users: RefCell<BTreeMap<String, Vec<String>>>,
    /// The reason why no further function can be changed, if there is one.
    pub(super) stopped: RefCell<Option<Why>>,
}

impl Site {
    fn aws(&self) -> &Aws {
        &self.lambda.aws
    }

    /// Plans one function; `None` if its tags exclude it. `tracked` is its state in the journal.
    pub(super) async fn plan(
        &self,
        candidate: &Candidate,
        tags: &[(String, String)],
        tracked: impl Fn(&str) -> Option<Tracked>,
    ) -> Option<Item> {
        let item = Item::of(&self.region, &candidate.name);
        if let Some(why) = &*self.stopped.borrow() {
            return Some(item.ended(Outcome::Skipped, why.clone()));
        }
        let snapshot = match self.read(&candidate.name).await {
            Ok(snapshot) => snapshot,
            Err(verdict) => {
                if let Verdict::Stop(why) = &verdict {
                    *self.stopped.borrow_mut() = Some(why.clone());
                }
                return Some(item.ended(Outcome::Skipped, verdict.why()));
            }
        };
        let (arn, role) = (snapshot.arn.clone(), snapshot.role.clone());
        let mut item = Item { arn, role, ..item };
        if !candidate.is_named && !tags.is_empty() {
            let Some(present) = &snapshot.tags else {
                return Some(item.ended(Outcome::Skipped, Why::from(Reason::TagsUnreadable)));
            };
            if !tags.iter().all(|(key, value)| present.get(key) == Some(value)) {
                return None;
            }
        }
        let is_own = |it: &String| self.wanted.published.as_ref().is_some_and(|own| own.is_own(it));
        if snapshot.layers.iter().any(is_own) {
            self.users.borrow_mut().entry(item.role.clone()).or_default().push(item.arn.clone());
        }
        let Decision { plan, gets_policy, warnings } =
            self.decide(&snapshot, tracked(&item.arn).as_ref()).await;
        Some(match plan {
            Plan::Unchanged(why) => item.ended(Outcome::Unchanged, why),
            Plan::Skip(why) => item.ended(Outcome::Skipped, why),
            Plan::Change(change) => {
                if gets_policy {
                    item.policy = self.roles.as_ref().map(|it| it.policy().to_owned());
                }
                item.versions = Versions { features: snapshot.versioned, ..Versions::default() };
                item.why.clone_from(&change.left);
                (item.change, item.warnings) = (change, warnings);
                item
            }
        })
    }

    /// Determines if the last change of a killed run was made.
    pub(super) async fn finish(&self, name: &str, journal: &Journal) -> Result<(), Why> {
        let snapshot = self.read_idle(name).await.map_err(Verdict::why)?;
        let mut item = Item::of(&self.region, name);
        settle(&snapshot, &mut item, journal).map_err(Verdict::why).map(drop)
    }

    /// Changes one function until nothing is left to do, and returns the result.
    pub(super) async fn apply(&self, planned: &Item, journal: &Journal) -> Item {
        // Only changes from here on are reported.
        let (change, policy) = (Change::default(), None);
        let mut item = Item { change, policy, ..planned.clone() };
        let (mut attempts, mut waits) = (0, 0);
        let mut waiting = None;
        let mut is_unknown = false;
        let ended = loop {
            if let Some(why) = &*self.stopped.borrow() {
                break Err(why.clone());
            }
            match self.step(&mut item, journal, is_unknown).await {
                Ok(Some(left)) => break Ok(left),
                Ok(None) | Err(Verdict::Changed) if attempts < ATTEMPTS => {
                    (waiting, is_unknown) = (None, false);
                }
                Ok(None) | Err(Verdict::Changed) => break Err(Reason::Contended.into()),
                Err(Verdict::Unknown) if attempts < ATTEMPTS => {
                    (waiting, is_unknown) = (None, true);
                    sleep(backoff(attempts)).await;
                }
                Err(Verdict::Wait)
                    if waiting.get_or_insert_with(Instant::now).elapsed() < PATIENCE =>
                {
                    sleep(backoff(waits)).await;
                    waits += 1;
                    continue;
                }
                Err(Verdict::Stop(why)) => {
                    *self.stopped.borrow_mut() = Some(why.clone());
                    break Err(why);
                }
                Err(verdict) => break Err(verdict.why()),
            }
            attempts += 1;
        };
        match ended {
            Ok(left)
                if item.change.is_empty() && item.policy.is_none() && item.published.is_none() =>
            {
                item.ended(Outcome::Unchanged, left)
            }
            // A function without the layer has reached the goal of detach.
            Ok(Some(left)) if left.reason == Reason::NotAttached => {
                let left = item.why.take();
                item.ended(Outcome::Changed, left)
            }
            Ok(left) => item.ended(Outcome::Changed, left),
            Err(why) => item.ended(Outcome::Failed, why),
        }
    }

    /// Reads a function and makes the change that it needs. Returns the part that cannot be changed once nothing else is left.
    /// `is_unknown` is true if an earlier write of this run had no response.
    async fn step(
        &self,
        item: &mut Item,
        journal: &Journal,
        is_unknown: bool,
    ) -> Result<Option<Option<Why>>, Verdict> {
        let snapshot = self.read_idle(&item.name).await?;
        let is_written = settle(&snapshot, item, journal)? || !item.change.is_empty();
        if let Some(failure) = snapshot.update_failure.as_ref().filter(|_| is_written) {
            return Err(Verdict::Leave(Reason::Failed.with(failure)));
        }
        let tracked = journal.function(&snapshot.arn).map(|it| it.tracked.clone());
        let Decision { plan, gets_policy, .. } = self.decide(&snapshot, tracked.as_ref()).await;
        let change = match plan {
            Plan::Unchanged(left) => {
                self.publish(&snapshot, item, journal).await?;
                return Ok(Some(left));
            }
            Plan::Skip(why) => return Err(Verdict::Leave(why)),
            Plan::Change(change) => change,
        };
        if let Some(roles) = self.roles.as_ref().filter(|_| gets_policy) {
            let layers = self.wanted.published.as_ref().map(super::Published::layers);
            let layers = layers.unwrap_or_default();
            let set = self.set_policy(roles, journal, &snapshot.role, &layers, true);
            if set.await? {
                item.policy = Some(roles.policy().to_owned());
            }
        }
        if change.is_empty() {
            return Ok(None);
        }
        item.why.clone_from(&change.left);
        let id = journal
            .begin(Intent {
                verb: Some(self.verb),
                region: self.region.clone(),
                function: snapshot.arn.clone(),
                role: snapshot.role.clone(),
                revision: Some(snapshot.revision.clone()),
                layers: change.layers.clone(),
                own: self.own(tracked.as_ref()),
                variables: change.variables.clone(),
                publish: self.publish && item.versions.is_needed(),
                id: 0,
            })
            .map_err(|it| stop(&it))?;
        let written = self.write(&snapshot, &change).await;
        let is_refused = match &written {
            Ok(()) | Err(Verdict::Unknown) => false,
            // Lambda may have applied the earlier write only now, so the state decides.
            Err(Verdict::Changed | Verdict::Wait) => !is_unknown,
            Err(Verdict::Leave(_) | Verdict::Stop(_)) => true,
        };
        if is_refused {
            let function = snapshot.arn.clone();
            journal.note(&Entry::Done { id, function, applied: false }).map_err(|it| stop(&it))?;
        }
        written?;
        sleep(POLL.0).await;
        Ok(None)
    }

    /// Publishes a version that is due, if this run publishes versions.
    async fn publish(
        &self,
        snapshot: &Snapshot,
        item: &mut Item,
        journal: &Journal,
    ) -> Result<(), Verdict> {
        if !self.publish || !journal.function(&snapshot.arn).is_some_and(|it| it.publish) {
            return Ok(());
        }
        if let Some(failure) = &snapshot.update_failure {
            return Err(Verdict::Leave(Reason::Failed.with(failure)));
        }
        let version = publish(&self.lambda, snapshot).await?;
        item.published = Some(version.clone());
        let function = snapshot.arn.clone();
        journal.note(&Entry::Published { function, version }).map_err(|it| stop(&it))
    }

    /// Returns the deployment's layers without versions; a rollback takes them from the journal.
    fn own(&self, tracked: Option<&Tracked>) -> Vec<String> {
        if let Some(published) = &self.wanted.published {
            return published.layers();
        }
        let layers = tracked.and_then(|it| it.layers.as_ref());
        layers.into_iter().flat_map(|it| it.own.clone()).collect()
    }

    async fn read(&self, name: &str) -> Result<Snapshot, Verdict> {
        match self.lambda.function(name).await {
            Ok(answer) => Snapshot::of(answer).map_err(Verdict::Leave),
            Err(error) => {
                Err(match verdict(self.aws(), "reading a function", "lambda:GetFunction", &error) {
                    Verdict::Unknown => Verdict::Leave(Reason::NoAnswer.with("lambda:GetFunction")),
                    verdict => verdict,
                })
            }
        }
    }

    /// Reads a function when no update of it is in progress.
    async fn read_idle(&self, name: &str) -> Result<Snapshot, Verdict> {
        let (began, mut wait) = (Instant::now(), POLL.0);
        loop {
            let snapshot = self.read(name).await?;
            if !snapshot.is_busy {
                return Ok(snapshot);
            }
            if began.elapsed() > PATIENCE {
                return Err(Verdict::Leave(Reason::Busy.into()));
            }
            sleep(wait).await;
            wait = (wait * 2).min(POLL.1);
        }
    }

    /// Writes a change, based on the revision that was read.
    async fn write(&self, snapshot: &Snapshot, change: &Change) -> Result<(), Verdict> {
        let environment = change
            .environment(snapshot)
            .map(|it| Environment::builder().set_variables(Some(it.into_iter().collect())).build());
        let layers = change.layers.as_ref().map(|it| it.1.clone());
        let answer = self.lambda.change(|client| {
            let request = client.update_function_configuration().function_name(&snapshot.name);
            let request = request.revision_id(&snapshot.revision);
            let request = request.set_layers(layers.clone());
            request.set_environment(environment.clone()).send()
        });
        let doing = "changing a function";
        let permission = "lambda:UpdateFunctionConfiguration";
        answer.await.map(|_| ()).map_err(|it| verdict(self.aws(), doing, permission, &it))
    }
}

/// Returns the wait after `attempts` attempts: about a second, doubled after each further one.
fn backoff(attempts: usize) -> Duration {
    let wait = (0..attempts).fold(BACKOFF.0, |wait, _| (wait * 2).min(BACKOFF.1));
    wait / 2 + jitter(wait / 2)
}

/// Returns the verdict of a journal error: without a journal, nothing may be changed.
fn stop(error: &anyhow::Error) -> Verdict {
    Verdict::Stop(Reason::Refused.with(format!("{error:#}")))
}

/// Determines if the last change that the journal announced was made, by this run or by a killed one. Returns true if the
/// function was updated since the announcement.
fn settle(snapshot: &Snapshot, item: &mut Item, journal: &Journal) -> Result<bool, Verdict> {
    let open = journal.function(&snapshot.arn).and_then(|it| it.open.clone());
    let Some(intent) = open else { return Ok(false) };
    let applied = intent.was_applied(snapshot);
    let entry = Entry::Done { id: intent.id, function: snapshot.arn.clone(), applied };
    journal.note(&entry).map_err(|it| stop(&it))?;
    if applied {
        item.change = intent.change();
    }
    Ok(intent.revision.as_ref() != Some(&snapshot.revision))
}
