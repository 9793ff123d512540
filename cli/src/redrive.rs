//! `redrive`: writes dead letters back into the stream as their original records.
//!
//! Receiving a message hides it from other readers. Once all pieces of a record have been received, redrive writes the record to
//! its stream, if that stream is allowed, and deletes the messages. At the end, it makes the remaining messages visible again.

mod allowed;
mod letters;
mod piece;
mod queue;
mod report;
mod streams;

use std::cell::Cell;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use aws_sdk_sqs::types::Message;
use kinesis_telemetry_args::Redrive;
use kinesis_telemetry_stream::{Aws, counted, stdout, thousands};
use kinesis_telemetry_terminal::{StatusLine, note};
use tokio::time::timeout;

use crate::session::Session;
use crate::signals;
use allowed::Allowed;
use letters::{Kept, Letters, Outcome, Whole};
use piece::Piece;
use queue::Queue;
use report::{Reason, Report};
use streams::Streams;

/// The time for which running calls may continue after an interruption. It is longer than one wait for messages.
const GRACE: Duration = Duration::from_secs(2);
/// The exit code of a program that Ctrl-C has ended, as shells define it.
const INTERRUPTED: u8 = 130;

pub(crate) async fn run(options: &Redrive, session: &Session) -> Result<ExitCode> {
    let interruption = signals::interruption()?;
    let (aws, values) = session.deployment(&options.deployment).await?;
    let mut queue = Queue::new(values.get("deadLetterQueueUrl")?, &aws);
    let allowed = Allowed::new(values.get("streamArn")?, &options.also_to)?;
    let mut work = Work::new(allowed, &aws);
    let stop = Cell::new(false);
    let ended = {
        let mut work = Box::pin(work.empty(&mut queue, options.quiet, &stop));
        tokio::select! {
            ended = &mut work => ended,
            // Running calls end first, because the messages of an unread response would stay hidden.
            () = interruption => {
                stop.set(true);
                timeout(GRACE, work).await.unwrap_or(Ok(()))
            }
        }
    };
    work.progress.clear();
    let left = queue.show_again().await;
    let rest = work.letters.rest(false);
    work.note(rest.kept);
    let is_json = options.json;
    if !is_json && (ended.is_ok() || !work.report.is_empty()) {
        stdout::print(&work.report.text())?;
    }
    ended?;
    let left = left?;
    // The queue also counts messages that another reader holds or that arrived during the run.
    let (visible, hidden) = if left > 0 || stop.get() { (0, 0) } else { queue.counted().await? };
    if is_json {
        stdout::print(&stdout::json(&work.report.document(left, visible, hidden))?)?;
    } else {
        stdout::print(&remaining(left, visible, hidden))?;
    }
    if stop.get() {
        note("interrupted");
        return Ok(ExitCode::from(INTERRUPTED));
    }
    let is_empty = left == 0 && visible + hidden == 0;
    Ok(if is_empty { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Describes the messages that are still in the queue. Hidden messages, which become visible later, were not examined.
fn remaining(left: usize, visible: u64, hidden: u64) -> String {
    if left > 0 {
        let messages = counted(left, "message");
        return format!(
            "left in the queue: {messages}; fix the causes above, and run redrive again\n"
        );
    }
    if visible + hidden > 0 {
        return format!(
            "the queue is not empty: {visible} new messages, and {hidden} hidden by another reader or by a redrive that was \
             killed; run redrive again in some minutes\n"
        );
    }
    String::new()
}

/// The state of a run.
struct Work {
    allowed: Allowed,
    streams: Streams,
    progress: StatusLine,
    letters: Letters,
    report: Report,
}

impl Work {
    fn new(allowed: Allowed, aws: &Aws) -> Self {
        Self {
            allowed,
            streams: Streams::new(aws),
            progress: StatusLine::default(),
            letters: Letters::default(),
            report: Report::default(),
        }
    }

    /// Writes back the messages of the queue until none arrives for `quiet`, or until `stop` is set.
    async fn empty(&mut self, queue: &mut Queue, quiet: Duration, stop: &Cell<bool>) -> Result<()> {
        let mut silent = 0;
        while silent < quiet.as_secs() && !stop.get() {
            if queue.is_full() {
                let held = thousands(queue::MOST_HELD);
                self.progress.print(&format!(
                    "redrive stops before the end of the queue, because it holds {held} messages that cannot be put back: \
                     delete the ones that you do not need, and run redrive again"
                ));
                return Ok(());
            }
            let messages = queue.receive().await?;
            silent = if messages.is_empty() { silent + 1 } else { 0 };
            let pieces = self.pieces(&messages);
            let outcome = self.letters.file(pieces);
            self.settle(outcome, queue).await?;
        }
        if !stop.get() {
            let rest = self.letters.rest(true);
            self.settle(rest, queue).await?;
        }
        Ok(())
    }

    /// Returns the pieces in messages, with the IDs of the messages.
    fn pieces(&mut self, messages: &[Message]) -> Vec<(Piece, String)> {
        let mut pieces = Vec::new();
        for message in messages {
            let id = queue::id(message);
            let attribute = |name: &str| message.message_attributes()?.get(name)?.string_value();
            match Piece::of(attribute, message.body(), &self.allowed) {
                Ok(piece) => pieces.push((piece, id)),
                Err(reason) => self.report.keep(reason, &format!("message {id}"), 1),
            }
        }
        pieces
    }

    /// Writes complete records back, and notes the messages that stay in the queue.
    async fn settle(&mut self, outcome: Outcome, queue: &mut Queue) -> Result<()> {
        self.note(outcome.kept);
        for (record, put) in self.streams.put(outcome.whole, &self.progress).await? {
            match put {
                Ok(()) => self.delete_written(&record, queue).await?,
                Err(why) => {
                    let name = format!("record {}", record.key.record);
                    self.report.keep(Reason::Refused(why), &name, record.messages.len());
                }
            }
        }
        self.progress.report(&format!("{} put back", counted(self.report.records, "record")));
        Ok(())
    }

    fn note(&mut self, kept: Vec<Kept>) {
        for it in kept {
            self.report.keep(it.reason, &format!("record {}", it.record), it.messages);
        }
    }

    /// Deletes the messages of a record that the stream has acknowledged.
    async fn delete_written(&mut self, record: &Whole, queue: &mut Queue) -> Result<()> {
        self.report.records += 1;
        self.report.bytes += record.data.len();
        for (id, why) in queue.delete(&record.messages).await? {
            let why = format!(
                "put back, but cannot be deleted from the queue ({why}): the next redrive writes a duplicate, which consumers \
                 recognise by its identity"
            );
            self.report.keep(Reason::Refused(why), &format!("message {id}"), 1);
        }
        Ok(())
    }
}
