//! Modes, strategies, faults and endings with real processes: every pair of values occurs in some row.
//!
//! `control/run/tests/storm/matrix.rs` runs the whole matrix in controlled time.

use std::collections::HashSet;
use std::time::Duration;

use extension_sandbox::kinesis::faults::{Fault, Faults};
use extension_sandbox::{Mode, Options, Status};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::test_environment::TestEnvironment;

const STRATEGIES: [&str; 3] = ["end", "start", "adaptive"];
const FAULTS: [&str; 4] = ["fair", "refusals", "resets", "outage"];
const ENDS: [&str; 4] = ["spindown", "timeout", "failure", "kill"];

/// A row of the matrix: one value of each column.
#[derive(Clone, Copy, Debug)]
struct Row {
    mode: Mode,
    strategy: &'static str,
    faults: &'static str,
    end: &'static str,
}

/// The rows: 16 of the 192 combinations, in which every two values of different columns occur together.
const ROWS: [Row; 16] = [
    row(Mode::OnDemand, "end", "fair", "spindown"),
    row(Mode::OnDemand, "adaptive", "refusals", "timeout"),
    row(Mode::OnDemand, "end", "resets", "failure"),
    row(Mode::OnDemand, "start", "outage", "kill"),
    row(Mode::ProvisionedConcurrency, "start", "refusals", "spindown"),
    row(Mode::ProvisionedConcurrency, "end", "fair", "timeout"),
    row(Mode::ProvisionedConcurrency, "adaptive", "outage", "failure"),
    row(Mode::ProvisionedConcurrency, "end", "resets", "kill"),
    row(Mode::SnapStart, "adaptive", "resets", "spindown"),
    row(Mode::SnapStart, "end", "outage", "timeout"),
    row(Mode::SnapStart, "start", "fair", "failure"),
    row(Mode::SnapStart, "end", "refusals", "kill"),
    row(Mode::ManagedInstances, "end", "outage", "spindown"),
    row(Mode::ManagedInstances, "start", "resets", "timeout"),
    row(Mode::ManagedInstances, "end", "refusals", "failure"),
    row(Mode::ManagedInstances, "adaptive", "fair", "kill"),
];

const fn row(mode: Mode, strategy: &'static str, faults: &'static str, end: &'static str) -> Row {
    Row { mode, strategy, faults, end }
}

#[test]
fn every_two_of_mode_strategy_fault_and_end_share_some_row() {
    let name = |row: &Row| {
        [row.mode.initialization_type(), row.strategy, row.faults, row.end].map(str::to_owned)
    };
    let sizes = [Mode::ALL.len(), STRATEGIES.len(), FAULTS.len(), ENDS.len()];
    for one in 0..4 {
        for other in one + 1..4 {
            let pairs: HashSet<_> =
                ROWS.iter().map(|row| (name(row)[one].clone(), name(row)[other].clone())).collect();
            assert_eq!(pairs.len(), sizes[one] * sizes[other], "columns {one} and {other}");
        }
    }
}

fn faults(name: &str) -> Faults {
    match name {
        "refusals" => Faults::refusing(0.3, 5),
        "resets" => Faults::script([Fault::Reset, Fault::None, Fault::Reset]),
        "outage" => Faults::down(),
        _ => Faults::none(),
    }
}

/// Runs an environment as `row` describes it. In every row the function answers as it does without the extension.
async fn play(row: Row) {
    let Row { mode, strategy, end, .. } = row;
    let settings = [("FLUSH", strategy), ("FLUSH_TIMEOUT_MS", "500"), ("MAX_AGE_MS", "200")];
    let change = |options: &mut Options| {
        (options.mode, options.timeout) = (mode, Duration::from_secs(3));
    };
    let mut env = TestEnvironment::new(&settings, change).await;
    env.kinesis.set_faults(faults(row.faults));
    assert_eq!(env.sandbox.init().await.status, Status::Success, "{row:?}");
    env.succeed(5).await;
    env.succeed(5).await;
    match end {
        "timeout" => {
            let invocation = env.invoke(json!({ "lines": 2, "end": "timeout" })).await;
            assert_eq!(invocation.status, Status::Timeout, "{row:?}");
        }
        "failure" => {
            let invocation = env.invoke(json!({ "lines": 2, "end": "exit" })).await;
            let error_type = invocation.error_type.as_deref();
            assert_eq!(error_type, Some("Runtime.ExitError"), "{row:?}");
        }
        "kill" => {
            let extension = Pid::from_raw(env.sandbox.remote().process_ids()[0]);
            kill(extension, Signal::SIGKILL).unwrap();
            // The invocation lasts long enough for Lambda to notice the crash.
            let invocation = env.invoke(json!({ "lines": 2, "sleepMs": 500 })).await;
            assert_eq!(invocation.error_type.as_deref(), Some("Extension.Crash"), "{row:?}");
        }
        _ => {}
    }
    env.kinesis.set_faults(Faults::none());
    let last = env.succeed(3).await.request_id;
    let ended = env.end().await;
    // A killed process loses the events in its memory; the next process loses none.
    let arrived = if end == "kill" { ended.arrived() } else { ended.verify() };
    let is_line = |it: &&String| it.contains(r#""type":"function""#) && it.contains(&last);
    assert_eq!(arrived.events.values().filter(is_line).count(), 3, "{row:?}");
}

/// Runs the rows of one mode, one after the other.
async fn play_all(mode: Mode) {
    for row in ROWS.into_iter().filter(|row| row.mode == mode) {
        play(row).await;
    }
}

#[tokio::test]
async fn an_on_demand_environment_survives_every_fault_and_end() {
    play_all(Mode::OnDemand).await;
}

#[tokio::test]
async fn a_provisioned_environment_survives_every_fault_and_end() {
    play_all(Mode::ProvisionedConcurrency).await;
}

#[tokio::test]
async fn a_restored_environment_survives_every_fault_and_end() {
    play_all(Mode::SnapStart).await;
}

#[tokio::test]
async fn a_managed_instance_survives_every_fault_and_end() {
    play_all(Mode::ManagedInstances).await;
}
