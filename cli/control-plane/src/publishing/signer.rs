//! AWS Signer: a job reads a zip from a bucket, and writes another one that contains a signature, once.

use rawzip::{CompressionMethod, ZipArchive, ZipArchiveWriter};
use serde_json::json;

use super::{Answer, Regions, answer, body, parts, refused};
use crate::{ACCOUNT, Request};

/// The file that holds the signature.
const SIGNATURE: &str = "META-INF/aws_signer_signature_v1.0.SF";

/// A code-signing job.
#[derive(Clone, Debug)]
pub struct Job {
    /// The token of the request that started it.
    pub token: String,
    bucket: String,
    source: String,
    version: String,
    prefix: String,
    profile: String,
    /// Number of reads of its state; it ends at the second one.
    looks: usize,
    /// True if it has ended without a signature.
    has_failed: bool,
}

/// Returns the ARN of the version of a signing profile.
pub fn profile_version(profile: &str) -> String {
    format!("arn:aws:signer:eu-central-1:{ACCOUNT}:/signing-profiles/{profile}/1")
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
        if job.looks == 2 {
            let unsigned = self.objects.get(&(job.bucket.clone(), job.source.clone()));
            let zip = unsigned.and_then(|it| signed(it, &job.profile, &id));
            job.has_failed = zip.is_none() || self.failing_jobs > 0;
            self.failing_jobs = self.failing_jobs.saturating_sub(1);
            if let Some(zip) = zip.filter(|_| !job.has_failed) {
                let key = format!("{}{id}.zip", job.prefix);
                self.objects.insert((job.bucket.clone(), key), zip);
            }
        }
        let source = json!({ "bucketName": job.bucket, "key": job.source, "version": job.version });
        let mut described = json!({ "jobId": id, "source": { "s3": source } });
        described["status"] = json!(match (job.looks, job.has_failed) {
            (..2, _) => "InProgress",
            (_, true) => "Failed",
            (_, false) => "Succeeded",
        });
        if job.has_failed {
            described["statusReason"] = json!("the zip cannot be signed");
        }
        answer(200, &described)
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
            version: text("/source/s3/version"),
            prefix: text("/destination/s3/prefix"),
            profile: text("/profileName"),
            looks: 0,
            has_failed: false,
        };
        self.jobs.entry(id.clone()).or_insert(job);
        answer(200, &json!({ "jobId": id }))
    }
}

/// Returns a zip with a signature that no other job makes.
fn signed(zip: &[u8], profile: &str, id: &str) -> Option<Vec<u8>> {
    let signature = format!("{} {id}", profile_version(profile));
    let mut files = files(zip)?;
    files.insert(0, (SIGNATURE.as_bytes().to_vec(), signature.into_bytes()));
    Some(stored(&files))
}

/// Returns the version of the profile that has signed a zip.
pub(super) fn signer(zip: &[u8]) -> Option<String> {
    let files = files(zip)?;
    let (_, signature) = files.iter().find(|(path, _)| path == SIGNATURE.as_bytes())?;
    String::from_utf8_lossy(signature).split(' ').next().map(str::to_owned)
}

/// Returns the files of a zip, by path.
fn files(zip: &[u8]) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    let archive = ZipArchive::from_slice(zip).ok()?;
    let mut entries = archive.entries();
    let mut files = Vec::new();
    while let Some(entry) = entries.next_entry().ok()? {
        let data = archive.get_entry(entry.wayfinder()).ok()?.data().to_vec();
        files.push((entry.file_path().as_bytes().to_vec(), data));
    }
    Some(files)
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
