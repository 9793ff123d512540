//! `attach`, `upgrade`, `detach` and `rollback`: plan, confirm, change, report.

mod done;
mod stages;

use std::process::ExitCode;

use anyhow::{Result, bail};
use extension_spec::load;
use kinesis_telemetry_args::{Attach, Deployment, Detach, Rollback, Run, Selection, Upgrade};
use kinesis_telemetry_stream::stdout;

use super::journal::Verb;
use super::plan::Goal;
use super::select::Choice;
use super::snapshot::Variables;
use crate::deployment::Values;
use crate::outputs;
use crate::session::Session;
pub(super) use done::Done;
pub(super) use stages::Stages;

/// The options that the commands share.
pub(super) struct Options<'a> {
    verb: Verb,
    deployment: &'a Deployment,
    /// The selection; `None` for a rollback, whose journal names the functions.
    choice: Option<Choice<'a>>,
    tags: &'a [(String, String)],
    /// The functions of a rollback; empty for all.
    names: &'a [String],
    settings: Variables,
    include_managed: bool,
    run: &'a Run,
}

pub(crate) async fn attach(attach: &Attach, session: &Session) -> Result<ExitCode> {
    if let Some(tool) = attach.emit {
        stdout::print(&outputs::snippet_of(tool, attach.deployment.name.as_deref()))?;
        return Ok(ExitCode::SUCCESS);
    }
    work(&Options::attach(attach)?, session).await
}

pub(crate) async fn upgrade(upgrade: &Upgrade, session: &Session) -> Result<ExitCode> {
    work(&Options::upgrade(upgrade)?, session).await
}

pub(crate) async fn detach(detach: &Detach, session: &Session) -> Result<ExitCode> {
    work(&Options::detach(detach)?, session).await
}

pub(crate) async fn rollback(rollback: &Rollback, session: &Session) -> Result<ExitCode> {
    work(&Options::rollback(rollback), session).await
}

async fn work(options: &Options<'_>, session: &Session) -> Result<ExitCode> {
    Stages::begin(options, session).await?.run().await
}

impl<'a> Options<'a> {
    pub(in crate::fleet) fn attach(attach: &'a Attach) -> Result<Self> {
        let Attach { deployment, selection, settings, include_managed, run, .. } = attach;
        let settings: Variables = settings.iter().cloned().collect();
        if let Some(problem) = load(&settings).problems.first() {
            bail!("--set: {problem}");
        }
        let options = Self::of(Verb::Attach, deployment, selection, *include_managed, run)?;
        Ok(Self { settings, ..options })
    }

    pub(in crate::fleet) fn upgrade(upgrade: &'a Upgrade) -> Result<Self> {
        let Upgrade { deployment, selection, include_managed, run } = upgrade;
        Self::of(Verb::Upgrade, deployment, selection, *include_managed, run)
    }

    pub(in crate::fleet) fn detach(detach: &'a Detach) -> Result<Self> {
        let Detach { deployment, selection, include_managed, run } = detach;
        Self::of(Verb::Detach, deployment, selection, *include_managed, run)
    }

    pub(in crate::fleet) fn rollback(rollback: &'a Rollback) -> Self {
        let Rollback { deployment, functions, run } = rollback;
        Self {
            verb: Verb::Rollback,
            deployment,
            choice: None,
            tags: &[],
            names: functions,
            settings: Variables::new(),
            // A rollback also restores functions that a stack manages.
            include_managed: true,
            run,
        }
    }

    /// Returns true if the command needs the values of the deployment. A rollback needs only its journal.
    pub(in crate::fleet) fn needs_values(&self) -> bool {
        self.verb != Verb::Rollback
    }

    fn of(
        verb: Verb,
        deployment: &'a Deployment,
        selection: &'a Selection,
        include_managed: bool,
        run: &'a Run,
    ) -> Result<Self> {
        Ok(Self {
            verb,
            deployment,
            choice: Some(Choice::new(selection)?),
            tags: &selection.tags,
            names: &[],
            settings: Variables::new(),
            include_managed,
            run,
        })
    }

    /// Returns the goal for functions, with the values of the deployment.
    fn goal(&self, values: &Values) -> Result<Goal> {
        Ok(match self.verb {
            Verb::Attach => Goal::Attach {
                settings: self.settings.clone(),
                stream: values.get("streamArn")?.to_owned(),
                queue: values.0.get("deadLetterQueueUrl").cloned(),
            },
            Verb::Upgrade => Goal::Upgrade,
            Verb::Detach => Goal::Detach,
            Verb::Rollback => Goal::Restore,
        })
    }
}
