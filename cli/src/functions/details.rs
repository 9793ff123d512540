//! Reads the tags and aliases of functions, with one or more calls for each function.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use anyhow::Error;
use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use kinesis_telemetry_stream::counted;

use super::row::{OldAlias, Row};
use crate::fleet::{Lambda, Managed, Published};

/// Reads tags and aliases. It counts the functions for which a read fails, and keeps the first reason.
pub(super) struct Details<'a> {
    lambda: &'a Lambda,
    published: &'a Published,
    tags: RefCell<Unread>,
    aliases: RefCell<Unread>,
}

/// The properties of functions that could not be read.
#[derive(Debug, Default)]
struct Unread {
    count: usize,
    why: Option<Error>,
    /// True after a call without an answer, because each further call would take ten seconds.
    is_silent: bool,
}

impl Unread {
    fn add<E, R>(&mut self, error: &SdkError<E, R>, why: impl FnOnce() -> Error)
    where
        E: ProvideErrorMetadata,
    {
        self.count += 1;
        self.is_silent |= error.code().is_none();
        self.why.get_or_insert_with(why);
    }

    /// Returns true if further calls cannot succeed, and then counts the function as unread.
    fn is_skipped(&mut self) -> bool {
        self.count += usize::from(self.is_silent);
        self.is_silent
    }
}

impl<'a> Details<'a> {
    pub(super) fn new(lambda: &'a Lambda, published: &'a Published) -> Self {
        Self { lambda, published, tags: RefCell::default(), aliases: RefCell::default() }
    }

    /// Returns the tool that manages a function, and the aliases that run an older layer version; `None` for a property that
    /// cannot be read.
    pub(super) async fn read(&self, row: &Row) -> (Option<Managed>, Option<Vec<OldAlias>>) {
        tokio::join!(self.managed(row), self.old_aliases(row))
    }

    /// Returns a line for each kind of detail that could not be read for all functions.
    pub(super) fn notes(&self) -> Vec<String> {
        let columns = [("managed by", &self.tags), ("aliases", &self.aliases)];
        let note = |(column, unread): (&str, &RefCell<Unread>)| {
            let Unread { count, why, .. } = &*unread.borrow();
            let why = why.as_ref()?;
            Some(format!("note: \"{column}\" is ? for {}: {why:#}", counted(*count, "function")))
        };
        columns.into_iter().filter_map(note).collect()
    }

    async fn managed(&self, row: &Row) -> Option<Managed> {
        if self.tags.borrow_mut().is_skipped() {
            return None;
        }
        let answer = self.lambda.ask(|it| it.list_tags().resource(&row.arn).send()).await;
        match answer {
            Ok(answer) => Some(Managed::of(&answer.tags.unwrap_or_default())),
            Err(error) => {
                let why = || {
                    let doing = "reading the tags of functions";
                    self.lambda.aws.explain(doing, "lambda:ListTags", &error)
                };
                self.tags.borrow_mut().add(&error, why);
                None
            }
        }
    }

    async fn old_aliases(&self, row: &Row) -> Option<Vec<OldAlias>> {
        if self.aliases.borrow_mut().is_skipped() {
            return None;
        }
        let aliases = self.aliases(&row.name).await?;
        let versions: BTreeSet<&str> = aliases.iter().map(|it| it.1.as_str()).collect();
        let mut layers = BTreeMap::new();
        for version in versions {
            layers.insert(version, self.layer_of(row, version).await?);
        }
        let old = aliases.iter().filter_map(|(alias, version)| {
            let layer_version = layers[version.as_str()];
            let is_old = layer_version.is_none_or(|it| it < row.layer_version);
            is_old.then(|| OldAlias {
                alias: alias.clone(),
                function_version: version.clone(),
                layer_version,
            })
        });
        Some(old.collect())
    }

    /// Returns the aliases of a function with the versions that they run; during a canary deployment, an alias runs two.
    async fn aliases(&self, name: &str) -> Option<Vec<(String, String)>> {
        let (mut aliases, mut marker) = (Vec::new(), None::<String>);
        loop {
            let ask = self
                .lambda
                .ask(|it| it.list_aliases().function_name(name).set_marker(marker.clone()).send());
            let page = match ask.await {
                Ok(page) => page,
                Err(error) => {
                    let why = || {
                        let doing = "reading the aliases of functions";
                        self.lambda.aws.explain(doing, "lambda:ListAliases", &error)
                    };
                    self.aliases.borrow_mut().add(&error, why);
                    return None;
                }
            };
            for alias in page.aliases() {
                let name = alias.name().unwrap_or_default();
                let weights = alias.routing_config().and_then(|it| it.additional_version_weights());
                let additional = weights.into_iter().flatten().map(|(version, _)| version.as_str());
                let versions = alias.function_version().into_iter().chain(additional);
                let published = versions.filter(|it| *it != "$LATEST");
                aliases.extend(published.map(|it| (name.to_owned(), it.to_owned())));
            }
            match page.next_marker.filter(|it| !it.is_empty() && marker.as_ref() != Some(it)) {
                Some(next) => marker = Some(next),
                None => return Some(aliases),
            }
        }
    }

    /// Returns the version of the layer that a version of a function has.
    async fn layer_of(&self, row: &Row, version: &str) -> Option<Option<i64>> {
        let ask = self.lambda.ask(|it| {
            it.get_function_configuration().function_name(&row.name).qualifier(version).send()
        });
        match ask.await {
            Ok(answer) => {
                let arns = answer.layers().iter().filter_map(|it| it.arn());
                Some(self.published.among(arns).last().map(|it| it.version))
            }
            Err(error) => {
                let why = || {
                    let doing = "reading the versions behind aliases";
                    self.lambda.aws.explain(doing, "lambda:GetFunctionConfiguration", &error)
                };
                self.aliases.borrow_mut().add(&error, why);
                None
            }
        }
    }
}
