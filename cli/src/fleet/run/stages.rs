//! The stages of a run, from the regions to the result.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use kinesis_telemetry_stream::{Aws, counted, stdout};
use kinesis_telemetry_terminal::{StatusLine, Styles, note};
use tokio::time::Instant;

use super::Options;
use super::done::Done;
use crate::age::now_ms;
use crate::deployment::Values;
use crate::fleet::apply::Site;
use crate::fleet::each;
use crate::fleet::journal::{self, Entry, Journal, Ledger, Verb};
use crate::fleet::layers::Published;
use crate::fleet::paced::Lambda;
use crate::fleet::plan::Wanted;
use crate::fleet::reason::Reason;
use crate::fleet::result::{Item, Outcome, Report};
use crate::fleet::role::Roles;
use crate::fleet::select::Candidate;
use crate::fleet::show;
use crate::fleet::signing::Signing;
use crate::session::{Session, columns};

/// Number of functions that are read or changed concurrently. An update takes a second, and up to a minute in a VPC.
const WORKERS: usize = 24;
/// Number of changes up to which the plan reads aliases and provisioned concurrency, with two calls for each function.
const MOST_EXAMINED: usize = 100;

/// Number of functions from which a note announces the duration, if there is no status line.
const MANY: usize = 150;

/// A region, with the values of the deployment; a rollback needs none.
pub(in crate::fleet) type Place = (Aws, Option<Values>);

/// A run in all of its regions.
pub(in crate::fleet) struct Stages<'a> {
    options: &'a Options<'a>,
    styles: Styles,
    account: String,
    sites: Vec<Site>,
    path: PathBuf,
    progress: StatusLine,
}

impl<'a> Stages<'a> {
    /// Finds the account, and the deployment in each region.
    pub(super) async fn begin(options: &'a Options<'a>, session: &Session) -> Result<Self> {
        let mut places: Vec<Place> = Vec::new();
        let mut account = None::<String>;
        for session in session.regions() {
            let first = async |aws: &Aws| {
                let values = if options.needs_values() {
                    Some(Values::of(options.deployment, aws).await?)
                } else {
                    None
                };
                Ok((values, account_of(aws).await?))
            };
            let (aws, (values, its)) = session.connect(first).await?;
            account = Some(its);
            places.push((aws, values));
        }
        let account = account.context("no region is set")?;
        if !options.needs_values() && !session.names_regions() {
            let path = path(options, &account)?;
            let ledger = Journal::read(&path, &account, options.deployment.name.as_deref())?;
            let regions = ledger.iter().flat_map(Ledger::regions).collect::<BTreeSet<_>>();
            if let Some((aws, _)) = places.first().cloned() {
                places = regions.iter().map(|it| (aws.in_region(Some(it)), None)).collect();
            }
        }
        Self::at(options, account, places, session.styles)
    }

    /// Prepares a run in these regions.
    pub(in crate::fleet) fn at(
        options: &'a Options<'a>,
        account: String,
        places: Vec<Place>,
        styles: Styles,
    ) -> Result<Self> {
        let path = path(options, &account)?;
        let mut sites = Vec::new();
        for (aws, values) in places {
            let lambda = Lambda::at_rate(&aws, options.run.rate);
            let published = values.as_ref().map(Published::of).transpose()?;
            let policy = match &values {
                Some(values) if options.verb != Verb::Upgrade => Some(values.get("policyArn")?),
                _ => None,
            };
            sites.push(Site {
                region: aws.region.clone(),
                roles: policy.map(|it| Roles::new(&aws, it, options.include_managed)),
                wanted: Wanted {
                    goal: options.goal(values.as_ref().unwrap_or(&Values::default()))?,
                    published,
                    include_managed: options.include_managed,
                },
                lambda,
                verb: options.verb,
                publish: options.run.publish,
                signing: Signing::default(),
                only_roles: None,
                users: RefCell::default(),
                stopped: RefCell::default(),
            });
        }
        Ok(Self { options, styles, account, sites, path, progress: StatusLine::default() })
    }

    /// Plans, asks, changes and reports.
    pub(super) async fn run(mut self) -> Result<ExitCode> {
        let run = self.options.run;
        let may_ask = io::stdin().is_terminal() && !run.json;
        if !run.yes && !run.dry_run && !may_ask {
            bail!(
                "the plan cannot be confirmed, because {}: add --dry-run to see the plan, or --yes to apply it without asking",
                if run.json { "--json prints only the result" } else { "stdin is not a terminal" }
            );
        }
        let journal = if run.dry_run { None } else { Some(self.journal()?) };
        let mut done = self.plan(journal.as_ref()).await?;
        self.progress.clear();
        if !run.json {
            stdout::print_styled(&show::plan(&done, self.options.verb, columns(), self.styles))?;
        }
        let Some(journal) = journal else { return self.report(&done) };
        let changes = done.items.iter().filter(|it| it.outcome == Outcome::Planned).count();
        let roles = done.losing.len() + done.gaining.len();
        if changes + roles > 0 && !run.yes && !confirmed(changes, roles)? {
            note("nothing was changed");
            return Ok(ExitCode::from(2));
        }
        self.apply(&mut done, &journal).await?;
        self.progress.clear();
        if !run.json {
            stdout::print_styled(&show::result(&done, columns(), self.styles))?;
        }
        if changes > 0 && self.options.verb != Verb::Rollback {
            let name = crate::deployment::named(self.options.deployment);
            note(&format!(
                "to undo this: kinesis-telemetry rollback{name} --journal {}",
                journal.path().display()
            ));
        }
        self.report(&done)
    }

