//! The functions that accept only signed layers, and the signers of layers.

mod config;
mod once;

use std::cell::OnceCell;
use std::collections::BTreeMap;

use aws_sdk_lambda::config::http::HttpResponse;
use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use tokio::sync;

use super::paced::Lambda;
use super::reason::{Reason, Why};
use super::write::{Verdict, verdict};
use config::Config;
pub(super) use config::Objection;
use once::Once;

/// The code signing configurations of an account and region, read when the first layer is added. Each value is read once.
#[derive(Debug, Default)]
pub(super) struct Signing {
    /// The configurations of functions, by the function's ARN; `None` if they cannot be listed. Then the configuration of each
    /// function is read.
    listed: sync::OnceCell<Option<BTreeMap<String, Config>>>,
    functions: Once<Result<Option<Config>, Why>>,
    configs: Once<Result<Option<Config>, Why>>,
    /// The profile version that has signed a layer version, by the layer's ARN.
    signers: Once<Result<Option<String>, Why>>,
    /// The reason why the configurations of functions cannot be read either.
    unknown: OnceCell<Why>,
}

impl Signing {
    /// Returns the objection of a function's configuration to a layer version. Fails if a service does not answer. Without the
    /// permission to read configurations, there is no objection, and Lambda itself may reject the layer when it is added.
    pub(super) async fn objection(
        &self,
        lambda: &Lambda,
        function: &str,
        layer: &str,
    ) -> Result<Option<Objection>, Why> {
        let listed = self.listed.get_or_init(async || list(lambda).await).await;
        let config = match listed {
            Some(listed) => listed.get(function).cloned(),
            None => self.functions.get(function, || self.ask(lambda, function)).await?,
        };
        let Some(config) = config else { return Ok(None) };
        let signer = self.signers.get(layer, || signer(lambda, layer)).await?;
        Ok(config.objection(layer, signer.as_deref()))
    }

    /// Returns a note if the functions with a configuration are unknown.
    pub(super) fn note(&self) -> Option<String> {
        let why = self.unknown.get()?;
        Some(format!(
            "note: cannot check which functions enforce code signing; Lambda rejects unsigned layers for those: {why}"
        ))
    }

    /// Reads the configuration of a function.
    async fn ask(&self, lambda: &Lambda, function: &str) -> Result<Option<Config>, Why> {
        if self.unknown.get().is_some() {
            return Ok(None);
        }
        let call =
            lambda.ask(|it| it.get_function_code_signing_config().function_name(function).send());
        let answer = match call.await {
            Ok(answer) => answer,
            Err(error) => {
                return self.failed(lambda, "lambda:GetFunctionCodeSigningConfig", &error);
            }
        };
        match answer.code_signing_config_arn() {
            "" => Ok(None),
            arn => self.configs.get(arn, || self.config(lambda, arn)).await,
        }
    }

    async fn config(&self, lambda: &Lambda, arn: &str) -> Result<Option<Config>, Why> {
        let call =
            lambda.ask(|it| it.get_code_signing_config().code_signing_config_arn(arn).send());
        match call.await {
            Ok(answer) => Ok(answer.code_signing_config.map(|it| Config::of(&it))),
            Err(error) => self.failed(lambda, "lambda:GetCodeSigningConfig", &error),
        }
    }

    /// Judges a failed call. If Lambda denies it, further ones are useless.
    fn failed<E>(
        &self,
        lambda: &Lambda,
        permission: &str,
        error: &SdkError<E, HttpResponse>,
    ) -> Result<Option<Config>, Why>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        match verdict(&lambda.aws, "reading code signing", permission, error) {
            // The function or the configuration was deleted.
            Verdict::Leave(why) if why.reason == Reason::NotFound => Ok(None),
            Verdict::Leave(why) if matches!(why.reason, Reason::Denied | Reason::Refused) => {
                _ = self.unknown.set(why);
                Ok(None)
            }
            verdict => Err(verdict.why()),
        }
    }
}

/// Lists the configurations with their functions: a few calls for an account, instead of one for each function.
async fn list(lambda: &Lambda) -> Option<BTreeMap<String, Config>> {
    let (mut listed, mut marker) = (BTreeMap::new(), None::<String>);
    loop {
        let call =
            lambda.ask(|it| it.list_code_signing_configs().set_marker(marker.clone()).send());
        let page = call.await.ok()?;
        for config in page.code_signing_configs() {
            add(lambda, &Config::of(config), &mut listed).await?;
        }
        match page.next_marker.filter(|it| !it.is_empty() && marker.as_ref() != Some(it)) {
            Some(next) => marker = Some(next),
            None => return Some(listed),
        }
    }
}

/// Adds the functions of a configuration.
async fn add(
    lambda: &Lambda,
    config: &Config,
    listed: &mut BTreeMap<String, Config>,
) -> Option<()> {
    let mut marker = None::<String>;
    loop {
        let call = lambda.ask(|it| {
            let request = it.list_functions_by_code_signing_config();
            let request = request.code_signing_config_arn(&config.arn);
            request.set_marker(marker.clone()).send()
        });
        let page = call.await.ok()?;
        let functions = page.function_arns.unwrap_or_default();
        listed.extend(functions.into_iter().map(|it| (it, config.clone())));
        match page.next_marker.filter(|it| !it.is_empty() && marker.as_ref() != Some(it)) {
            Some(next) => marker = Some(next),
            None => return Some(()),
        }
    }
}

/// Returns the profile version that has signed a layer version.
async fn signer(lambda: &Lambda, layer: &str) -> Result<Option<String>, Why> {
    let call = lambda.ask(|it| it.get_layer_version_by_arn().arn(layer).send());
    match call.await {
        Ok(answer) => Ok(answer.content.and_then(|it| it.signing_profile_version_arn)),
        Err(error) => {
            let doing = "reading a layer version";
            let why = verdict(&lambda.aws, doing, "lambda:GetLayerVersion", &error).why();
            // A missing layer version does not mean that the function was deleted.
            let is_missing = why.reason == Reason::NotFound;
            Err(if is_missing {
                Reason::Refused.with(format!("the layer version {layer} does not exist"))
            } else {
                why
            })
        }
    }
}
