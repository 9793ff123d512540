//! `invoke`: invokes the test function of a deployment, and verifies that its telemetry arrives.
//!
//! Takes a position in every shard and invokes the function. During and after the invocations it reads the stream, until every
//! expected event has arrived or the time is over. It ignores events of other functions and invocations.

mod audit;
mod evidence;
mod function;
mod next;
mod table;

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::{Result, anyhow};
use kinesis_telemetry_args::Invoke;
use kinesis_telemetry_consumer::Period;
use kinesis_telemetry_stream::{
    Functions, Page, PageFile, Reader, Start, Target, milliseconds, stdout,
};
use kinesis_telemetry_terminal::StatusLine;
use tokio::time::{Instant, sleep, timeout_at};

use crate::deployment::Values;
use crate::session::Session;
use audit::{Audit, Sent};
use evidence::Evidence;
use function::Function;

/// The pause between two reads of the stream.
const PAUSE: Duration = Duration::from_millis(500);
/// The pause between further invocations without log lines while events are missing. It exceeds half of `MAX_AGE_MS` (five
/// seconds by default), so an adaptive extension counts invocations as rare and delivers everything before each one ends.
const NUDGE: Duration = Duration::from_secs(3);

/// The period before the first invocation whose log lines of the extension may explain missing events.
const BEFORE: Duration = Duration::from_mins(1);

pub(crate) async fn run(options: &Invoke, session: &Session) -> Result<ExitCode> {
    let (since, began) = (SystemTime::now(), Instant::now());
    let give_up = began + options.deadline;
    let page_file = options.html.as_deref().map(PageFile::create).transpose()?;
    // Within the time limit of connecting, the reader also takes its position.
    let (aws, (values, reader)) = session
        .connect(async |aws| {
            let values = Values::of(&options.deployment, aws).await?;
            let target = Target::at(values.get("streamArn")?, aws);
            values.get("testFunctionName")?;
            let mut reader = Reader::new(target, Start::Now);
            reader.begin().await?;
            Ok((values, reader))
        })
        .await?;
    let function = Function::new(values.get("testFunctionName")?, &aws);
    let stream = values.get("streamArn")?;
    let mut look = Look { reader, evidence: Evidence::new(&function.name), give_up };
    if page_file.is_some() {
        // Reading begins with the invocations, so every number from the first one on must arrive.
        let period = Period { since_ms: 0, until_ms: i64::MAX, settle_ms: 0 };
        look.evidence.page = Some(Page::new(Functions::Named(function.name.clone()), period));
    }

    let progress = StatusLine::default();
    let over = Cell::new(false);
    let invoking = async {
        let sent = before(give_up, function.invoke_all(options, &progress)).await;
        over.set(true);
        sent.and_then(|sent| sent)
    };
    // Positions in a stream expire, so the reader uses them while invocations are still running.
    let (sent, ()) = tokio::try_join!(invoking, look.look_until(&over))?;
    let mut audit = look.until_complete(&sent, &function, &progress).await?;
    if !audit.is_complete() {
        progress.set("reading the extension's log lines");
        let lines = Box::pin(function.own_lines(began.elapsed() + BEFORE)).await;
        audit.extension_lines = Some(lines);
    }
    progress.clear();
    if let Some((file, page)) = page_file.zip(look.evidence.page.as_ref()) {
        let title = format!("Invocations of {}", function.name);
        let (from, to) = (milliseconds(since), milliseconds(SystemTime::now()));
        let mut report = page.report(&title, stream, from, to);
        // Other callers may also invoke the function.
        report.invocations.retain(|it| sent.iter().any(|sent| sent.request_id == it.request_id));
        file.write(&report)?;
    }
    stdout::print(&if options.json {
        stdout::json(&audit)?
    } else {
        table::text(&audit, &sent) + &next::text(&audit, &function.name, &options.deployment)
    })?;
    Ok(if audit.is_complete() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Runs `work`. Fails if it does not end before the deadline.
async fn before<T>(deadline: Instant, work: impl Future<Output = T>) -> Result<T> {
    timeout_at(deadline, work)
        .await
        .map_err(|_| anyhow!("the invocations took longer than --deadline: use a lower --count or --lines, or a higher --deadline"))
}

/// A reader of the stream.
struct Look {
    reader: Reader,
    evidence: Evidence,
    give_up: Instant,
}

impl Look {
    /// Reads until `over`.
    async fn look_until(&mut self, over: &Cell<bool>) -> Result<()> {
        while !over.get() {
            self.read().await?;
            sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Reads until all events have arrived or the time is over. Further invocations make the function deliver held events.
    async fn until_complete(
        &mut self,
        sent: &[Sent],
        function: &Function,
        progress: &StatusLine,
    ) -> Result<Audit> {
        let failure = RefCell::new(None);
        let mut audit = tokio::select! {
            audit = self.judge(sent, progress) => audit?,
            never = nudge(function, &failure) => match never {},
        };
        let failure = failure.take().filter(|_| !audit.is_complete());
        audit.hindrance = audit.hindrance.or(failure);
        Ok(audit)
    }

    async fn judge(&mut self, sent: &[Sent], progress: &StatusLine) -> Result<Audit> {
        loop {
            let read = self.read().await;
            let mut audit = Audit::of(sent, &self.evidence);
            let left = self.give_up - Instant::now();
            if audit.is_complete() || audit.cannot_become_complete() || left <= PAUSE {
                audit.hindrance = read.err().map(|error| format!("{error:#}"));
                return Ok(audit);
            }
            read?;
            let (arrived, expected) = (audit.arrived(), audit.expected());
            progress.report(&format!(
                "{arrived} of {expected} events arrived, {} s left",
                left.as_secs()
            ));
            sleep(PAUSE).await;
        }
    }

    /// Reads new records. A read that the deadline interrupts is the last, because the reader may have lost its position.
    async fn read(&mut self) -> Result<()> {
        let records = timeout_at(self.give_up, self.reader.read_to_tip()).await;
        let records = records.map_err(|_| anyhow!("the stream did not answer in time"))?;
        self.evidence.add(&records?);
        Ok(())
    }
}

/// Invokes the function periodically, because a frozen environment may hold events, and Lambda delivers the last report only with
/// a later invocation. A failure does not change the verdict, but may explain it.
async fn nudge(function: &Function, failure: &RefCell<Option<String>>) -> Infallible {
    loop {
        sleep(NUDGE).await;
        failure
            .borrow_mut()
            .get_or_insert_with(|| "a further invocation got no response".to_owned());
        let failed = function.invoke(0, 0).await.err();
        failure.replace(failed.map(|error| format!("a further invocation failed: {error:#}")));
    }
}
