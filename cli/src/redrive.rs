//! `redrive`: dead letters back into the stream, as the records that they were.
//!
//! Messages are received, which hides them from others. A record whose pieces are all there goes back to its stream, and once
//! the stream has it, its messages are deleted. Whatever is not deleted is shown to others again at the end, however it comes.

mod letter;
mod queue;
mod streams;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use aws_sdk_sqs::types::Message;
use kinesis_telemetry_args::Deployment;
use kinesis_telemetry_stream::{Aws, counted, say, thousands};
use kinesis_telemetry_terminal::{StatusLine, note};
use tokio::time::timeout;

use crate::deployment::Values;
use crate::signals;
use letter::{Key, Letter, Piece, Whole};
use queue::Queue;
use streams::Streams;

/// How long what is under way may take after an interruption: more than a wait for messages.
const GRACE: Duration = Duration::from_secs(2);
/// As a shell has it for a program that Ctrl-C has ended.
const INTERRUPTED: u8 = 130;
/// How many records are named that stay for the same reason.
const NAMED: usize = 3;

pub(crate) async fn run(deployment: &Deployment, quiet: Duration) -> Result<ExitCode> {
    let interruption = signals::interruption()?;
    let aws = Aws::find(None).await?;
    let values = Values::of(deployment, &aws).await?;
    let mut queue = Queue::new(values.get("deadLetterQueueUrl")?, &aws);
    let mut work = Work::new(&aws);
    let stop = Cell::new(false);
    let ended = {
        let mut work = Box::pin(work.empty(&mut queue, quiet, &stop));
        tokio::select! {
            ended = &mut work => ended,
            // What is under way ends first: messages of an answer that nobody takes would stay hidden.
            () = interruption => {
                stop.set(true);
                timeout(GRACE, work).await.unwrap_or(Ok(()))
            }
        }
    };
    work.progress.clear();
    let left = queue.show_again().await;
    if ended.is_ok() || work.has_done_anything() {
        say::out(&work.text())?;
    }
    ended?;
    let left = left?;
    if left > 0 {
        let messages = counted(left, "message");
        say::out(&format!(
            "left in the queue: {messages}; mend what is said above, and redrive again\n"
        ))?;
    }
    if stop.get() {
        note("interrupted");
        return Ok(ExitCode::from(INTERRUPTED));
    }
    Ok(if left == 0 && is_empty(&queue).await? { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Whether nobody else holds anything either: a message that is hidden comes back, and nobody has looked at it.
async fn is_empty(queue: &Queue) -> Result<bool> {
    let (visible, hidden) = queue.counted().await?;
    if visible + hidden > 0 {
        say::out(&format!(
            "the queue is not empty: {visible} messages have come since, and {hidden} are hidden, which another reader holds, or \
             a redrive that was killed held; redrive again, in some minutes\n"
        ))?;
    }
    Ok(visible + hidden == 0)
}

/// What is being done, and what has been.
struct Work {
    streams: Streams,
    progress: StatusLine,
    /// Records that lack pieces, so far.
    letters: BTreeMap<Key, Letter>,
    records: usize,
    bytes: usize,
    /// What stays in the queue, by the reason.
    stay: BTreeMap<String, Vec<String>>,
}

impl Work {
    fn new(aws: &Aws) -> Self {
        Self {
            streams: Streams::new(aws),
            progress: StatusLine::default(),
            letters: BTreeMap::new(),
            records: 0,
            bytes: 0,
            stay: BTreeMap::new(),
        }
    }

    /// Puts back what the queue gives, until it gives nothing for so long, or somebody says stop.
    async fn empty(&mut self, queue: &mut Queue, quiet: Duration, stop: &Cell<bool>) -> Result<()> {
        let mut silent = 0;
        while silent < quiet.as_secs() && !stop.get() {
            let messages = queue.receive().await?;
            silent = if messages.is_empty() { silent + 1 } else { 0 };
            let records = self.file(&messages);
            for (record, put) in self.streams.put(records, &self.progress).await? {
                match put {
                    Ok(()) => self.is_back(&record, queue).await?,
                    Err(why) => self.stays(why, format!("record {}", record.key.record)),
                }
            }
            self.progress.report(&format!("{} put back", counted(self.records, "record")));
        }
        Ok(())
    }

    /// Puts pieces to the others of their records; gives the records that are whole with them.
    fn file(&mut self, messages: &[Message]) -> Vec<Whole> {
        let mut records = Vec::new();
        for message in messages {
            let id = queue::id(message);
            let piece = match piece(message) {
                Ok(piece) => piece,
                Err(why) => {
                    self.stays(why, format!("message {id}"));
                    continue;
                }
            };
            let key = piece.key.clone();
            let mut letter = self.letters.remove(&key).unwrap_or_default();
            letter.add(piece, id);
            match letter.data(&key) {
                None => _ = self.letters.insert(key, letter),
                Some(Ok(data)) => records.push(Whole { key, data, messages: letter.messages }),
                Some(Err(why)) => self.stays(why, format!("record {}", key.record)),
            }
        }
        records
    }

    /// The stream has a record: nobody needs its messages any more.
    async fn is_back(&mut self, record: &Whole, queue: &mut Queue) -> Result<()> {
        self.records += 1;
        self.bytes += record.data.len();
        for (id, why) in queue.delete(&record.messages).await? {
            let why = format!(
                "put back, and cannot be deleted ({why}): the next redrive makes a double, which consumers know by its identity"
            );
            self.stays(why, format!("message {id}"));
        }
        Ok(())
    }

    fn stays(&mut self, why: String, what: String) {
        self.stay.entry(why).or_default().push(what);
    }

    fn has_done_anything(&self) -> bool {
        self.records > 0 || !self.letters.is_empty() || !self.stay.is_empty()
    }

    fn text(&self) -> String {
        let (records, bytes) = (counted(self.records, "record"), thousands(self.bytes));
        let mut text = format!("{records} put back into the stream, {bytes} bytes\n");
        for (key, letter) in &self.letters {
            _ = writeln!(text, "left: record {}: {}", key.record, letter.lacks(key));
        }
        for (why, what) in &self.stay {
            let more = what.len().saturating_sub(NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let named = what[..what.len().min(NAMED)].join(", ");
            _ = writeln!(text, "left: {named}{more}: {why}");
        }
        text
    }
}

/// What a message says it is.
fn piece(message: &Message) -> Result<Piece, String> {
    let attribute = |name: &str| {
        let value = message.message_attributes().and_then(|it| it.get(name)?.string_value());
        value.map(str::to_owned).ok_or_else(|| {
            format!("no dead letter of the extension: it has no attribute {name}; read it, and delete it yourself")
        })
    };
    Piece::of(attribute, message.body().unwrap_or_default())
}
