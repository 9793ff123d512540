//! Callers of published versions, which a change of a function does not reach.

use std::time::Duration;

use aws_sdk_lambda::config::http::HttpResponse;
use aws_sdk_lambda::error::SdkError;
use aws_sdk_lambda::operation::publish_version::PublishVersionError;
use tokio::time::sleep;

use super::paced::Lambda;
use super::reason::Reason;
use super::snapshot::Snapshot;
use super::write::{Verdict, verdict};

/// Number of attempts to publish a version while another update is in progress.
const ATTEMPTS: usize = 8;
/// Time between two attempts.
const PAUSE: Duration = Duration::from_secs(2);

/// The users of a function's published versions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Versions {
    /// Features that need published versions.
    pub(super) features: Vec<&'static str>,
    /// Aliases with the versions that they run: `live (7)`.
    pub(super) aliases: Vec<String>,
}

impl Versions {
    /// Returns true if callers get the change only from a newly published version.
    pub(super) fn is_needed(&self) -> bool {
        !self.features.is_empty() || !self.aliases.is_empty()
    }

    /// Describes the users of published versions.
    pub(super) fn words(&self) -> String {
        let aliases = self.aliases.iter().map(|it| format!("alias {it}"));
        self.features
            .iter()
            .map(|it| (*it).to_owned())
            .chain(aliases)
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// Adds provisioned concurrency and aliases, as far as they can be read.
    pub(super) async fn read(&mut self, lambda: &Lambda, name: &str) {
        let call = lambda.ask(|it| it.list_aliases().function_name(name).send());
        let aliases = call.await.ok().and_then(|it| it.aliases).unwrap_or_default();
        for alias in aliases {
            let weights = alias.routing_config.and_then(|it| it.additional_version_weights);
            let additional = weights.into_iter().flatten().map(|(version, _)| version);
            let versions = alias.function_version.into_iter().chain(additional);
            let versions: Vec<_> = versions.filter(|it| it != "$LATEST").collect();
            if !versions.is_empty() {
                let name = alias.name.unwrap_or_default();
                self.aliases.push(format!("{name} ({})", versions.join(", ")));
            }
        }
        let call =
            lambda.ask(|it| it.list_provisioned_concurrency_configs().function_name(name).send());
        let configs = call.await.ok().and_then(|it| it.provisioned_concurrency_configs);
        if configs.is_some_and(|it| !it.is_empty()) {
            self.features.push("provisioned concurrency");
        }
    }
}

/// Publishes a version of the function's read state, and returns it. Lambda publishes the same state only once.
pub(super) async fn publish(lambda: &Lambda, snapshot: &Snapshot) -> Result<String, Verdict> {
    let mut attempt = 1;
    let answer = loop {
        let answer = lambda.change(|client| {
            let request = client.publish_version().function_name(&snapshot.name);
            request.revision_id(&snapshot.revision).send()
        });
        match answer.await.map_err(|it| judge(lambda, &it)) {
            Ok(answer) => break answer,
            Err(Verdict::Unknown | Verdict::Wait) if attempt < ATTEMPTS => sleep(PAUSE).await,
            Err(Verdict::Changed) => return Err(Verdict::Changed),
            Err(verdict) => return Err(Verdict::Leave(verdict.why())),
        }
        attempt += 1;
    };
    let nothing = || Verdict::Leave(Reason::Refused.with("Lambda published no version"));
    answer.version.ok_or_else(nothing)
}

fn judge(lambda: &Lambda, error: &SdkError<PublishVersionError, HttpResponse>) -> Verdict {
    verdict(&lambda.aws, "publishing a version", "lambda:PublishVersion", error)
}
