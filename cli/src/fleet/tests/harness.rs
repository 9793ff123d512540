//! Runs commands against the control plane, and kills them at any call.

use std::future::pending;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use anyhow::Result;
use aws_sdk_sts::config::Credentials;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use clap::Parser as _;
use kinesis_telemetry_args::{Command, CommandLine, Deployment};
use kinesis_telemetry_stream::{Aws, Wanted};
use kinesis_telemetry_terminal::Styles;
use tempfile::TempDir;
use tokio::runtime::Builder;
use tokio::sync::Notify;
use tokio::time::Instant;

use kinesis_telemetry_control_plane::{ACCOUNT, ControlPlane, Function, REGION, Request};

use crate::deployment::Values;
use crate::fleet::result::Item;
use crate::fleet::run::{Done, Options, Stages};

/// A control plane, and a folder for the journal.
pub(super) struct World {
    pub(super) plane: Arc<ControlPlane>,
    folder: TempDir,
    start: Instant,
}

/// The call at which a run is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kill {
    /// The number of the call.
    pub(super) call: usize,
    /// True if the service has executed the call and only its response is lost.
    pub(super) is_done: bool,
}

/// The stage that a command reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Until {
    DryRun,
    Confirmation,
    End,
}

#[derive(Debug)]
struct Connector {
    plane: Arc<ControlPlane>,
    start: Instant,
    kill: Option<Kill>,
    calls: AtomicUsize,
    killed: Notify,
}

#[derive(Clone, Debug)]
struct Shared(Arc<Connector>);

impl HttpConnector for Shared {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let number = self.0.calls.fetch_add(1, Ordering::Relaxed);
        let kill = self.0.kill.filter(|it| it.call == number);
        let dies = || {
            self.0.killed.notify_one();
            HttpConnectorFuture::new(pending())
        };
        if kill.is_some_and(|it| !it.is_done) {
            return dies();
        }
        let uri = request.uri().split_once("://").map_or(request.uri(), |(_, it)| it);
        let request = Request {
            method: request.method().to_owned(),
            path: uri.find('/').map_or("/", |it| &uri[it..]).to_owned(),
            target: request.headers().get("x-amz-target").map(str::to_owned),
            body: request.body().bytes().unwrap_or_default().to_vec(),
        };
        let answer = self.0.plane.answer(&request, self.0.start.elapsed());
        if kill.is_some() {
            return dies();
        }
        let status = StatusCode::try_from(answer.status).unwrap();
        let mut response = HttpResponse::new(status, SdkBody::from(answer.body));
        if let Some(seconds) = answer.retry_after {
            response.headers_mut().insert("retry-after", seconds.to_string());
        }
        HttpConnectorFuture::ready(Ok(response))
    }
}

/// Runs a test in virtual time.
pub(super) fn test(test: impl AsyncFnOnce()) {
    // Certificates are read once, outside of virtual time.
    base();
    // Makes the waits the same in each run.
    fastrand::seed(1);
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(test());
}

fn base() -> &'static Aws {
    static BASE: OnceLock<Aws> = OnceLock::new();
    BASE.get_or_init(|| {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let wanted = Wanted { region: Some(REGION.to_owned()), profile: None };
        let aws = runtime.block_on(Aws::find(&wanted)).unwrap();
        aws.signing_with(Credentials::new("local", "local", None, None, "test"))
    })
}

impl World {
    pub(super) fn new(functions: Vec<Function>) -> Self {
        Self::of(ControlPlane::new(functions))
    }

    pub(super) fn of(plane: ControlPlane) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { plane: Arc::new(plane), folder, start: Instant::now() }
    }

    /// Returns another operator of the same account, with their own journal.
    pub(super) fn colleague(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { plane: Arc::clone(&self.plane), folder, start: self.start }
    }

    pub(super) fn journal(&self) -> PathBuf {
        self.folder.path().join("journal.jsonl")
    }

    /// Runs a command to its end.
    pub(super) async fn run(&self, words: &str) -> Done {
        self.try_run(words).await.unwrap()
    }

    pub(super) async fn try_run(&self, words: &str) -> Result<Done> {
        let connector = self.connector(None);
        Box::pin(self.typed(words, &connector, Until::End, || {})).await
    }

    /// Runs a command to its end, and calls `between` after the plan and before the changes.
    pub(super) async fn run_between(&self, words: &str, between: impl Fn()) -> Done {
        let connector = self.connector(None);
        Box::pin(self.typed(words, &connector, Until::End, between)).await.unwrap()
    }

    /// Plans a command.
    pub(super) async fn plan(&self, words: &str) -> Vec<Item> {
        let connector = self.connector(None);
        Box::pin(self.typed(words, &connector, Until::DryRun, || {})).await.unwrap().items
    }

    /// Runs a command until it asks for a confirmation, and answers no.
    pub(super) async fn decline(&self, words: &str) -> Vec<Item> {
        let connector = self.connector(None);
        Box::pin(self.typed(words, &connector, Until::Confirmation, || {})).await.unwrap().items
    }

    /// Runs a command until it ends or is killed. Returns the number of its calls.
    pub(super) async fn run_until(&self, words: &str, kill: Option<Kill>) -> usize {
        let connector = self.connector(kill);
        {
            let run = Box::pin(self.typed(words, &connector, Until::End, || {}));
            tokio::select! {
                // A rollback fails if nothing was changed before.
                done = run => drop(done),
                () = connector.killed.notified() => {}
            }
        }
        connector.calls.load(Ordering::Relaxed)
    }

    fn connector(&self, kill: Option<Kill>) -> Arc<Connector> {
        let (plane, start) = (Arc::clone(&self.plane), self.start);
        Arc::new(Connector {
            plane,
            start,
            kill,
            calls: AtomicUsize::new(0),
            killed: Notify::new(),
        })
    }

    async fn typed(
        &self,
        words: &str,
        connector: &Arc<Connector>,
        until: Until,
        between: impl Fn(),
    ) -> Result<Done> {
        let journal = self.journal();
        let journal = journal.to_str().unwrap();
        let words =
            ["kinesis-telemetry"].into_iter().chain(words.split(' ')).chain(["--journal", journal]);
        let command = CommandLine::try_parse_from(words).unwrap().command;
        let shared = Shared(Arc::clone(connector));
        let client = http_client_fn(move |_, _| SharedHttpConnector::new(shared.clone()));
        let mut aws = base().clone();
        aws.config = aws.config.to_builder().http_client(client).build();
        match &command {
            Command::Attach(it) => work(&Options::attach(it)?, aws, until, between).await,
            Command::Upgrade(it) => work(&Options::upgrade(it)?, aws, until, between).await,
            Command::Detach(it) => work(&Options::detach(it)?, aws, until, between).await,
            Command::Rollback(it) => work(&Options::rollback(it), aws, until, between).await,
            other => panic!("{other:?}"),
        }
    }
}

async fn work(options: &Options<'_>, aws: Aws, until: Until, between: impl Fn()) -> Result<Done> {
    let values = if options.needs_values() {
        Some(Values::of(&Deployment::default(), &aws).await?)
    } else {
        None
    };
    let places = vec![(aws, values)];
    let mut stages = Stages::at(options, ACCOUNT.to_owned(), places, Styles::new(false))?;
    let journal = if until == Until::DryRun { None } else { Some(stages.journal()?) };
    let mut done = stages.plan(journal.as_ref()).await?;
    between();
    if let Some(journal) = journal.as_ref().filter(|_| until == Until::End) {
        stages.apply(&mut done, journal).await?;
    }
    Ok(done)
}
