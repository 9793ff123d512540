//! A whole environment as the `bootstrap` of a function, for a Lambda that has no layers and no Extensions or Telemetry API.
//!
//! For that outer Lambda this program is a runtime: it takes invocations from the Runtime API and answers them. Inside,
//! a [`Sandbox`] runs the files next to this program: `function`, the function's own bootstrap, and `opt/extensions`,
//! the content of its layers. The program answers an invocation when the function has responded and every extension has
//! called `next`.
//!
//! Request ids are the sandbox's. The function and its telemetry state the same ids, but the outer Lambda has others.
//!
//! `function.json` next to this program states what the outer Lambda does not: `{"timeoutSeconds": 30, "logFormat":
//! "JSON"}`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use extension_sandbox::{LogFormat, Options, Program, Sandbox, Status};
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use tokio::signal::unix::{SignalKind, signal};

/// Beginnings of variables that the outer Lambda or its machine has set for this program. The sandbox sets its own.
const OUTER: [&str; 9] = [
    "AWS_LAMBDA_",
    "AWS_EXECUTION_ENV",
    "LAMBDA_",
    "_HANDLER",
    "AWS_XRAY_",
    "PATH",
    "HOME",
    "LANG",
    "TMPDIR",
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "a program says why it fails")]
            {
                eprintln!("error: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<()> {
    let own = std::env::current_exe().context("this program does not know where it is")?;
    let folder = own.parent().context("this program does not know its own path")?;
    let outer = Outer::find()?;
    let mut sandbox = Sandbox::new(options(folder)?).await.context("cannot listen on loopback")?;
    let mut terminate = signal(SignalKind::terminate()).context("signals cannot be handled")?;
    let init = sandbox.init().await;
    if init.status != Status::Success {
        let why = init.message.or(init.error_type).unwrap_or_default();
        outer.post("init/error", &error("Sandbox.InitFailed", &why)).await?;
        bail!("init failed: {why}");
    }
    loop {
        let (id, payload) = tokio::select! {
            next = outer.next() => next?,
            _ = terminate.recv() => break,
        };
        let invocation = sandbox.invoke(payload).await;
        let (path, body) = match invocation.status {
            Status::Success => ("response", invocation.response),
            _ => (
                "error",
                error(
                    invocation.error_type.as_deref().unwrap_or("Sandbox.Error"),
                    &invocation.response,
                ),
            ),
        };
        outer.post(&format!("invocation/{id}/{path}"), &body).await?;
    }
    sandbox.shutdown().await;
    Ok(())
}

fn error(kind: &str, message: &str) -> String {
    serde_json::json!({ "errorType": kind, "errorMessage": message }).to_string()
}

/// The content of `function.json`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settings {
    timeout_seconds: u64,
    log_format: String,
}

/// Returns the options of the inner function, from what the outer Lambda states about it.
fn options(folder: &Path) -> Result<Options> {
    let defaults = Options::default();
    let variable = |name: &str| std::env::var(name).ok();
    let memory = variable("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").and_then(|it| it.parse().ok());
    let settings =
        std::fs::read(folder.join("function.json")).context("function.json cannot be read")?;
    let settings: Settings = serde_json::from_slice(&settings).context("function.json is odd")?;
    let is_json = settings.log_format.eq_ignore_ascii_case("json");
    Ok(Options {
        extensions: extensions(&folder.join("opt/extensions"))?,
        function: Program::from(folder.join("function")),
        function_name: variable("AWS_LAMBDA_FUNCTION_NAME").unwrap_or(defaults.function_name),
        region: variable("AWS_REGION").unwrap_or(defaults.region),
        memory_mb: memory.unwrap_or(defaults.memory_mb),
        timeout: Duration::from_secs(settings.timeout_seconds),
        log_format: if is_json { LogFormat::Json } else { LogFormat::Text },
        environment: std::env::vars().filter(|(name, _)| is_inner(name)).collect(),
        echo: true,
        ..Options::default()
    })
}

/// Returns true for variables that the function's owner has set, and for the role's credentials.
fn is_inner(name: &str) -> bool {
    !OUTER.iter().any(|it| name.starts_with(it))
}

/// Every program of the layers, in the order of their names.
fn extensions(folder: &Path) -> Result<Vec<Program>> {
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("{} holds no extension: put the layer there", folder.display()))?;
    let mut paths = entries.map(|it| Ok(it?.path())).collect::<std::io::Result<Vec<PathBuf>>>()?;
    paths.sort();
    Ok(paths.into_iter().map(Program::from).collect())
}

/// The Runtime API of the Lambda that this program is a runtime of.
struct Outer {
    client: Client<HttpConnector, Full<Bytes>>,
    root: String,
}

impl Outer {
    fn find() -> Result<Self> {
        let api = std::env::var("AWS_LAMBDA_RUNTIME_API")
            .context("AWS_LAMBDA_RUNTIME_API is not set: only a Lambda can start this program")?;
        let client = Client::builder(TokioExecutor::new()).build_http();
        Ok(Self { client, root: format!("http://{api}/2018-06-01/runtime") })
    }

    /// Id and payload of the next invocation, however long that takes.
    async fn next(&self) -> Result<(String, Bytes)> {
        let request =
            Request::get(format!("{}/invocation/next", self.root)).body(Full::default())?;
        let answer = self.client.request(request).await.context("the Runtime API is gone")?;
        if !answer.status().is_success() {
            bail!("the Runtime API answers {} where an invocation should be", answer.status());
        }
        let id = answer
            .headers()
            .get("lambda-runtime-aws-request-id")
            .context("an invocation without an id")?;
        let id = id.to_str().context("an invocation with an odd id")?.to_owned();
        let payload = answer.into_body().collect().await.context("half an invocation")?.to_bytes();
        Ok((id, payload))
    }

    async fn post(&self, path: &str, body: &str) -> Result<()> {
        let request =
            Request::post(format!("{}/{path}", self.root)).body(Full::from(body.to_owned()))?;
        let answer = self.client.request(request).await.context("the Runtime API is gone")?;
        if !answer.status().is_success() {
            bail!("the Runtime API answers {} to {path}", answer.status());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_describes_the_outer_environment_stays_outside() {
        for name in ["AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL", "AWS_CA_BUNDLE", "OWN"] {
            assert!(is_inner(name), "{name}");
        }
        for name in ["AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "_HANDLER", "HOME", "PATH"] {
            assert!(!is_inner(name), "{name}");
        }
    }

    #[test]
    fn extensions_are_the_programs_of_the_layer() {
        let folder = tempfile::tempdir().expect("there is room");
        let why =
            extensions(&folder.path().join("opt")).expect_err("there is no layer").to_string();
        assert!(why.contains("put the layer there"), "{why}");
        for name in ["b", "a"] {
            std::fs::write(folder.path().join(name), "").expect("there is room");
        }
        let names: Vec<String> =
            extensions(folder.path()).expect("there are two").iter().map(Program::name).collect();
        assert_eq!(names, ["a", "b"]);
    }
}
