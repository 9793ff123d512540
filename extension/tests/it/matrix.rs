//! Modes, strategies, faults and ends, with real processes: every two of them meet in some row. The whole matrix is
//! played in controlled time (`run/tests/storm/matrix.rs`).

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

/// What meets in a row of the matrix.
#[derive(Clone, Copy, Debug)]
struct Row {
    mode: Mode,
    strategy: &'static str,
    faults: &'static str,
    end: &'static str,
}

/// Four rows for each mode. The field with four elements makes every two columns meet in all their values.
fn rows() -> Vec<Row> {
    /// Products in GF(4).
    const TIMES_TWO: [usize; 4] = [0, 2, 3, 1];
    let row = |mode: usize, end: usize| Row {
        mode: Mode::ALL[mode],
        strategy: STRATEGIES[(mode ^ TIMES_TWO[end]) % STRATEGIES.len()],
        faults: FAULTS[mode ^ end],
        end: ENDS[end],
    };
    (0..4).flat_map(|mode| (0..4).map(move |end| row(mode, end))).collect()
}

#[test]
fn every_two_of_mode_strategy_weather_and_end_meet_in_some_row() {
    let rows = rows();
    let name = |row: &Row| {
        [row.mode.initialization_type(), row.strategy, row.faults, row.end].map(str::to_owned)
    };
    let sizes = [Mode::ALL.len(), STRATEGIES.len(), FAULTS.len(), ENDS.len()];
    for one in 0..4 {
        for other in one + 1..4 {
            let pairs: HashSet<_> =
                rows.iter().map(|row| (name(row)[one].clone(), name(row)[other].clone())).collect();
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

/// Lives a row. Whatever it is, the function answers as without us.
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
            // Long enough for Lambda to see it.
            let invocation = env.invoke(json!({ "lines": 2, "sleepMs": 500 })).await;
            assert_eq!(invocation.error_type.as_deref(), Some("Extension.Crash"), "{row:?}");
        }
        _ => {}
    }
    env.kinesis.set_faults(Faults::none());
    let last = env.succeed(3).await.request_id;
    let ended = env.end().await;
    // What a killed process had in memory is gone; of the life after it nothing is.
    let arrived = if end == "kill" { ended.arrived() } else { ended.verify() };
    let is_line = |it: &&String| it.contains(r#""type":"function""#) && it.contains(&last);
    assert_eq!(arrived.events.values().filter(is_line).count(), 3, "{row:?}");
}

/// The rows of one mode, one after the other.
async fn play_all(mode: Mode) {
    for row in rows().into_iter().filter(|row| row.mode == mode) {
        play(row).await;
    }
}

#[tokio::test]
async fn an_on_demand_environment_survives_every_weather_to_every_end() {
    play_all(Mode::OnDemand).await;
}

#[tokio::test]
async fn a_provisioned_environment_survives_every_weather_to_every_end() {
    play_all(Mode::ProvisionedConcurrency).await;
}

#[tokio::test]
async fn a_restored_environment_survives_every_weather_to_every_end() {
    play_all(Mode::SnapStart).await;
}

#[tokio::test]
async fn a_managed_instance_survives_every_weather_to_every_end() {
    play_all(Mode::ManagedInstances).await;
}
