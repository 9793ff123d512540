//! S3: the objects of a bucket.

use super::{Answer, Regions, parameter, parts};
use crate::Request;

impl Regions {
    pub(super) fn store(&mut self, operation: &str, host: &str, request: &Request) -> Answer {
        let bucket = host.split('.').next().unwrap_or_default().to_owned();
        let key = parts(request).join("/");
        let ok = |body: Vec<u8>| Answer { status: 200, body, ..Answer::default() };
        match operation {
            "ListObjectsV2" => {
                let prefix = parameter(request, "prefix").unwrap_or_default();
                let found =
                    self.objects.keys().find(|(of, key)| *of == bucket && key.starts_with(&prefix));
                let contents = found.map_or_else(String::new, |(_, key)| {
                    format!("<Contents><Key>{key}</Key></Contents>")
                });
                ok(format!("<ListBucketResult>{contents}</ListBucketResult>").into_bytes())
            }
            "PutObject" => {
                self.objects.insert((bucket, key), request.body.clone());
                let version = format!("version-{}", self.calls.len());
                let headers = vec![("x-amz-version-id", version)];
                Answer { status: 200, headers, body: Vec::new() }
            }
            _ => match self.objects.get(&(bucket, key)) {
                Some(object) => ok(object.clone()),
                None => Answer { status: 404, ..Answer::default() },
            },
        }
    }
}