    fn report(&self, done: &Done) -> Result<ExitCode> {
        let run = self.options.run;
        if run.json {
            let report = Report {
                command: self.options.verb.word(),
                account: &self.account,
                dry_run: run.dry_run,
                journal: (!run.dry_run).then(|| self.path.to_string_lossy().into_owned()),
                functions: done.items.iter().map(Into::into).collect(),
                roles: done.roles.iter().map(Into::into).collect(),
                without_layer: done.without,
            };
            stdout::print(&stdout::json(&report)?)?;
        }
        Ok(if done.needs_a_person() { ExitCode::from(1) } else { ExitCode::SUCCESS })
    }

    /// Opens the journal, and locks it for this run.
    pub(in crate::fleet) fn journal(&self) -> Result<Journal> {
        Journal::open(&self.path, &self.account, self.options.deployment.name.as_deref())
    }

    /// Plans every selected function.
    pub(in crate::fleet) async fn plan(&mut self, journal: Option<&Journal>) -> Result<Done> {
        let name = self.options.deployment.name.as_deref();
        if let Some(journal) = journal {
            self.finish(journal).await;
        }
        let ledger = match journal {
            Some(journal) => journal.ledger().clone(),
            None => Journal::read(&self.path, &self.account, name)?.unwrap_or_default(),
        };
        let mut done = Done::default();
        for site in &mut self.sites {
            let (candidates, without) = if let Some(choice) = &self.options.choice {
                let needs_layer = self.options.verb != Verb::Attach;
                let published = site.wanted.published.as_ref().filter(|_| needs_layer);
                let due = ledger.due(&site.region, self.options.run.publish);
                choice.candidates(&site.lambda, published, &due, &self.progress).await?
            } else {
                let roles = ledger.roles(&site.region, self.options.names);
                site.only_roles = Some(roles).filter(|_| !self.options.names.is_empty());
                (ledger.candidates(&site.region, self.options.names, self.options.run.publish), 0)
            };
            done.without += without;
            let tracked = |arn: &str| Some(ledger.functions.get(arn)?.tracked.clone());
            let count = candidates.len();
            let planned = each(
                WORKERS,
                &candidates,
                async |it: &Candidate| site.plan(it, self.options.tags, tracked).await,
                |read| self.progress.set(&format!("{read} of {count} functions read")),
            );
            done.items.extend(planned.await.into_iter().flatten());
            if let Some(why) = &*site.stopped.borrow() {
                bail!("{}", why.detail);
            }
            if let Some(note) = site.signing.note() {
                self.progress.print(&note);
            }
        }
        if self.options.run.publish {
            done.add_due_versions(&ledger);
        }
        let verb = self.options.verb;
        for site in self.sites.iter().filter(|_| verb == Verb::Rollback) {
            done.losing.extend(site.policies(&ledger, false).into_iter().map(|it| it.0));
            done.gaining.extend(site.policies(&ledger, true).into_iter().map(|it| it.0));
        }
        if verb == Verb::Detach {
            let planned = done.items.iter().filter(|it| it.outcome == Outcome::Planned);
            done.losing.extend(planned.map(|it| it.role.clone()));
        }
        if verb == Verb::Rollback {
            self.sites.iter().for_each(|it| it.leave_deleted(&mut done.items, &ledger));
            done.items.extend(self.unknown(&ledger));
        }
        self.require_some(&done, &ledger)?;
        self.examine(&mut done).await;
        Ok(done)
    }

    /// Returns the functions that a rollback names but the journal does not contain.
    fn unknown(&self, ledger: &Ledger) -> Vec<Item> {
        let Some(first) = self.sites.first() else { return Vec::new() };
        let is_known =
            |name: &&String| self.sites.iter().any(|it| ledger.named(&it.region, name).is_some());
        let unknown = self.options.names.iter().filter(|it| !is_known(it));
        let why = Reason::NotFound.with("not in this journal");
        unknown.map(|it| Item::of(&first.region, it).ended(Outcome::Skipped, why.clone())).collect()
    }

