//! Runs the publisher against the account, and ends it at any call.

use std::future::pending;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use anyhow::Result;
use aws_sdk_sts::config::Credentials;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use clap::Parser as _;
use extension_spec::deployment::Architecture;
use kinesis_telemetry_control_plane::Request;
use kinesis_telemetry_control_plane::publishing::{Account, Answer, LayerVersion};
use kinesis_telemetry_stream::{Aws, Wanted};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Builder;
use tokio::sync::Notify;

use crate::options::Options;
use crate::place::patient;
use crate::publisher::Publisher;
use crate::regions;
use crate::release::{Digest, Release};
use crate::summary::Summary;

pub(super) const REGIONS: [&str; 3] = ["eu-central-1", "us-east-1", "ap-southeast-7"];
pub(super) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// An account, and the folder of a release.
pub(super) struct World {
    pub(super) account: Arc<Account>,
    folder: TempDir,
}

/// The point at which a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kill {
    /// The number of the call.
    pub(super) call: usize,
    /// True if the service has done what it was asked to do, and its answer is lost.
    pub(super) is_done: bool,
}

#[derive(Debug)]
struct Connector {
    account: Arc<Account>,
    kill: Option<Kill>,
    killed: Notify,
}

#[derive(Clone, Debug)]
struct Shared(Arc<Connector>);

impl HttpConnector for Shared {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let number = self.0.account.state().calls.len();
        let kill = self.0.kill.filter(|it| it.call == number);
        let dies = || {
            self.0.killed.notify_one();
            HttpConnectorFuture::new(pending())
        };
        if kill.is_some_and(|it| !it.is_done) {
            return dies();
        }
        let answer = answered(&self.0.account, &request);
        if kill.is_some() {
            return dies();
        }
        if answer.status == 0 {
            let error = ConnectorError::io("the connection broke".into());
            return HttpConnectorFuture::ready(Err(error));
        }
        let status = StatusCode::try_from(answer.status).unwrap();
        let mut response = HttpResponse::new(status, SdkBody::from(answer.body));
        for (name, value) in answer.headers {
            response.headers_mut().insert(name, value);
        }
        HttpConnectorFuture::ready(Ok(response))
    }
}

fn answered(account: &Account, request: &HttpRequest) -> Answer {
    let uri = request.uri().split_once("://").map_or(request.uri(), |(_, it)| it);
    let at = uri.find('/').unwrap_or(uri.len());
    let sent = Request {
        method: request.method().to_owned(),
        path: uri[at..].to_owned(),
        target: None,
        body: request.body().bytes().unwrap_or_default().to_vec(),
    };
    account.answer(&uri[..at], &sent)
}

/// Runs a test in virtual time.
pub(super) fn test(test: impl AsyncFnOnce()) {
    // Certificates are read once, and not in virtual time.
    base();
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(test());
}

fn base() -> &'static Aws {
    static BASE: OnceLock<Aws> = OnceLock::new();
    BASE.get_or_init(|| {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let wanted = Wanted { region: Some(REGIONS[0].to_owned()), profile: None };
        let aws = runtime.block_on(Aws::find(&wanted)).unwrap();
        aws.signing_with(Credentials::new("local", "local", None, None, "test"))
    })
}

/// Returns a zip with a program.
pub(super) fn zip(content: &str) -> Vec<u8> {
    zip_with(content, &[])
}

/// Returns a zip with a program and further files, which are empty.
pub(super) fn zip_with(content: &str, others: &[&str]) -> Vec<u8> {
    let mut archive = rawzip::ZipArchiveWriter::new(Vec::new());
    let program = ("extensions/kinesis-telemetry-extension", content);
    for (path, content) in [program].into_iter().chain(others.iter().map(|it| (*it, ""))) {
        let file = archive.new_file(path);
        let (mut stored, sums) =
            file.compression_method(rawzip::CompressionMethod::STORE).start().unwrap();
        let mut writer = sums.wrap(&mut stored);
        std::io::Write::write_all(&mut writer, content.as_bytes()).unwrap();
        let (_, sums) = writer.finish().unwrap();
        stored.finish(sums).unwrap();
    }
    archive.finish().unwrap()
}

