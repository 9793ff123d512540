use expect_test::expect;

use super::*;
use crate::difference::Difference;
use crate::judge::{Completeness, Judged};
use crate::scenario::{SCENARIOS, Scenario};

fn found(member: &str, known: Option<&'static str>) -> Found {
    let [event, member, aws, sandbox] =
        ["platform.report", member, "number", "–"].map(str::to_owned);
    let places = ["environment 1, event 7", "environment 1, event 12"].map(str::to_owned).to_vec();
    Found { difference: Difference { event, member, aws, sandbox }, places, known }
}

fn scenario(name: &str) -> &'static Scenario {
    SCENARIOS.iter().find(|it| it.name == name).unwrap()
}

fn row(scenario: &'static Scenario, architecture: Architecture, found: Vec<Found>) -> Row {
    let completeness = Completeness {
        invocations: 3,
        reported: 3,
        environments: 1,
        events: 23,
        ..Completeness::default()
    };
    Row { scenario, architecture, judged: Ok(Judged { found, completeness }) }
}

fn report() -> Report {
    let (x86, arm) = (Architecture::X86_64, Architecture::Arm64);
    let not_done = |it| Row {
        scenario: scenario("snap-start"),
        architecture: it,
        judged: Err("was refused:\nno | at all".to_owned()),
    };
    let cost = Cost { what: "init (ms)", with: Some((41.25, 8)), without: Some((30.0, 8)) };
    Report {
        stage: "dev".to_owned(),
        region: "eu-central-1".to_owned(),
        time: "2026-11-29T07:00:00Z".to_owned(),
        is_emulator: false,
        rows: vec![
            row(
                scenario("crash"),
                x86,
                vec![found("record.new", None), found("record.tracing", Some(KNOWN[0].reason))],
            ),
            not_done(x86),
            row(scenario("crash"), arm, Vec::new()),
            not_done(arm),
        ],
        costs: BTreeMap::from([
            ("arm64", Err("no log of an invocation had Lambda's report".to_owned())),
            ("x86_64", Ok(vec![cost])),
        ]),
        held: BTreeMap::from([("x86_64", vec![1.0, 9.0, 2.0])]),
        broken: 0,
        samples: vec!["crash-x86_64-1.ndjson".to_owned()],
    }
}

#[test]
fn the_report_names_what_differs_what_is_missing_and_what_was_not_done() {
    expect![[r"
        # Verification of kinesis-telemetry-extension 0.1.0

        The stage dev ran on AWS Lambda in eu-central-1. Time: 2026-11-29T07:00:00Z.

        ## Scenarios

        | scenario | x86_64 | arm64 |
        | --- | --- | --- |
        | crash | 1 difference | as in the sandbox |
        | snap-start | not done | not done |

        ## Not done

        | part | reason |
        | --- | --- |
        | cost on arm64 | no log of an invocation had Lambda's report |
        | snap-start on x86_64, snap-start on arm64 | was refused: no \| at all |

        ## Differences

        | scenario | event and member | Lambda has | sandbox has | place |
        | --- | --- | --- | --- | --- |
        | crash on x86_64 | platform.report: record.new | number | – | environment 1, event 7, and 1 more |

        ## Known differences

        | scenario | event and member | Lambda has | sandbox has | reason |
        | --- | --- | --- | --- | --- |
        | crash on x86_64 | platform.report: record.tracing | number | – | A trace is its caller's. The sandbox's callers send none. |

        Expected and not found:

        - the billed duration of a cold start includes its init: Lambda bills init since August 2025. The sandbox states the billed duration without it.
        - record.errorType: The sandbox limits no memory. A process that ends stands for one that Lambda kills.
        - record: The function is another one: SnapStart takes a managed runtime, which the sandbox has not.

        ## Completeness

        | scenario | invocations | environments | events | missing | duplicates | conflicting |
        | --- | --- | --- | --- | --- | --- | --- |
        | crash on x86_64 | 3 of 3 | 1 | 23 | 0 | 0 | 0 |
        | crash on arm64 | 3 of 3 | 1 | 23 | 0 | 0 | 0 |

        ## Cost, by Lambda's own reports

        | architecture | median | with the layer | without it | difference |
        | --- | --- | --- | --- | --- |
        | x86_64 | init (ms) | 41.2 (8) | 30.0 (8) | +11.2 |

        On x86_64, extensions held 3 invocations for 2.0 ms (median) and 9.0 ms at most.

        ## Samples

        Each file has the events of one environment, one a line, as Lambda wrote them but for the account.

        - samples/crash-x86_64-1.ndjson
    "]].assert_eq(&report().text());
}

/// Returns results as of an emulator that cannot do `SnapStart`.
fn good() -> Report {
    let mut report = Report { is_emulator: true, ..report() };
    report.rows.remove(0);
    report
}

#[test]
fn a_report_is_good_if_nothing_differs_but_what_is_known_and_nothing_is_missing() {
    assert!(good().is_good());
    let unknown = Report { is_emulator: true, ..report() };
    assert!(!unknown.is_good(), "an unknown difference");
    let broken = Report { broken: 1, ..good() };
    assert!(!broken.is_good(), "a line that is no event");
    assert!(broken.text().contains("1 lines of the stream are no events"));
    let mut incomplete = good();
    incomplete.rows[1].judged.as_mut().unwrap().completeness.reported = 2;
    assert!(!incomplete.is_good(), "an invocation without a report");
    assert!(incomplete.text().contains("as in the sandbox, not complete"));
}

#[test]
fn a_part_that_was_not_done_is_good_only_where_an_emulator_cannot_do_it() {
    let on_aws = Report { is_emulator: false, ..good() };
    assert!(!on_aws.is_good());
    let mut report = good();
    report.rows[1].judged = Err("was refused".to_owned());
    assert!(!report.is_good(), "an emulator can do it");
}

#[test]
fn a_report_of_an_emulator_says_that_it_says_nothing_about_aws() {
    let report = Report { is_emulator: true, ..report() };
    let text = report.text();
    assert!(text.contains("ran on an emulator of AWS"), "{text}");
    assert!(text.contains("It says nothing about AWS"), "{text}");
    assert!(!text.contains("extensions held"), "{text}");
}
