//! The bucket that AWS Signer reads from and writes to.

use anyhow::{Context as _, Result};
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use kinesis_telemetry_stream::Aws;

/// The version that AWS Signer expects for an object in a bucket without versions.
const NO_VERSION: &str = "null";

/// A bucket.
pub(super) struct Bucket {
    aws: Aws,
    s3: Client,
    name: String,
}

impl Bucket {
    pub(super) fn new(aws: &Aws, name: &str) -> Self {
        Self { aws: aws.clone(), s3: Client::new(&aws.config), name: name.to_owned() }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn url(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.name)
    }

    /// Returns the first key with this beginning.
    pub(super) async fn first(&self, prefix: &str) -> Result<Option<String>> {
        let list = self.s3.list_objects_v2().bucket(&self.name).prefix(prefix).max_keys(1);
        let list = list.send().await.map_err(|it| {
            let doing = format!("listing {}", self.url(prefix));
            self.aws.explain(&doing, "s3:ListBucket", &it)
        })?;
        Ok(list.contents().first().and_then(|it| it.key()).map(str::to_owned))
    }

    pub(super) async fn get(&self, key: &str) -> Result<Vec<u8>> {
        let doing = || format!("reading {}", self.url(key));
        let object = self.s3.get_object().bucket(&self.name).key(key).send().await;
        let object = object.map_err(|it| self.aws.explain(&doing(), "s3:GetObject", &it))?;
        let bytes = object.body.collect().await.with_context(|| format!("{} failed", doing()))?;
        Ok(bytes.to_vec())
    }

    /// Writes an object; returns its version.
    pub(super) async fn put(&self, key: &str, bytes: &[u8]) -> Result<String> {
        let object = self.s3.put_object().bucket(&self.name).key(key);
        let object = object.body(ByteStream::from(bytes.to_vec())).send().await.map_err(|it| {
            let doing = format!("writing {}", self.url(key));
            self.aws.explain(&doing, "s3:PutObject", &it)
        })?;
        Ok(object.version_id.unwrap_or_else(|| NO_VERSION.to_owned()))
    }
}
