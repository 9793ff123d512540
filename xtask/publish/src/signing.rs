//! Signs the layers with AWS Signer, for functions that accept only signed code.
//!
//! A signature lies within the zip, and no two are equal. So that all runs publish the same zip, the bucket keeps the signed one under
//! the profile and the digest of the unsigned one, and a run signs only what the bucket does not have.
//!
//! AWS Signer answers each call with the same token as the first one, also after the job has failed or its zip was deleted. The tokens of
//! a zip are therefore numbered, and a run goes through them until a job gives it the signed zip. It starts at most one job itself.

mod bucket;
mod zips;

use std::time::Duration;

use anyhow::{Context as _, Error, Result, anyhow, bail};
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

/// A signing job that has ended.
struct Ended {
    id: String,
    /// The reason of a failure.
    failure: Option<String>,
    /// The version of the unsigned zip that the job has read.
    source: Option<String>,
}

impl Signing {
    pub(crate) fn new(aws: &Aws, profile: &str, bucket: &str) -> Self {
        let signer = Client::new(&aws.config);
        let bucket = Bucket::new(aws, bucket);
        Self { aws: aws.clone(), signer, bucket, profile: profile.to_owned() }
    }

    /// Returns the signed layer, if the bucket has it.
    pub(crate) async fn find(&self, layer: &Layer) -> Result<Option<Layer>> {
        let Some(key) = self.bucket.first(&self.prefix(layer)).await? else { return Ok(None) };
        let zip = self.bucket.get(&key).await?;
        zips::check(&layer.zip, &zip).with_context(|| {
            format!(
                "{} is not {} with a signature; delete it and run this command again",
                self.bucket.url(&key),
                layer.file
            )
        })?;
        let digest = Digest::of(&zip);
        Ok(Some(Layer { zip, digest, profile: Some(self.profile.clone()), ..layer.clone() }))
    }

    /// Returns the signed layer, which is signed unless the bucket has it.
    pub(crate) async fn sign(&self, layer: &Layer) -> Result<Layer> {
        if let Some(signed) = self.find(layer).await? {
            return Ok(signed);
        }
        let key = format!("{EXTENSION_NAME}/unsigned/{}.zip", layer.digest.hex());
        let version = self.bucket.put(&key, &layer.zip).await?;
        let mut attempt = 1_u32;
        loop {
            let id = self.start(layer, &key, &version, attempt).await?;
            let job = self.wait(&layer.file, id).await?;
            if job.failure.is_none()
                && let Some(signed) = self.find(layer).await?
            {
                return Ok(signed);
            }
            // Each run writes a version of the unsigned zip. A job that has read another one is of an earlier run.
            if job.source.is_none_or(|it| it == version) {
                return Err(self.unsigned(layer, &job.id, job.failure.as_deref()));
            }
            attempt += 1;
        }
    }

    /// Starts the job with this number, unless an earlier call has started it. Returns its ID.
    async fn start(&self, layer: &Layer, key: &str, version: &str, attempt: u32) -> Result<String> {
        let (bucket, prefix) = (self.bucket.name(), self.prefix(layer));
        let token = Digest::of(format!("{}{attempt}", self.bucket.url(&prefix)).as_bytes());
        let source = S3Source::builder().bucket_name(bucket).key(key).version(version);
        let source = source.build().context("a source has three members")?;
        let destination = S3Destination::builder().bucket_name(bucket).prefix(prefix).build();
        let job = self
            .signer
            .start_signing_job()
            .source(Source::builder().s3(source).build())
            .destination(Destination::builder().s3(destination).build())
            .profile_name(&self.profile)
            .client_request_token(token.hex())
            .send()
            .await
            .map_err(|it| {
                let doing = format!("signing {}", layer.file);
                self.aws.explain(&doing, "signer:StartSigningJob", &it)
            })?;
        Ok(job.job_id.unwrap_or_default())
    }

    /// Waits until a job has ended.
    async fn wait(&self, file: &str, id: String) -> Result<Ended> {
        for _ in 0..LOOKS {
            let job =
                self.signer.describe_signing_job().job_id(&id).send().await.map_err(|it| {
                    let doing = format!("waiting for the signature of {file}");
                    self.aws.explain(&doing, "signer:DescribeSigningJob", &it)
                })?;
            let failure = match job.status {
                Some(SigningStatus::Succeeded) => None,
                Some(SigningStatus::Failed) => {
                    Some(job.status_reason.unwrap_or_else(|| "it names no reason".to_owned()))
                }
                _ => {
                    sleep(WAIT).await;
                    continue;
                }
            };
            let source = job.source.and_then(|it| it.s3).map(|it| it.version);
            return Ok(Ended { id, failure, source });
        }
        bail!(
            "AWS Signer has not signed {file} within five minutes (job {id}): run this command again"
        )
    }

    /// Returns the error about a job of this run without a signed zip.
    fn unsigned(&self, layer: &Layer, id: &str, failure: Option<&str>) -> Error {
        let (file, profile) = (&layer.file, &self.profile);
        match failure {
            Some(reason) => anyhow!(
                "AWS Signer did not sign {file} (job {id}): {}. Correct that and run this command again, which starts another job",
                plain(reason)
            ),
            None => anyhow!(
                "AWS Signer has signed {file} (job {id}) and wrote nothing below {}: check the bucket of the profile {profile}",
                self.bucket.url(&self.prefix(layer))
            ),
        }
    }

    /// Returns what the keys of the signed layer begin with.
    fn prefix(&self, layer: &Layer) -> String {
        format!("{EXTENSION_NAME}/signed/{}/{}/", self.profile, layer.digest.hex())
    }
}
