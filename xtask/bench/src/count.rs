//! Counts the instructions of a start, in valgrind, and its memory, without valgrind. Instructions repeat exactly.
//!
//! Prints one JSON document, for the gates of `cargo xtask ci`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use extension_spec::variable;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::empty_tmp;
use crate::events::Invocation;
use crate::fake_lambda::{FakeLambda, Kinesis, Transport};
use crate::startup;
use crate::subject::Subject;
use crate::valgrind::{self, STEP_TIMEOUT};

/// The time in which the work that follows a request ends.
const REST: Duration = Duration::from_secs(1);
/// The number of runs. Memory differs by some pages, so the median counts.
const LIVES: usize = 9;
/// The instructions per file name in the folder, other than `TMPDIR`, where the extension looks for spill files of earlier
/// processes. The files of other programs there say nothing about the extension. 100 files in an empty folder add a hundred times
/// as many.
const PER_NAME: u64 = 775;
const OTHER_FOLDER: &str = "/tmp";

/// The step at which counting stops.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    Next,
    Record,
}

pub(crate) fn run(program: &Path) -> Result<()> {
    // Where this is not possible, the names there are subtracted.
    _ = empty_tmp::enter([program].into_iter());
    let kinesis = Kinesis::start(Transport::Https)?;
    let subject = valgrind::subject(program);
    let to_next = instructions(&subject, &kinesis, Until::Next)?;
    let to_record = instructions(&subject, &kinesis, Until::Record)?;
    let mut memory = Vec::new();
    for _ in 0..LIVES {
        let start = startup::measure(&subject, &kinesis, true);
        if !start.notes.is_empty() {
            bail!("{}", start.notes.join("; "));
        }
        memory.extend(start.memory.map(|memory| memory.peak));
    }
    memory.sort_unstable();
    println!(
        "{}",
        json!({
            "instructionsToNext": to_next,
            "instructionsToRecord": to_record,
            "peakKib": memory[LIVES / 2],
        })
    );
    Ok(())
}

/// Instructions from the start of the process until then.
fn instructions(subject: &Subject, kinesis: &Kinesis, until: Until) -> Result<u64> {
    kinesis.reset();
    let mut lambda = FakeLambda::start()?;
    let out = tempfile::tempdir().context("there is no place for valgrind's file")?;
    let file = out.path().join("callgrind");
    let to_file = format!("--callgrind-out-file={}", file.display());
    let arguments = ["--tool=callgrind", "--quiet", &to_file];
    let mut command = valgrind::command(&arguments, subject, &lambda, kinesis, out.path());
    if until == Until::Next {
        // The extension preconnects while it waits, so this is not part of the path to `next`.
        command.env(variable::PRECONNECT, "false");
    }
    let mut valgrind = valgrind::start(&mut command)?;
    lambda.next(1, STEP_TIMEOUT).context("it did not call `next`")?;
    if until == Until::Record {
        let invocation = Invocation(1);
        lambda.publish(&invocation.whole(1))?;
        lambda.invoke(&invocation.request_id());
        lambda.next(2, STEP_TIMEOUT).context("it did not call `next` after the invocation")?;
        if kinesis.taken().lines == 0 {
            bail!("it delivered nothing");
        }
    }
    rest();
    let names = fs::read_dir(OTHER_FOLDER).map_or(0, |entries| entries.count() as u64);
    // valgrind writes its counts at every kind of end, and this signal makes the program do nothing of its own.
    let id = i32::try_from(valgrind.0.id()).context("a process id too large")?;
    kill(Pid::from_raw(id), Signal::SIGTERM)?;
    valgrind.0.wait()?;
    Ok(total(&file)?.saturating_sub(names * PER_NAME))
}

#[expect(clippy::disallowed_methods, reason = "nothing tells that a process has come to rest")]
fn rest() {
    std::thread::sleep(REST);
}

/// The line `totals: N` of valgrind's file.
fn total(file: &Path) -> Result<u64> {
    let text = fs::read_to_string(file).context("valgrind wrote nothing")?;
    let line = text.lines().find_map(|line| line.strip_prefix("totals: "));
    line.and_then(|line| line.trim().parse().ok()).context("valgrind counted nothing")
}
