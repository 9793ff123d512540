//! Every initialization type with every strategy, success rate and ending, in controlled time.
//!
//! The resulting table shows how long invocations were held after their functions had finished.

use std::fmt::Write as _;

use expect_test::expect_file;

use super::*;
use crate::control::config::Initialization::{self, ManagedInstances, OnDemand, SnapStart};

const STRATEGIES: [&str; 3] = ["end", "start", "adaptive"];
const ENDS: [&str; 4] = ["spindown", "timeout", "failure", "kill"];
/// The percentages of requests without a fault.
const SUCCESS_RATES: [(&str, u8); 4] = [("100 %", 100), ("70 %", 70), ("40 %", 40), ("0 %", 0)];
const INVOCATIONS: u64 = 16;
/// The time that Lambda's buffering and the transfer take after the function has finished.
const BUFFERED: Duration = Duration::from_millis(30);
/// How long the function runs.
const FUNCTION: Duration = Duration::from_millis(20);
const TIMEOUT_MS: u64 = 3_000;
const FLUSH_TIMEOUT_MS: u64 = 500;

/// Runs a cell of the matrix. Returns how long each invocation was held.
async fn play(
    mode: Initialization,
    strategy: &str,
    end: &'static str,
    success_rate: u8,
    tmp: &Path,
) -> Vec<Duration> {
    let seed = u64::from(success_rate) + 7;
    fastrand::seed(seed);
    let mut rng = Rng::with_seed(seed);
    let service = FakeService::new(rng.fork());
    service.set_success_rate(success_rate);
    let variables = [
        ("FLUSH", strategy.to_owned()),
        ("FLUSH_TIMEOUT_MS", FLUSH_TIMEOUT_MS.to_string()),
        ("MAX_RECORD_BYTES", "4096".to_owned()),
        ("TARGET_RECORD_BYTES", "4096".to_owned()),
        ("MAX_AGE_MS", "2000".to_owned()),
    ];
    let mut storm = Storm::new(rng, tmp.to_owned(), service, None);
    let mut process = process::start_as(mode, &storm, &variables);
    let mut held = Vec::new();
    process.calls_next(Duration::from_secs(3)).await;
    for number in 0..INVOCATIONS {
        // The first half of the invocations is frequent, the second is rare.
        let pause = if number < INVOCATIONS / 2 { 100 } else { 4_000 };
        if mode == ManagedInstances {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            process.bodies.post(&format!("[{}]", storm.lines().join(",")));
            // It is read before anything else happens.
            tokio::time::sleep(Duration::from_millis(1)).await;
        } else {
            storm.freeze_for(Duration::from_millis(pause)).await;
            held.push(invoke(&mut storm, &mut process, number).await);
        }
    }
    let process = match end {
        "spindown" => process,
        "kill" => {
            storm.kill(process).await;
            restarted(mode, &storm, &variables).await
        }
        reason => {
            storm.shut_down(process, reason).await;
            restarted(mode, &storm, &variables).await
        }
    };
    storm.service.recover();
    storm.shut_down(process, "spindown").await;
    assert_eq!(storm.files(), 0, "nothing stays in /tmp");
    tokio::time::sleep(Duration::from_secs(2)).await;
    verify(&mut storm, true);
    held
}

async fn restarted(mode: Initialization, storm: &Storm, variables: &[(&str, String)]) -> Process {
    let mut process = process::start_as(mode, storm, variables);
    process.calls_next(Duration::from_secs(3)).await;
    process
}

/// Runs an invocation of 20 ms. Returns how long it was held beyond that.
async fn invoke(storm: &mut Storm, process: &mut Process, number: u64) -> Duration {
    let request_id = format!("r-{number}");
    process.answer(invoke_with(TIMEOUT_MS, &request_id));
    process.bodies.post(&format!("[{}]", storm.lines().join(",")));
    tokio::time::sleep(FUNCTION).await;
    let finished = Instant::now();
    let body = format!("[{}]", storm.done(&request_id, FUNCTION));
    process.bodies.post_after(BUFFERED, body);
    process.calls_next(Duration::from_millis(TIMEOUT_MS - 20)).await;
    let held = finished.elapsed();
    // The platform hands this over before it freezes the environment.
    tokio::time::sleep((BUFFERED + Duration::from_millis(1)).saturating_sub(held)).await;
    held
}

#[test]
fn acknowledged_events_survive_every_cell_of_the_matrix() {
    let mut table = String::from(
        "# How long invocations are held, as drawn by its test\n\n\
         Milliseconds from the end of the function to `next`: the median and the maximum of sixteen invocations in\n\
         each of four environments that end in different ways. Lambda hands telemetry over after 30 ms, Kinesis responds\n\
         after 1 to 59 ms, and a flush may take 500 ms. Eight invocations are frequent, eight are rare.\n\n\
         | mode | strategy | success rate | median | most |\n| --- | --- | --- | ---: | ---: |\n",
    );
    for mode in [OnDemand, SnapStart, ManagedInstances] {
        for strategy in STRATEGIES {
            for (service, success_rate) in SUCCESS_RATES {
                let mut held = Vec::new();
                for end in ENDS {
                    let tmp = tempfile::tempdir().unwrap();
                    eprintln!("{mode:?} {strategy} {service} {end}");
                    held.extend(in_controlled_time(play(
                        mode,
                        strategy,
                        end,
                        success_rate,
                        tmp.path(),
                    )));
                }
                held.sort_unstable();
                let (Some(most), Some(median)) = (held.last(), held.get(held.len() / 2)) else {
                    continue;
                };
                let most_it_may = BUFFERED + Duration::from_millis(FLUSH_TIMEOUT_MS + 1);
                assert!(*most <= most_it_may, "{mode:?} {strategy} {service}: {most:?}");
                let (median, most) = (median.as_millis(), most.as_millis());
                writeln!(table, "| {mode:?} | {strategy} | {service} | {median} | {most} |")
                    .unwrap();
            }
        }
    }
    expect_file!["matrix.md"].assert_eq(&table);
}
