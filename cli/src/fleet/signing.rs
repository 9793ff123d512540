//! Which functions accept signed layers only.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;

use aws_sdk_lambda::error::ProvideErrorMetadata as _;
use aws_sdk_lambda::types::{CodeSigningConfig, CodeSigningPolicy};
use kinesis_telemetry_stream::is_denied;

use super::paced::Lambda;
use super::reason::{Reason, Why};
use super::write::verdict;

/// The code signing configurations of an account and region that are enforced.
#[derive(Debug, Default)]
pub(super) struct Signing {
    /// The signing profiles that a function accepts, by ARN. Functions without a configuration are left out.
    accepted: BTreeMap<String, Vec<String>>,
    /// The profile that has signed a layer version, by ARN.
    profiles: RefCell<BTreeMap<String, Result<Option<String>, Why>>>,
    /// True if the configurations cannot be listed. Then each function is asked for its own.
    is_unlisted: bool,
    /// True if functions cannot be asked either. Then Lambda refuses the layer when it is attached.
    is_unknown: OnceCell<()>,
}

impl Signing {
    /// Reads the configurations: a few calls for an account, instead of one for each function.
    pub(super) async fn read(lambda: &Lambda) -> Self {
        Self::list(lambda).await.unwrap_or(Self { is_unlisted: true, ..Self::default() })
    }

    async fn list(lambda: &Lambda) -> Option<Self> {
        let mut signing = Self::default();
        let mut marker = None::<String>;
        loop {
            let call =
                lambda.ask(|it| it.list_code_signing_configs().set_marker(marker.clone()).send());
            let page = call.await.ok()?;
            for config in page.code_signing_configs().iter().filter(|it| is_enforced(it)) {
                signing.add(lambda, config).await?;
            }
            match page.next_marker.filter(|it| !it.is_empty() && marker.as_ref() != Some(it)) {
                Some(next) => marker = Some(next),
                None => return Some(signing),
            }
        }
    }

    async fn add(&mut self, lambda: &Lambda, config: &CodeSigningConfig) -> Option<()> {
        let mut marker = None::<String>;
        loop {
            let call = lambda.ask(|it| {
                let request = it.list_functions_by_code_signing_config();
                let request = request.code_signing_config_arn(config.code_signing_config_arn());
                request.set_marker(marker.clone()).send()
            });
            let page = call.await.ok()?;
            for function in page.function_arns() {
                self.accepted.insert(function.clone(), profiles(config));
            }
            match page.next_marker.filter(|it| !it.is_empty() && marker.as_ref() != Some(it)) {
                Some(next) => marker = Some(next),
                None => return Some(()),
            }
        }
    }

    /// Returns why a function does not accept a layer version.
    pub(super) async fn refuses(
        &self,
        lambda: &Lambda,
        function: &str,
        layer: &str,
    ) -> Option<Why> {
        let accepted = match self.accepted.get(function) {
            Some(accepted) => accepted.clone(),
            None if self.is_unlisted => self.of_function(lambda, function).await?,
            None => return None,
        };
        match self.profile(lambda, layer).await {
            Ok(Some(profile)) if accepted.contains(&profile) => None,
            Ok(_) => Some(Reason::CodeSigning.with(layer)),
            Err(why) => Some(why),
        }
    }

    async fn of_function(&self, lambda: &Lambda, function: &str) -> Option<Vec<String>> {
        if self.is_unknown.get().is_some() {
            return None;
        }
        let call =
            lambda.ask(|it| it.get_function_code_signing_config().function_name(function).send());
        let answer = match call.await {
            Ok(answer) => answer,
            Err(error) => {
                // Other errors say nothing about other functions: this one may be deleted.
                if is_denied(error.code()) {
                    _ = self.is_unknown.set(());
                }
                return None;
            }
        };
        let arn = Some(answer.code_signing_config_arn()).filter(|it| !it.is_empty())?;
        let call =
            lambda.ask(|it| it.get_code_signing_config().code_signing_config_arn(arn).send());
        let config = call.await.ok()?.code_signing_config?;
        is_enforced(&config).then(|| profiles(&config))
    }

    async fn profile(&self, lambda: &Lambda, layer: &str) -> Result<Option<String>, Why> {
        if let Some(profile) = self.profiles.borrow().get(layer) {
            return profile.clone();
        }
        let call = lambda.ask(|it| it.get_layer_version_by_arn().arn(layer).send());
        let profile = match call.await {
            Ok(answer) => Ok(answer.content.and_then(|it| it.signing_profile_version_arn)),
            Err(error) => {
                let doing = "reading a layer version";
                Err(verdict(&lambda.aws, doing, "lambda:GetLayerVersion", &error).why())
            }
        };
        self.profiles.borrow_mut().insert(layer.to_owned(), profile.clone());
        profile
    }
}

fn is_enforced(config: &CodeSigningConfig) -> bool {
    let policy =
        config.code_signing_policies().and_then(|it| it.untrusted_artifact_on_deployment());
    policy == Some(&CodeSigningPolicy::Enforce)
}

fn profiles(config: &CodeSigningConfig) -> Vec<String> {
    let publishers = config.allowed_publishers();
    publishers.map(|it| it.signing_profile_version_arns().to_vec()).unwrap_or_default()
}
