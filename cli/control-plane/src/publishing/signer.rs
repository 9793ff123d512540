//! AWS Signer: a job reads a zip from a bucket, and writes another one that contains a signature.

use rawzip::{CompressionMethod, ZipArchive, ZipArchiveWriter};
use serde_json::json;

use super::{Answer, Regions, answer, body, parts, refused};
use crate::Request;

/// The file that holds the signature.
pub(super) const SIGNATURE: &str = "META-INF/aws_signer_signature_v1.0.SF";

/// A code-signing job.
#[derive(Clone, Debug)]
pub struct Job {
    /// The token of the request that started it.
    pub token: String,
    bucket: String,
    source: String,
    prefix: String,
    /// Number of reads of its state; it has ended after the first one.
    looks: usize,
}

impl Regions {
    pub(super) fn sign(&mut self, operation: &str, request: &Request) -> Answer {
        if operation == "StartSigningJob" {
            return self.start(request);
        }
        let id = parts(request).pop().unwrap_or_default();
        let Some(job) = self.jobs.get_mut(&id) else {
            return refused(404, "ResourceNotFoundException", &id);
        };
        job.looks += 1;
        let job = job.clone();
        if job.looks < 2 {
            return answer(200, &json!({ "jobId": id, "status": "InProgress" }));
        }
        let key = format!("{}{id}.zip", job.prefix);
        let unsigned = self.objects.get(&(job.bucket.clone(), job.source));
        let zip = unsigned.and_then(|it| signed(it, &id));
        let Some(zip) = zip else {
            return answer(
                200,
                &json!({ "jobId": id, "status": "Failed", "statusReason": "no zip" }),
            );
        };
        self.objects.insert((job.bucket, key), zip);
        answer(200, &json!({ "jobId": id, "status": "Succeeded" }))
    }

    fn start(&mut self, request: &Request) -> Answer {
        let body = body(request);
        let text = |pointer: &str| {
            body.pointer(pointer).and_then(|it| it.as_str()).unwrap_or_default().to_owned()
        };
        if text("/source/s3/version").is_empty() {
            return refused(400, "ValidationException", "version");
        }
        let token = text("/clientRequestToken");
        let known = self.jobs.iter().find(|(_, it)| it.token == token).map(|(id, _)| id.clone());
        let id = known.unwrap_or_else(|| format!("job-{}", self.jobs.len()));
        let job = Job {
            token,
            bucket: text("/source/s3/bucketName"),
            source: text("/source/s3/key"),
            prefix: text("/destination/s3/prefix"),
            looks: 0,
        };
        self.jobs.entry(id.clone()).or_insert(job);
        answer(200, &json!({ "jobId": id }))
    }
}

/// Returns a zip with a signature that no other job makes.
fn signed(zip: &[u8], id: &str) -> Option<Vec<u8>> {
    let archive = ZipArchive::from_slice(zip).ok()?;
    let mut entries = archive.entries();
    let mut files = vec![(SIGNATURE.as_bytes().to_vec(), id.as_bytes().to_vec())];
    while let Some(entry) = entries.next_entry().ok()? {
        let data = archive.get_entry(entry.wayfinder()).ok()?.data().to_vec();
        files.push((entry.file_path().as_bytes().to_vec(), data));
    }
    Some(stored(&files))
}

/// Returns a zip of these files, by path.
pub(super) fn stored(files: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut archive = ZipArchiveWriter::new(Vec::new());
    for (path, bytes) in files {
        let path = String::from_utf8_lossy(path);
        let file = archive.new_file(&*path).compression_method(CompressionMethod::STORE);
        let (mut stored, sums) = file.start().expect("the zip is in memory");
        let mut writer = sums.wrap(&mut stored);
        std::io::Write::write_all(&mut writer, bytes).expect("the zip is in memory");
        let (_, sums) = writer.finish().expect("the zip is in memory");
        stored.finish(sums).expect("the zip is in memory");
    }
    archive.finish().expect("the zip is in memory")
}
