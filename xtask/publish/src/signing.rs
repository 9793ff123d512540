//! Signs the layers with AWS Signer, for functions that accept only signed code.
//!
//! A signature lies within the zip, and no two are equal. So that all runs publish the same zip, the bucket keeps the signed one under
//! the digest of the unsigned one, and a run signs only what the bucket does not have.

mod bucket;
mod zips;

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use aws_sdk_signer::Client;
use aws_sdk_signer::types::{Destination, S3Destination, S3Source, SigningStatus, Source};
use extension_spec::EXTENSION_NAME;
use kinesis_telemetry_stream::Aws;
use kinesis_telemetry_terminal::plain;
use tokio::time::sleep;

use crate::release::{Digest, Layer};
use bucket::Bucket;

/// Time between two looks at a job.
const WAIT: Duration = Duration::from_secs(3);
/// Looks until a job counts as stuck: five minutes.
const LOOKS: usize = 100;

/// The bucket and the profile for signing.
pub(crate) struct Signing {
    aws: Aws,
    signer: Client,
    bucket: Bucket,
    profile: String,
}

impl Signing {
    pub(crate) fn new(aws: &Aws, profile: &str, bucket: &str) -> Self {
        let signer = Client::new(&aws.config);
        let bucket = Bucket::new(aws, bucket);
        Self { aws: aws.clone(), signer, bucket, profile: profile.to_owned() }
    }

    /// Returns the signed layer, if the bucket has it.
    pub(crate) async fn find(&self, layer: &Layer) -> Result<Option<Layer>> {
        let Some(key) = self.bucket.first(&signed(layer)).await? else { return Ok(None) };
        let zip = self.bucket.get(&key).await?;
        zips::check(&layer.zip, &zip).with_context(|| {
            format!(
                "{} is not {} with a signature; delete it and run this command again",
                self.bucket.url(&key),
                layer.file
            )
        })?;
        let digest = Digest::of(&zip);
        Ok(Some(Layer { zip, digest, is_signed: true, ..layer.clone() }))
    }

    /// Returns the signed layer, which is signed unless the bucket has it.
    pub(crate) async fn sign(&self, layer: &Layer) -> Result<Layer> {
        if let Some(signed) = self.find(layer).await? {
            return Ok(signed);
        }
        let key = format!("{EXTENSION_NAME}/unsigned/{}.zip", layer.digest.hex());
        let version = self.bucket.put(&key, &layer.zip).await?;
        let source = S3Source::builder().bucket_name(self.bucket.name()).key(&key);
        let source = source.version(version).build().context("a source has three members")?;
        let destination =
            S3Destination::builder().bucket_name(self.bucket.name()).prefix(signed(layer));
        // The same zip, profile and token are the same job, however often it is started.
        let job = self
            .signer
            .start_signing_job()
            .source(Source::builder().s3(source).build())
            .destination(Destination::builder().s3(destination.build()).build())
            .profile_name(&self.profile)
            .client_request_token(layer.digest.hex())
            .send()
            .await
            .map_err(|it| {
                let doing = format!("signing {}", layer.file);
                self.aws.explain(&doing, "signer:StartSigningJob", &it)
            })?;
        self.wait(&layer.file, job.job_id().unwrap_or_default()).await?;
        self.find(layer).await?.with_context(|| {
            format!(
                "AWS Signer has signed {} and wrote nothing below {}: check the bucket of the profile {}",
                layer.file,
                self.bucket.url(&signed(layer)),
                self.profile
            )
        })
    }

    async fn wait(&self, file: &str, id: &str) -> Result<()> {
        for _ in 0..LOOKS {
            let job = self.signer.describe_signing_job().job_id(id).send().await.map_err(|it| {
                let doing = format!("waiting for the signature of {file}");
                self.aws.explain(&doing, "signer:DescribeSigningJob", &it)
            })?;
            match job.status {
                Some(SigningStatus::Succeeded) => return Ok(()),
                Some(SigningStatus::Failed) => bail!(
                    "AWS Signer did not sign {file} (job {id}): {}",
                    plain(job.status_reason().unwrap_or("it names no reason"))
                ),
                _ => sleep(WAIT).await,
            }
        }
        bail!(
            "AWS Signer has not signed {file} within five minutes (job {id}): run this command again"
        )
    }
}

/// Returns what the keys of signed layers begin with.
fn signed(layer: &Layer) -> String {
    format!("{EXTENSION_NAME}/signed/{}/", layer.digest.hex())
}
