//! A layer version: whether a region has it, and publishing it.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use aws_sdk_lambda::config::http::HttpResponse;
use aws_sdk_lambda::error::SdkError;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{Architecture, LayerVersionContentInput, LayerVersionContentOutput};
use tokio::time::sleep;

use crate::place::Place;
use crate::release::{Layer, Release};

/// Versions on a page.
const PAGE: i32 = 20;
/// The number of attempts to publish while Lambda throttles or fails.
const ATTEMPTS: u32 = 6;
/// The wait before the second attempt; each further attempt doubles it. After a lost response it is also the wait for the version
/// to appear.
const WAIT: Duration = Duration::from_secs(2);
/// The licence of the layer, as SPDX names it.
const LICENCE: &str = env!("CARGO_PKG_LICENSE");

/// A layer version that a region has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) arn: String,
    pub(crate) number: i64,
    /// The ARN of the version of the signing profile, as Lambda has found it in the zip.
    pub(crate) signer: Option<String>,
}

impl Version {
    /// Fails if Lambda does not see the signature of the profile in a signed layer.
    fn new(
        layer: &Layer,
        arn: Option<String>,
        number: i64,
        content: Option<&LayerVersionContentOutput>,
    ) -> Result<Self> {
        let arn = arn.context("Lambda names no ARN of a layer version")?;
        let signer = content.and_then(|it| it.signing_profile_version_arn()).map(str::to_owned);
        let Some(profile) = &layer.profile else { return Ok(Self { arn, number, signer }) };
        let remedy =
            "delete the version and the signed zip in the bucket, and run this command again";
        match &signer {
            None => bail!(
                "Lambda sees no signature in {arn}, which was published from a signed zip: check that the profile is for the platform \
                 AWSLambda-SHA384-ECDSA, {remedy}"
            ),
            Some(signer) if !signer.contains(&format!("/signing-profiles/{profile}/")) => bail!(
                "Lambda sees the signature of {signer} in {arn}, and --signing-profile is {profile}: {remedy}"
            ),
            Some(_) => {}
        }
        Ok(Self { arn, number, signer })
    }
}

/// Returns the version of this release that a region has. Fails if one has other content.
///
/// Repeated publishing may have left several: the oldest counts, so that every run finds the same one.
pub(crate) async fn find(
    place: &Place,
    release: &Release,
    layer: &Layer,
) -> Result<Option<Version>> {
    let name = layer.architecture.layer();
    let mut found = None;
    let mut marker = None;
    loop {
        place.turn().await;
        let page = place.lambda.list_layer_versions().layer_name(&name);
        let page = page.max_items(PAGE).set_marker(marker).send().await.map_err(|it| {
            let doing = format!("listing the versions of {name}");
            place.aws.explain(&doing, "lambda:ListLayerVersions", &it)
        })?;
        for version in page.layer_versions() {
            let description = version.description().unwrap_or_default();
            if description.starts_with(&release.name()) {
                found = Some(checked(place, release, layer, version.version()).await?);
            }
        }
        marker = page.next_marker;
        if marker.is_none() {
            return Ok(found);
        }
    }
}

/// Reads a version that bears the name of the release. Fails unless it is this release's.
async fn checked(place: &Place, release: &Release, layer: &Layer, number: i64) -> Result<Version> {
    let name = layer.architecture.layer();
    place.turn().await;
    let version = place.lambda.get_layer_version().layer_name(&name).version_number(number);
    let version = version.send().await.map_err(|it| {
        let doing = format!("reading version {number} of {name}");
        place.aws.explain(&doing, "lambda:GetLayerVersion", &it)
    })?;
    let digest = code_digest(version.content.as_ref());
    let description = version.description.unwrap_or_default();
    if digest != layer.digest.of_code() || description != release.description() {
        bail!(
            "version {number} of {name} in {} is another build of v{}: it is described as {description:?} and has CodeSha256 \
             {digest}, and this release is {:?} with {}. Published versions cannot be replaced: raise the version in Cargo.toml and \
             release that; or, if no function may use it yet, delete it (aws lambda delete-layer-version --region {} --layer-name \
             {name} --version-number {number}) and run this command again",
            place.region(),
            release.version,
            release.description(),
            layer.digest.of_code(),
            place.region(),
        );
    }
    Version::new(layer, version.layer_version_arn, number, version.content.as_ref())
}

/// Returns the version of this release, which is published unless the region has it. True if it was published now.
pub(crate) async fn publish(
    place: &Place,
    release: &Release,
    layer: &Layer,
) -> Result<(Version, bool)> {
    let name = layer.architecture.layer();
    let mut wait = WAIT;
    for attempt in 1.. {
        if let Some(version) = find(place, release, layer).await? {
            return Ok((version, attempt > 1));
        }
        place.turn().await;
        let content = LayerVersionContentInput::builder().zip_file(Blob::new(layer.zip.clone()));
        let answer = place
            .once
            .publish_layer_version()
            .layer_name(&name)
            .description(release.description())
            .content(content.build())
            .compatible_architectures(Architecture::from(layer.architecture.name()))
            .license_info(LICENCE)
            .send()
            .await;
        let error = match answer {
            Ok(version) => {
                let digest = code_digest(version.content.as_ref());
                if digest != layer.digest.of_code() {
                    bail!(
                        "Lambda stored {name} in {} as CodeSha256 {digest} instead of {}: the upload was altered; delete version {}",
                        place.region(),
                        layer.digest.of_code(),
                        version.version
                    );
                }
                let (number, content) = (version.version, version.content.as_ref());
                let version = Version::new(layer, version.layer_version_arn, number, content)?;
                return Ok((version, true));
            }
            Err(error) => error,
        };
        let is_lost =
            !matches!(error, SdkError::ServiceError(_) | SdkError::ConstructionFailure(_));
        if is_lost || (is_temporary(&error) && attempt < ATTEMPTS) {
            sleep(wait).await;
            wait *= 2;
        }
        if is_lost && let Some(version) = find(place, release, layer).await? {
            return Ok((version, true));
        }
        // Without an answer the version may still appear, and another attempt would make a second one.
        if is_lost || !is_temporary(&error) || attempt == ATTEMPTS {
            let doing = format!("publishing {name}");
            return Err(place.aws.explain(&doing, "lambda:PublishLayerVersion", &error));
        }
    }
    unreachable!("the last attempt returns")
}

/// Returns true if Lambda has refused a call that it may accept later.
fn is_temporary<E>(error: &SdkError<E, HttpResponse>) -> bool {
    error.raw_response().is_some_and(|it| {
        let status = it.status().as_u16();
        status == 429 || status >= 500
    })
}

fn code_digest(content: Option<&LayerVersionContentOutput>) -> String {
    content.and_then(|it| it.code_sha256()).unwrap_or("(none)").to_owned()
}
