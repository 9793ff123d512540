//! The whole demo, as a newcomer types it.

use std::process::{Command, Output};

use serde_json::Value;

fn demo(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.arg("demo").args(arguments).output().expect("it starts")
}

/// The one JSON document that the demo prints.
fn json(arguments: &[&str]) -> Value {
    let output = demo(&[arguments, &["--json"]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("it is JSON")
}

#[test]
#[ignore = "needs Node: cargo xtask test"]
fn every_event_of_three_invocations_is_read_back() {
    let output = demo(&[]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("sequence complete: 1…45 of instance "), "{text}");
    assert!(text.contains("invocation 3    success"), "{text}");
    let text = format!("{text}{}", String::from_utf8_lossy(&output.stderr));
    let wide = text.lines().find(|line| line.chars().count() > 80);
    assert_eq!(wide, None, "a pipe is as narrow as the narrowest terminal");
    let commands = text.lines().filter(|line| line.starts_with("  cargo xtask demo --")).count();
    assert_eq!(commands, 3, "what to try next: {text}");
}

#[test]
#[ignore = "needs Node: cargo xtask test"]
fn a_setting_reaches_the_extension() {
    let output = demo(&["--env", "KINESIS_TELEMETRY_ENVELOPE=record", "--env", "OTHER=a=b c"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    let events: Vec<&str> =
        text.lines().skip_while(|line| *line != "as they arrived:").skip(1).take(3).collect();
    assert!(events.iter().all(|event| !event.contains("\"source\"")), "{text}");
}

#[test]
#[ignore = "needs Node: cargo xtask test"]
fn a_failing_function_with_json_lines_is_complete_as_well() {
    let report = json(&["--format", "json", "--fail", "--invocations", "2", "--lines", "50"]);
    assert_eq!(report["verification"]["complete"], true, "{report:#}");
    assert_eq!(report["verification"]["byType"]["platform.report"], 2, "{report:#}");
}

#[test]
#[ignore = "needs Node: cargo xtask test"]
fn lines_of_ordinary_invocations_are_sampled_out_and_the_failed_one_is_whole() {
    let setting = ["--env", "KINESIS_TELEMETRY_SAMPLE=0"];
    let report = json(&[&setting[..], &["--fail", "--lines", "7", "--format", "json"]].concat());
    let verification = &report["verification"];
    assert_eq!(verification["complete"], true, "{report:#}");
    assert_eq!(verification["byType"]["function"], 7, "{report:#}");
    let invocations =
        report["timeline"].as_array().unwrap().iter().filter_map(|it| it["requestId"].as_str());
    let events = invocations.map(|id| &verification["requests"][id]["events"]);
    assert_eq!(events.collect::<Vec<_>>(), [10, 3, 3], "three events of the platform, and lines");
    let selection = &verification["selection"];
    assert_eq!((&selection["lines"], &selection["invocations"]), (&7.into(), &1.into()));
    let sampled_out = &selection["sampledOut"];
    assert_eq!((&sampled_out["events"], &sampled_out["invocations"]), (&14.into(), &2.into()));
}

#[test]
#[ignore = "needs Node and Python 3: cargo xtask test"]
fn the_whole_story_is_told_from_deploying_to_destroying() {
    let output = demo(&["--full", "--invocations", "2", "--lines", "4"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    for said in [
        "complete: all of the 14 events of these invocations arrived ",
        "START RequestId: ",
        "1 record put back into the stream",
        ":root, https://127.0.0.1:",
        "no problem found; next: ",
        "Left in account 111122223333",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
}

#[test]
fn what_cannot_be_asked_for_is_said_in_one_line_with_what_can() {
    for (arguments, word) in [
        (["--lines", "many"], "'many'"),
        (["--lines", "200000"], "0..=100000"),
        (["--format", "xml"], "[possible values: text, json]"),
        (["--env", "ENVELOPE"], "'ENVELOPE' for '--env <NAME=VALUE>': write NAME=VALUE, such as"),
        (["--env", "=record"], "write NAME=VALUE"),
        (["--full", "--env=A=B"], "'--full' cannot be used with '--env <NAME=VALUE>'"),
    ] {
        let output = demo(&arguments);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains(word));
    }
}

#[test]
#[ignore = "needs Node: cargo xtask test"]
fn every_mode_in_which_lambda_runs_functions_can_be_seen_and_is_complete() {
    for (mode, instances, starts) in
        [("snapstart", 2, 1), ("managed-instances", 1, 1), ("provisioned-concurrency", 1, 1)]
    {
        let report = json(&["--mode", mode]);
        let verification = &report["verification"];
        assert_eq!(verification["complete"], true, "{mode}: {report:#}");
        assert_eq!(verification["byType"]["platform.initStart"], starts, "{mode}: {report:#}");
        let restored = u32::from(mode == "snapstart");
        let count = verification["byType"]["platform.restoreStart"].as_u64().unwrap_or_default();
        assert_eq!(count, u64::from(restored), "{mode}: {report:#}");
        let found = verification["instances"].as_array().map(Vec::len);
        assert_eq!(found, Some(instances), "{mode}: {report:#}");
    }
}
