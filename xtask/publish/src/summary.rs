//! The result of each region, as a table.

use std::fmt::Write as _;

use anyhow::{Error, Result};
use extension_spec::deployment::Architecture;

use crate::layer::Version;
use crate::release::Release;

/// A region.
pub(crate) struct Row {
    pub(crate) region: String,
    /// The versions of both layers, in the order of [`Architecture::ALL`], if the region has them.
    versions: Vec<Option<Version>>,
    /// What was done, or would be done.
    done: Vec<&'static str>,
    error: Option<Error>,
}

/// The regions at the end of a run.
pub(crate) struct Summary {
    release: String,
    rows: Vec<Row>,
    is_plan: bool,
}

impl Row {
    pub(crate) fn new(region: &str) -> Self {
        let versions = Architecture::ALL.map(|_| None).to_vec();
        Self { region: region.to_owned(), versions, done: Vec::new(), error: None }
    }

    /// Notes the result of a phase: the versions, each with whether the phase changed something.
    pub(crate) fn note(&mut self, done: &'static str, result: Result<Vec<(Version, bool)>>) {
        match result {
            Ok(step) => {
                if step.iter().any(|(_, is_new)| *is_new) {
                    self.done.push(done);
                }
                self.versions = step.into_iter().map(|(version, _)| Some(version)).collect();
            }
            Err(error) => self.error = Some(error),
        }
    }

    /// Notes what a run would do, if these are the versions with whether each is open.
    pub(crate) fn plan(&mut self, signs: bool, found: Result<Vec<Option<(Version, bool)>>>) {
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                self.error = Some(error);
                return;
            }
        };
        let publishes = found.iter().any(Option::is_none);
        let opens = publishes || found.iter().flatten().any(|(_, is_open)| !is_open);
        let steps = [(signs, "sign"), (publishes, "publish"), (opens, "verify"), (opens, "open")];
        self.done.extend(steps.into_iter().filter(|(is_due, _)| *is_due).map(|(_, step)| step));
        self.versions = found.into_iter().map(|it| it.map(|(version, _)| version)).collect();
    }

    /// Returns the versions of both layers that the region is known to have.
    pub(crate) fn versions(&self) -> Vec<Version> {
        self.versions.iter().flatten().cloned().collect()
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.error.is_some()
    }
}

impl Summary {
    pub(crate) fn of_run(release: &Release, rows: Vec<Row>) -> Self {
        Self { release: release.description(), rows, is_plan: false }
    }

    pub(crate) fn of_plan(release: &Release, rows: Vec<Row>) -> Self {
        Self { release: release.description(), rows, is_plan: true }
    }

    /// Returns true if no region has failed.
    pub(crate) fn is_done(&self) -> bool {
        !self.rows.iter().any(Row::has_failed)
    }

    /// Returns the table, the errors, and what follows from them.
    pub(crate) fn text(&self, account: &str) -> String {
        let what = if self.is_plan { "to do" } else { "done" };
        let mut table = vec![vec!["region".to_owned()]];
        table[0].extend(Architecture::ALL.map(|it| it.name().to_owned()));
        table[0].push(what.to_owned());
        table.extend(self.rows.iter().map(Row::cells));
        let mut text = format!("{} in account {account}\n\n", self.release);
        let columns = table[0].len();
        let widths: Vec<usize> = (0..columns)
            .map(|column| table.iter().map(|row| row[column].len()).max().unwrap_or_default())
            .collect();
        for row in &table {
            let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
            let line = cells.collect::<Vec<_>>().join("  ");
            let _ = writeln!(text, "{}", line.trim_end());
        }
        text.push('\n');
        for row in &self.rows {
            if let Some(error) = &row.error {
                let _ = writeln!(text, "{}: {error:#}", row.region);
            }
        }
        let _ = writeln!(text, "{}", self.verdict());
        text
    }

    fn verdict(&self) -> String {
        let failed = self.rows.iter().filter(|it| it.error.is_some()).count();
        let numbers = |row: &Row| {
            row.versions.iter().map(|it| it.as_ref().map(|it| it.number)).collect::<Vec<_>>()
        };
        let is_equal = self.rows.windows(2).all(|two| numbers(&two[0]) == numbers(&two[1]));
        match (failed, self.is_plan) {
            (0, true) => "Nothing was changed.".to_owned(),
            (0, false) if is_equal => "All regions have the release, and it is open.".to_owned(),
            (0, false) => "All regions have the release, and it is open. Version numbers differ between regions.".to_owned(),
            (failed, true) => format!("{failed} of {} regions cannot be published to.", self.rows.len()),
            (failed, false) if self.rows.iter().any(|it| it.done.contains(&"opened")) => format!(
                "{failed} of {} regions failed. Run the same command again: it opens the rest.",
                self.rows.len()
            ),
            (failed, false) => format!(
                "{failed} of {} regions failed, so this run opened nothing. Run the same command again when the reason is gone: it \
                 continues.",
                self.rows.len()
            ),
        }
    }
}

impl Row {
    fn cells(&self) -> Vec<String> {
        let number = |it: &Option<Version>| {
            it.as_ref().map_or_else(|| "-".to_owned(), |it| it.number.to_string())
        };
        let mut done = self.done.clone();
        if self.error.is_some() {
            done.push("failed");
        }
        let done = if done.is_empty() { "nothing".to_owned() } else { done.join(", ") };
        let mut cells = vec![self.region.clone()];
        cells.extend(self.versions.iter().map(number));
        cells.push(done);
        cells
    }
}
