//! `invoke`: invokes the test function of a deployment, and verifies that its telemetry arrives.

mod account;
mod table;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use aws_sdk_lambda::error::ProvideErrorMetadata as _;
use aws_sdk_lambda::operation::RequestId as _;
use aws_sdk_lambda::primitives::Blob;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use xtask_aws_cli::{Deployment, Invoke};

use crate::aws::Aws;
use crate::client::{Target, region_of_arn};
use crate::deployment::Values;
use crate::say::{self, Progress};
use crate::stream::{Reader, Record, Start};
use account::{Account, Asked};

/// Between two looks at the stream.
const PAUSE: Duration = Duration::from_millis(500);
/// From an invocation until one without a line follows, if something is missing: long enough for an adaptive function to take
/// itself for rarely invoked (half of `MAX_AGE_MS`, five seconds by default), and so to deliver all before it ends.
const NUDGE: Duration = Duration::from_secs(3);

pub(crate) async fn run(deployment: &Deployment, options: &Invoke) -> Result<ExitCode> {
    let give_up = Instant::now() + options.deadline;
    let aws = Aws::find(None).await?;
    let values = Values::of(deployment, &aws).await?;
    let stream = values.get("streamArn")?;
    let function = Function::new(values.get("testFunctionName")?, &aws);
    let place = Aws::find(region_of_arn(stream)).await?;
    let mut reader = Reader::new(Target::at(stream, &place), Start::Now);
    reader.begin().await?;

    let mut progress = Progress::default();
    let mut asked = Vec::new();
    for n in 1..=options.count {
        progress.say(&format!("invocation {n} of {} of {}", options.count, function.name));
        asked.push(before(give_up, function.invoke(options.lines, options.bytes)).await??);
    }
    let watch = Watch { function: &function, asked: &asked, give_up };
    let account = watch.until_complete(&mut reader, &mut progress).await?;
    progress.end();
    say::out(&if options.json { table::json(&account)? } else { table::text(&account, &asked) })?;
    Ok(if account.is_complete() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Does it, unless it takes too long.
async fn before<T>(deadline: Instant, work: impl Future<Output = T>) -> Result<T> {
    tokio::time::timeout_at(deadline, work)
        .await
        .map_err(|_| anyhow!("the invocations take longer than --deadline allows: ask for fewer or shorter ones, or set more"))
}

/// What is being waited for.
struct Watch<'a> {
    function: &'a Function,
    asked: &'a [Asked],
    give_up: Instant,
}

impl Watch<'_> {
    /// Reads until everything is there or the time is over.
    async fn until_complete(
        &self,
        reader: &mut Reader,
        progress: &mut Progress,
    ) -> Result<Account> {
        let mut records: Vec<Record> = Vec::new();
        let mut nudged = Instant::now();
        loop {
            records.extend(reader.read_to_tip().await?);
            let account = Account::of(self.asked, &records);
            let now = Instant::now();
            if account.is_complete() || account.cannot_become_complete() || now >= self.give_up {
                return Ok(account);
            }
            let left = (self.give_up - now).as_secs();
            progress.say(&format!(
                "{} of {} events arrived, {left} s left",
                account.arrived(),
                account.expected()
            ));
            // Nobody is told of what waits in a frozen environment, and the last report comes with a later invocation only.
            if now - nudged >= NUDGE {
                // It is a help, not a part: that it fails changes nothing about what was asked.
                _ = self.function.invoke(0, 0).await;
                nudged = Instant::now();
            }
            sleep(PAUSE).await;
        }
    }
}

struct Function {
    client: aws_sdk_lambda::Client,
    aws: Aws,
    name: String,
}

impl Function {
    fn new(name: &str, aws: &Aws) -> Self {
        Self {
            client: aws_sdk_lambda::Client::new(&aws.config),
            aws: aws.clone(),
            name: name.to_owned(),
        }
    }

    async fn invoke(&self, lines: u32, bytes: u32) -> Result<Asked> {
        let name = &self.name;
        let payload = json!({ "lines": lines, "bytes": bytes }).to_string();
        let answer =
            self.client.invoke().function_name(name).payload(Blob::new(payload)).send().await;
        let answer = answer.map_err(|error| match error.code() {
            Some("ResourceNotFoundException") => {
                anyhow!("the test function {name} is gone: deploy the stage again")
            }
            _ => self.aws.explain(&format!("invoking {name}"), "lambda:InvokeFunction", &error),
        })?;
        let text = answer.payload().map(|it| String::from_utf8_lossy(it.as_ref()).into_owned());
        let text = text.unwrap_or_default();
        if let Some(kind) = answer.function_error() {
            bail!(
                "the test function {name} failed ({kind}): {text}; cargo xtask doctor may know why"
            );
        }
        // What the function itself was told, which is what its telemetry says.
        let own = serde_json::from_str(&text)
            .ok()
            .and_then(|it: Value| Some(it["requestId"].as_str()?.to_owned()));
        let request_id = own.or_else(|| answer.request_id().map(str::to_owned));
        let request_id =
            request_id.with_context(|| format!("{name} answers without a request id: {text}"))?;
        Ok(Asked { request_id, lines })
    }
}