    /// Fails if there is nothing to do, because a selection that matches no function is a mistake.
    fn require_some(&self, done: &Done, ledger: &Ledger) -> Result<()> {
        if !done.items.is_empty() || done.without > 0 {
            return Ok(());
        }
        let is_open = || self.sites.iter().any(|it| ledger.is_open(&it.region));
        match self.options.verb {
            Verb::Rollback if done.losing.is_empty() && done.gaining.is_empty() => bail!(
                "the journal {} has nothing to restore: check --journal, --profile and --name",
                self.path.display()
            ),
            Verb::Rollback => Ok(()),
            Verb::Detach if is_open() => Ok(()),
            _ => {
                let regions: Vec<_> = self.sites.iter().map(|it| it.region.as_str()).collect();
                bail!(
                    "no function in {} matches: check --region and the selection",
                    regions.join(", ")
                )
            }
        }
    }

    /// Completes the changes that a killed run has begun.
    async fn finish(&self, journal: &Journal) {
        for site in &self.sites {
            let begun = journal.ledger().begun(&site.region);
            let count = begun.len();
            let finished = each(
                WORKERS,
                &begun,
                async |name: &String| site.finish(name, journal).await,
                |done| self.progress.set(&format!("{done} of {count} begun changes checked")),
            );
            for (name, result) in begun.iter().zip(finished.await) {
                if let Err(why) = result {
                    self.progress
                        .print(&format!("note: a change of {name} is not finished: {why}"));
                }
            }
        }
    }

    /// Reads the users of published versions of the functions that change.
    async fn examine(&self, done: &mut Done) {
        let is_planned = |it: &&mut Item| it.outcome == Outcome::Planned && !it.change.is_empty();
        let planned: Vec<_> = done.items.iter_mut().filter(is_planned).collect();
        if planned.len() > MOST_EXAMINED && !self.options.run.publish {
            return;
        }
        let count = planned.len();
        for (index, item) in planned.into_iter().enumerate() {
            if let Some(site) = self.sites.iter().find(|it| it.region == item.region) {
                self.progress.set(&format!("{index} of {count} functions examined"));
                item.versions.read(&site.lambda, &item.name).await;
            }
        }
    }

    /// Makes the planned changes, and those that an earlier run has begun.
    pub(in crate::fleet) async fn apply(&self, done: &mut Done, journal: &Journal) -> Result<()> {
        let (verb, account) = (self.options.verb, self.account.clone());
        let deployment = self.options.deployment.name.clone();
        journal.announce(&Entry::Run { verb, account, deployment, time_ms: now_ms() })?;
        for site in &self.sites {
            if verb == Verb::Rollback {
                done.roles.extend(site.restore_policies(journal).await);
            }
            let is_due =
                |it: &&mut Item| it.region == site.region && it.outcome == Outcome::Planned;
            let mut due: Vec<&mut Item> = done.items.iter_mut().filter(is_due).collect();
            let planned: Vec<Item> = due.iter().map(|it| (**it).clone()).collect();
            if planned.len() > MANY {
                let minutes = planned.len().div_ceil(self.options.run.rate as usize * 60);
                let count = counted(planned.len(), "function");
                self.progress.report(&format!("changing {count} takes at least {minutes} min"));
            }
            let began = Instant::now();
            let results = each(
                WORKERS,
                &planned,
                async |it: &Item| site.apply(it, journal).await,
                |count| self.progress.set(&show::progress(count, planned.len(), began.elapsed())),
            );
            for (item, result) in due.iter_mut().zip(results.await) {
                **item = result;
            }
            if verb == Verb::Rollback {
                site.settle_restored(&mut done.items, journal);
            }
            if matches!(verb, Verb::Detach | Verb::Rollback) && site.stopped.borrow().is_none() {
                done.roles.extend(site.settle_policies(journal).await);
            }
        }
        Ok(())
    }
}

fn path(options: &Options<'_>, account: &str) -> Result<PathBuf> {
    match &options.run.journal {
        Some(path) => Ok(path.clone()),
        None => journal::default_path(account, options.deployment.name.as_deref()),
    }
}

async fn account_of(aws: &Aws) -> Result<String> {
    let sts = aws_sdk_sts::Client::new(&aws.config);
    let identity = sts.get_caller_identity().send().await.map_err(|error| {
        aws.explain("identifying the credentials", "sts:GetCallerIdentity", &error)
    })?;
    let account = identity.account.context("the response of STS has no account")?;
    if account.is_empty() || !account.chars().all(|it| it.is_ascii_digit()) {
        bail!("STS returned the account {account:?}, which is not an account ID");
    }
    Ok(account)
}

/// Asks for confirmation. Any answer except yes means no.
fn confirmed(changes: usize, roles: usize) -> Result<bool> {
    let mut stderr = io::stderr();
    let of = match (changes, roles) {
        (0, roles) => counted(roles, "role"),
        (changes, _) => counted(changes, "function"),
    };
    let question = format!("Apply these changes to {of}? [y/N] ");
    _ = stderr.write_all(question.as_bytes()).and_then(|()| stderr.flush());
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).context("the answer cannot be read")?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
