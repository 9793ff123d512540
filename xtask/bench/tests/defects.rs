//! Extensions with defects: each costs itself some numbers, and all others have theirs.

#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;

/// The JSON of one run that measures every extension with a defect.
static JSON: LazyLock<Value> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder for programs");
    let bench = Path::new(env!("CARGO_BIN_EXE_xtask-bench"));
    let defective = bench.with_file_name("examples").join("defective");
    let program = |name: &str| {
        let program = folder.path().join(name);
        std::fs::copy(&defective, &program).expect("cargo has built the example");
        program
    };
    let mut command = Command::new(bench);
    command.args(["measure", "--rounds=1", "--invocations=2", "--step-timeout=1", "--json"]);
    command.arg("--function").arg(program("function"));
    for role in ["extension", "floor", "control"] {
        command.arg(format!("--{role}")).arg(program(role));
    }
    for name in DEFECTS {
        command.arg("--against").arg(program(name));
    }
    let output = command.output().expect("xtask-bench starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("xtask-bench prints JSON")
});

const DEFECTS: [&str; 7] = [
    "never-registers",
    "never-calls-next",
    "exits-early",
    "refuses-telemetry",
    "delivers-elsewhere",
    "never-ends",
    "fails-at-the-end",
];

/// The entry of a program, and its notes as one text.
fn program(name: &str) -> (&'static Value, String) {
    let entry = named(&JSON["programs"], name);
    let notes = entry["notes"].as_object().into_iter().flat_map(serde_json::Map::keys);
    (entry, notes.cloned().collect::<Vec<_>>().join("; "))
}

/// The entry of an extension under the first function, and its notes as one text.
fn invocations(name: &str) -> (&'static Value, String) {
    let entry = named(&JSON["functions"][0]["extensions"], name);
    (entry, entry["notes"].to_string())
}

fn named(all: &'static Value, name: &str) -> &'static Value {
    let found = all.as_array().and_then(|all| all.iter().find(|it| it["name"] == name));
    found.unwrap_or_else(|| panic!("{name} has no entry in {all}"))
}

#[test]
fn an_extension_that_does_not_register_is_waited_for_once() {
    let (entry, notes) = program("never-registers");
    assert_eq!(notes, "it did not register: 1 s have passed");
    assert!(entry["registerMs"].is_null() && entry["nextMs"].is_null(), "{entry}");
    assert_eq!(entry["notes"][&notes], 1);
    let (_, notes) = invocations("never-registers");
    assert!(notes.contains("the init phase failed"), "{notes}");
}

#[test]
fn an_extension_that_does_not_call_next_has_the_time_of_its_registration() {
    let (entry, notes) = program("never-calls-next");
    assert_eq!(notes, "it registered, but did not call `next`: 1 s have passed");
    assert!(entry["registerMs"].is_number() && entry["nextMs"].is_null(), "{entry}");
}

#[test]
fn an_extension_that_exits_early_is_not_waited_for() {
    let (_, notes) = program("exits-early");
    assert_eq!(notes, "it did not register: it ended with exit status: 3");
    let (entry, notes) = invocations("exits-early");
    assert!(entry["billedP50Ms"].is_null() && notes.contains("the init phase failed"), "{entry}");
}

#[test]
fn an_extension_that_refuses_telemetry_has_the_times_of_its_start() {
    let (entry, notes) = program("refuses-telemetry");
    assert!(notes.starts_with("it did not acknowledge telemetry"), "{notes}");
    assert!(entry["nextMs"].is_number() && entry["shutdownMs"].is_null(), "{entry}");
}

#[test]
fn an_extension_that_delivers_elsewhere_has_all_numbers_but_those_of_records() {
    let (entry, notes) = program("delivers-elsewhere");
    assert_eq!(notes, "no record reached the stream `telemetry`");
    assert!(entry["firstRecordMs"].is_null() && entry["floodEventsPerSecond"].is_null(), "{entry}");
    for number in ["nextMs", "residentKib", "shutdownMs", "floodCpuUsPerEvent"] {
        assert!(entry[number].is_number(), "{number} of {entry}");
    }
    let (entry, _) = invocations("delivers-elsewhere");
    assert!(entry["duplicatesPercent"].is_null() && entry["addedP50Ms"].is_number(), "{entry}");
}

#[test]
fn an_extension_that_does_not_end_is_killed_and_measured() {
    let (entry, notes) = program("never-ends");
    assert!(notes.contains("killed after 2 s"), "{notes}");
    assert!(entry["nextMs"].is_number() && entry["lifeCpuMs"].is_number(), "{entry}");
    assert!(entry["shutdownMs"].is_null() && entry["wasKilled"] == true, "{entry}");
    let (entry, notes) = invocations("never-ends");
    assert!(entry["billedP50Ms"].is_number() && notes.contains("killed after 2 s"), "{notes}");
}

#[test]
fn an_extension_that_fails_at_the_end_is_measured() {
    let (entry, notes) = program("fails-at-the-end");
    assert!(notes.contains("it ended with exit status: 1 after SHUTDOWN"), "{notes}");
    assert!(entry["shutdownMs"].is_number(), "{entry}");
}

#[test]
fn the_others_have_all_of_their_numbers() {
    let floor = program("floor").0;
    for number in ["registerMs", "nextMs", "residentKib", "noLineCpuUsPerInvocation"] {
        assert!(floor[number].is_number(), "{number} of {floor}");
    }
    for function in JSON["functions"].as_array().unwrap() {
        for extension in function["extensions"].as_array().unwrap() {
            let name = extension["name"].as_str().unwrap();
            let is_whole = extension["billedP50Ms"].is_number();
            let starts = !["never-registers", "never-calls-next", "exits-early"].contains(&name);
            assert_eq!(is_whole, starts, "{extension}");
        }
    }
}
