//! The part of a workflow's syntax that these workflows use.

use serde::ser::{Serialize, SerializeMap, Serializer};
use xtask_synth::yaml::Commented;

use crate::project::pins::{Pin, Registry};

/// A map in the order in which it is written here: it is read by people.
#[derive(Clone, Debug)]
pub(super) struct Map<V>(pub(super) Vec<(&'static str, V)>);

impl<V> Map<V> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<V> Default for Map<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V, const N: usize> From<[(&'static str, V); N]> for Map<V> {
    fn from(entries: [(&'static str, V); N]) -> Self {
        Self(entries.into())
    }
}

impl<V: Serialize> Serialize for Map<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

#[derive(serde::Serialize)]
pub(super) struct Workflow {
    pub(super) name: &'static str,
    pub(super) on: Map<On>,
    /// None: each job says what it needs.
    pub(super) permissions: Map<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) concurrency: Option<Concurrency>,
    pub(super) jobs: Map<Job>,
}

impl Workflow {
    /// Returns a workflow of one job that runs at the times of a cron expression, and by hand. Choose no full hour: most workflows
    /// of all repositories start then.
    pub(super) fn scheduled(
        name: &'static str,
        cron: &'static str,
        key: &'static str,
        job: Job,
    ) -> Self {
        Self {
            name,
            on: Map::from([
                ("schedule", On::Schedule([Map::from([("cron", cron)])])),
                ("workflow_dispatch", On::Always),
            ]),
            permissions: Map::default(),
            concurrency: Some(Concurrency {
                group: "${{ github.workflow }}-${{ github.ref }}",
                cancel_in_progress: true,
            }),
            jobs: Map::from([(key, job)]),
        }
    }
}

/// The conditions of an event that starts the workflow.
#[derive(Clone, Default, serde::Serialize)]
#[serde(untagged)]
pub(super) enum On {
    #[default]
    Always,
    Only(Map<Vec<&'static str>>),
    Schedule([Map<&'static str>; 1]),
}

#[derive(serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Concurrency {
    pub(super) group: &'static str,
    pub(super) cancel_in_progress: bool,
}

#[derive(Default, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Job {
    pub(super) name: &'static str,
    /// The jobs that must have succeeded before this one begins.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(super) needs: &'static [&'static str],
    /// The environment whose reviewers, secrets and variables the job has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) environment: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) strategy: Option<Strategy>,
    /// Values for jobs that need this one. No other job can change them.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(super) outputs: Map<&'static str>,
    pub(super) runs_on: &'static str,
    pub(super) timeout_minutes: u32,
    pub(super) permissions: Permissions,
    pub(super) steps: Vec<Step>,
}

/// The permissions of a job, each with its reason.
pub(super) type Permissions = Map<Commented<&'static str>>;

impl<const N: usize> From<[(&'static str, &'static str, &'static str); N]> for Permissions {
    fn from(permissions: [(&'static str, &'static str, &'static str); N]) -> Self {
        let commented = |(what, may, why): (_, _, &str)| (what, Commented(may, why.to_owned()));
        Self(permissions.map(commented).into())
    }
}

#[derive(serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Strategy {
    pub(super) fail_fast: bool,
    pub(super) matrix: Map<Vec<Map<String>>>,
}

#[derive(Default, serde::Serialize)]
pub(super) struct Step {
    pub(super) name: String,
    /// The name by which expressions refer to its outputs.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'static str>,
    #[serde(rename = "if", skip_serializing_if = "Option::is_none")]
    condition: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uses: Option<Commented<String>>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    with: Map<String>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    env: Map<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<String>,
}

impl Step {
    /// An action at a commit, with the version that it had as a comment.
    pub(super) fn uses(
        name: impl Into<String>,
        action: Pin,
        with: impl IntoIterator<Item = (&'static str, impl Into<String>)>,
    ) -> Self {
        let Registry::Action { commit } = action.registry else {
            unreachable!("{} is no action", action.name)
        };
        let uses = Commented(format!("{}@{commit}", action.name), action.version.to_owned());
        let with = Map(with.into_iter().map(|(key, value)| (key, value.into())).collect());
        Self { name: name.into(), uses: Some(uses), with, ..Self::default() }
    }

    /// A shell's command.
    pub(super) fn run(name: impl Into<String>, run: impl Into<String>) -> Self {
        Self { name: name.into(), run: Some(run.into()), ..Self::default() }
    }

    /// Runs the step on Linux only.
    pub(super) fn on_linux(self) -> Self {
        Self { condition: Some("${{ runner.os == 'Linux' }}"), ..self }
    }

    /// Runs the step only if an expression is true.
    pub(super) fn only_if(self, condition: &'static str) -> Self {
        Self { condition: Some(condition), ..self }
    }

    /// Runs the step even if an earlier one has failed.
    pub(super) fn anyway(self) -> Self {
        Self { condition: Some("${{ !cancelled() }}"), ..self }
    }

    /// Gives the step a name, by which expressions refer to its outputs.
    pub(super) fn id(self, id: &'static str) -> Self {
        Self { id: Some(id), ..self }
    }

    /// Sets variables of the step: an expression in a command would be part of its text.
    pub(super) fn env(self, env: impl Into<Map<&'static str>>) -> Self {
        Self { env: env.into(), ..self }
    }
}
