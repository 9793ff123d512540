//! Records the functions of a program in the order in which they first run, for `cargo xtask order`.
//!
//! Prints one symbol a line.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use crate::events::{self, Invocation};
use crate::fake_lambda::{FakeLambda, Kinesis, Transport};
use crate::subject::Subject;
use crate::valgrind::{self, STEP_TIMEOUT};

/// Valgrind notes each piece of code when it runs for the first time, and the function that it is of. `notbelow` keeps it from
/// printing the code; without chasing, a piece never goes on into another function.
const TRACE: [&str; 6] = [
    "--tool=none",
    "--trace-flags=10000000",
    "--trace-notbelow=2147483647",
    "--vex-guest-chase=no",
    "--demangle=no",
    "--show-below-main=yes",
];

/// The number of recorded runs. Differences between runs, such as which thread is first, must not leave a function out.
const LIVES: usize = 3;

pub(crate) fn run(program: &Path) -> Result<()> {
    let kinesis = Kinesis::start(Transport::Https)?;
    let subject = valgrind::subject(program);
    let mut trace = String::new();
    for _ in 0..LIVES {
        trace += &live(&subject, &kinesis)?;
    }
    for symbol in symbols(&trace) {
        println!("{symbol}");
    }
    Ok(())
}

/// Runs the program once: `register`, two invocations, delivery over TLS, SHUTDOWN. Returns valgrind's trace.
fn live(subject: &Subject, kinesis: &Kinesis) -> Result<String> {
    kinesis.reset();
    let mut lambda = FakeLambda::start()?;
    let out = tempfile::tempdir().context("there is no place for valgrind's file")?;
    let file = out.path().join("trace");
    let to_file = format!("--log-file={}", file.display());
    let arguments = [&TRACE[..], &[&to_file]].concat();
    let mut command = valgrind::command(&arguments, subject, &lambda, kinesis, out.path());
    let mut valgrind = valgrind::start(command.stderr(Stdio::null()))?;
    lambda.next(1, STEP_TIMEOUT).context("it did not call `next`")?;
    lambda.publish(&events::batch(&[events::init()]))?;
    for invocation in 1..=2 {
        let events = Invocation(invocation);
        lambda.invoke(&events.request_id());
        lambda.publish(&events.whole(1))?;
        lambda
            .next(invocation + 1, STEP_TIMEOUT)
            .context("it did not call `next` after the invocation")?;
    }
    lambda.shut_down();
    valgrind.0.wait()?;
    if kinesis.taken().lines == 0 {
        bail!("it delivered nothing");
    }
    fs::read_to_string(&file).context("valgrind wrote nothing")
}

/// Returns each function of a trace once. A line of it:
/// `==== SB 7 (evchecks 20) [tid 1] 0x64b706 __init_libc+84 /path+0x64b706`.
fn symbols(trace: &str) -> Vec<&str> {
    let pieces = trace.lines().filter_map(|line| {
        let (_, piece) = line.strip_prefix("==== SB ")?.split_once("[tid ")?;
        piece.split_whitespace().nth(2)
    });
    let names = pieces.map(|piece| piece.split('+').next().unwrap_or(piece));
    let mut seen = HashSet::new();
    names.filter(|name| *name != "UNKNOWN_FUNCTION" && seen.insert(*name)).collect()
}

#[cfg(test)]
mod tests {
    use super::symbols;

    #[test]
    fn a_trace_gives_each_function_once_in_order() {
        let trace = "\
==12== a word of valgrind's
==== SB 0 (evchecks 0) [tid 1] 0x3463c0 UNKNOWN_FUNCTION /p/plain+0x3463c0
==== SB 1 (evchecks 1) [tid 1] 0x64b6cb _ZN1a4mainE+25 /p/plain+0x64b6cb
==== SB 2 (evchecks 7) [tid 2] 0x64b6ce memcpy /p/plain+0x64b6ce
==== SB 3 (evchecks 9) [tid 1] 0x64b6cf _ZN1a4mainE+29 /p/plain+0x64b6cf
";
        assert_eq!(symbols(trace), ["_ZN1a4mainE", "memcpy"]);
    }
}