impl World {
    /// Returns an account without layers, and a release.
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = Self { account: Arc::new(Account::new(&REGIONS)), folder };
        world.make("1.2.3", "first");
        world
    }

    /// Makes the release anew. `content` is in its layers.
    pub(super) fn make(&self, version: &str, content: &str) {
        let (mut files, mut layers) = (Vec::new(), serde_json::Map::new());
        for architecture in Architecture::ALL {
            let file = format!("{}.zip", architecture.layer());
            let zip = zip(&format!("{content} for {}", architecture.name()));
            let digest = Digest::of(&zip);
            self.write(&file, &zip);
            files.push(json!({ "name": file, "bytes": zip.len(), "sha256": digest.hex() }));
            let described =
                json!({ "file": file, "sha256": digest.hex(), "codeSha256": digest.of_code() });
            layers.insert(architecture.name().to_owned(), described);
        }
        let manifest =
            json!({ "name": "it", "version": version, "commit": COMMIT, "files": files });
        self.write("manifest.json", manifest.to_string().as_bytes());
        let layers = json!({ "version": version, "commit": COMMIT, "layers": layers });
        self.write("layers.json", layers.to_string().as_bytes());
    }

    pub(super) fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.folder.path().join(name), bytes).unwrap();
    }

    fn into(&self) -> PathBuf {
        self.folder.path().join("layer-versions.json")
    }

    /// Returns the document of all ARNs, if a run has written it.
    pub(super) fn document(&self) -> Option<Value> {
        serde_json::from_slice(&std::fs::read(self.into()).ok()?).ok()
    }

    /// Runs the publisher to its end.
    pub(super) async fn run(&self, words: &str) -> Result<Summary> {
        self.run_with(words, &self.connector(None)).await
    }

    /// Runs the publisher until it ends or is killed.
    pub(super) async fn run_until(&self, words: &str, kill: Kill) {
        let connector = self.connector(Some(kill));
        tokio::select! {
            _ = Box::pin(self.run_with(words, &connector)) => {}
            () = connector.killed.notified() => {}
        }
    }

    fn connector(&self, kill: Option<Kill>) -> Arc<Connector> {
        Arc::new(Connector { account: Arc::clone(&self.account), kill, killed: Notify::new() })
    }

    async fn run_with(&self, words: &str, connector: &Arc<Connector>) -> Result<Summary> {
        let (folder, into) = (self.folder.path(), self.into());
        let path = |it: &Path| it.to_str().unwrap().to_owned();
        let mut typed = vec!["publish".to_owned(), path(folder), "--into".to_owned(), path(&into)];
        typed.extend(["--regions".to_owned(), REGIONS.join(",")]);
        typed.extend([
            "--canary-role".to_owned(),
            "arn:aws:iam::111122223333:role/canary".to_owned(),
        ]);
        typed.extend(words.split(' ').filter(|it| !it.is_empty()).map(str::to_owned));
        let options = Options::try_parse_from(typed).unwrap();
        let shared = Shared(Arc::clone(connector));
        let client = http_client_fn(move |_, _| SharedHttpConnector::new(shared.clone()));
        let mut aws = patient(base());
        aws.config = aws.config.to_builder().http_client(client).build();
        let release = Release::read(&options.folder)?;
        let regions = regions::selected(&options)?;
        Publisher::new(&options, release, &regions, &aws).run().await
    }

    /// Returns all layer versions, by region and layer.
    pub(super) fn versions(&self) -> Vec<(String, String, LayerVersion)> {
        let state = self.account.state();
        let mut all = Vec::new();
        for (region, place) in &state.regions {
            for (layer, versions) in &place.layers {
                let versions = versions.iter().cloned();
                all.extend(versions.map(|it| (region.clone(), layer.clone(), it)));
            }
        }
        all
    }

    /// Panics unless every region has both layers once, all with the same number, open and verified, and the document has every ARN.
    pub(super) fn is_published(&self, context: &str) {
        self.account.check();
        let versions = self.versions();
        assert_eq!(versions.len(), 2 * REGIONS.len(), "{context}: {versions:#?}");
        for (region, layer, version) in &versions {
            assert_eq!(version.number, 1, "{context}");
            assert!(version.is_verified && version.statements.len() == 1, "{context}: {version:?}");
            let document = self.document().unwrap();
            let architecture = &version.architectures[0];
            let arn = format!("arn:aws:lambda:{region}:111122223333:layer:{layer}:1");
            assert_eq!(document["regions"][region][architecture], arn, "{context}");
            let described = &document["layers"][architecture];
            assert_eq!(described["codeSha256"], version.code_sha256, "{context}");
        }
        let state = self.account.state();
        assert!(state.regions.values().all(|it| it.functions.is_empty()), "{context}");
    }
}
