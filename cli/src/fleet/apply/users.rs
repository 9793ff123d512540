//! The functions and published versions that run the layer with a role, and so need the policy.

use std::cell::Ref;
use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_lambda::error::ProvideErrorMetadata as _;
use aws_sdk_lambda::types::{FunctionConfiguration, FunctionVersion, PackageType};
use extension_spec::ENV_PREFIX;

use super::Site;
use super::policies::Due;
use crate::fleet::journal::{Function, Journal, Verb};
use crate::fleet::layers::layer_of;
use crate::fleet::reason::{Reason, Why};
use crate::fleet::write::verdict;

/// Number of pages after which the list is abandoned: a million functions and versions.
const MOST_PAGES: usize = 20_000;
const LATEST: &str = "$LATEST";

/// The roles that need the policy. A role that only published versions use has the reason.
pub(super) type Users = BTreeMap<String, Option<Why>>;

impl Site {
    /// Returns the roles with a function, or a published version in use, that has one of the layers. In a rollback, functions in
    /// their state before the first change do not count: if they have the layer, they had it without the policy.
    pub(super) async fn users(&self, due: &[Due], journal: &Journal) -> Result<Users, Why> {
        let layers: BTreeSet<&str> =
            due.iter().flat_map(|it| it.2.iter().map(String::as_str)).collect();
        let roles: BTreeSet<&str> = due.iter().map(|it| it.0.as_str()).collect();
        let had_it: BTreeSet<String> =
            journal.ledger().policies.values().flat_map(|it| it.users.clone()).collect();
        let is_own = |arn: &str| layer_of(arn).is_some_and(|it| layers.contains(it));
        let is_restored = |function: &FunctionConfiguration, own: &[&str]| {
            let arn = unqualified(function.function_arn().unwrap_or_default());
            let known = journal.function(&arn);
            if known.as_ref().is_some_and(|it| it.tracked.layers.is_some()) {
                return false;
            }
            let is_back = |it: Ref<'_, Function>| {
                !own.is_empty() && own.iter().all(|arn| it.restored.iter().any(|it| it == arn))
            };
            self.verb == Verb::Rollback && (had_it.contains(&arn) || known.is_some_and(is_back))
        };
        let is_user = |function: &FunctionConfiguration| {
            let arns = function.layers().iter().filter_map(|it| it.arn());
            let own: Vec<_> = arns.filter(|it| is_own(it)).collect();
            let has_extension = !own.is_empty() || is_image_with_extension(function);
            has_extension && !is_restored(function, &own)
        };
        let mut users = Users::new();
        let mut published = BTreeMap::<String, BTreeMap<String, String>>::new();
        self.each_version(|function| {
            let role = function.role().unwrap_or_default();
            if !roles.contains(role) || !is_user(function) {
                return;
            }
            match function.version().filter(|it| *it != LATEST) {
                None => _ = users.insert(role.to_owned(), None),
                Some(version) => {
                    let name = function.function_name().unwrap_or_default().to_owned();
                    let versions = published.entry(name).or_default();
                    versions.insert(version.to_owned(), role.to_owned());
                }
            }
        })
        .await?;
        let mut in_use = BTreeMap::<String, Vec<String>>::new();
        for (name, versions) in &published {
            if versions.values().all(|role| users.contains_key(role)) {
                continue;
            }
            for (what, version) in self.referenced(name).await? {
                if let Some(role) = versions.get(&version) {
                    let words = format!("{what} of {name} (version {version})");
                    in_use.entry(role.clone()).or_default().push(words);
                }
            }
        }
        for (role, words) in in_use {
            users.entry(role).or_insert_with(|| Some(Reason::InUse.with(words.join(", "))));
        }
        Ok(users)
    }

    /// Reads all functions of the account and region with all of their published versions.
    async fn each_version(&self, mut found: impl FnMut(&FunctionConfiguration)) -> Result<(), Why> {
        let mut marker = None::<String>;
        for _ in 0..MOST_PAGES {
            let call = self.lambda.ask(|it| {
                let request = it.list_functions().function_version(FunctionVersion::All);
                request.set_marker(marker.clone()).send()
            });
            let page = call.await.map_err(|it| {
                verdict(self.aws(), "listing the functions", "lambda:ListFunctions", &it).why()
            })?;
            page.functions().iter().for_each(&mut found);
            match page.next_marker.filter(|it| !it.is_empty() && marker.as_ref() != Some(it)) {
                Some(next) => marker = Some(next),
                None => return Ok(()),
            }
        }
        Err(Reason::Refused.with("Lambda lists too many functions"))
    }

    /// Returns the versions that aliases and provisioned concurrency run, each with its user.
    async fn referenced(&self, name: &str) -> Result<Vec<(String, String)>, Why> {
        let (mut found, mut marker) = (Vec::new(), None::<String>);
        loop {
            let call = self
                .lambda
                .ask(|it| it.list_aliases().function_name(name).set_marker(marker.clone()).send());
            let page = match call.await {
                Ok(page) => page,
                // The function was deleted since it was listed.
                Err(error) if error.code() == Some("ResourceNotFoundException") => {
                    return Ok(Vec::new());
                }
                Err(error) => {
                    let permission = "lambda:ListAliases";
                    let doing = "listing the aliases of a function";
                    return Err(verdict(self.aws(), doing, permission, &error).why());
                }
            };
            for alias in page.aliases() {
                let what = format!("alias {}", alias.name().unwrap_or_default());
                let weights = alias.routing_config().and_then(|it| it.additional_version_weights());
                let additional = weights.into_iter().flatten().map(|(version, _)| version.as_str());
                let versions = alias.function_version().into_iter().chain(additional);
                found.extend(versions.map(|it| (what.clone(), it.to_owned())));
            }
            match page.next_marker.filter(|it| !it.is_empty() && marker.as_ref() != Some(it)) {
                Some(next) => marker = Some(next),
                None => break,
            }
        }
        let mut marker = None::<String>;
        loop {
            let call = self.lambda.ask(|it| {
                let request = it.list_provisioned_concurrency_configs().function_name(name);
                request.set_marker(marker.clone()).send()
            });
            let page = match call.await {
                Ok(page) => page,
                Err(error) if error.code() == Some("ResourceNotFoundException") => break,
                Err(error) => {
                    let permission = "lambda:ListProvisionedConcurrencyConfigs";
                    let doing = "listing the provisioned concurrency of a function";
                    return Err(verdict(self.aws(), doing, permission, &error).why());
                }
            };
            // The provisioned concurrency of an alias is found through the alias.
            let arns = page.provisioned_concurrency_configs().iter();
            let versions = arns.filter_map(|it| it.function_arn()?.split(':').nth(7));
            found.extend(versions.map(|it| ("provisioned concurrency".to_owned(), it.to_owned())));
            match page.next_marker.filter(|it| !it.is_empty() && marker.as_ref() != Some(it)) {
                Some(next) => marker = Some(next),
                None => return Ok(found),
            }
        }
        Ok(found)
    }
}

/// Returns true for a container image that may contain the extension, because images have no layers.
fn is_image_with_extension(function: &FunctionConfiguration) -> bool {
    let Some(environment) = function.environment() else { return false };
    let has_stream = || {
        environment.variables().is_some_and(|it| it.contains_key(&format!("{ENV_PREFIX}STREAM")))
    };
    function.package_type() == Some(&PackageType::Image)
        && (environment.error().is_some() || has_stream())
}

/// Returns the ARN of a function without its version.
fn unqualified(arn: &str) -> String {
    arn.split(':').take(7).collect::<Vec<_>>().join(":")
}
