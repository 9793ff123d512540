use std::fmt::Write as _;

use expect_test::expect_file;

use super::*;

#[test]
fn the_table_equals_the_reviewed_one() {
    let mut table = String::from(
        "# The lifecycle, as drawn by its test\n\n```mermaid\nstateDiagram-v2\n    [*] --> Starting\n",
    );
    for phase in Phase::ALL {
        for event in Event::ALL {
            let (next, action) = phase.on(event);
            if action != Action::Nothing {
                writeln!(table, "    {phase:?} --> {next:?}: {event:?} / {action:?}").unwrap();
            }
        }
    }
    table.push_str("    Done --> [*]\n```\n\nEvery other pair changes nothing.\n");
    expect_file!["table.md"].assert_eq(&table);
}

#[test]
fn the_document_has_the_same_diagram() {
    let fence = |text: &'static str| text.split("```").find(|it| it.starts_with("mermaid"));
    let document = include_str!("../../../../docs/lifecycle.md");
    assert_eq!(fence(document), fence(include_str!("table.md")));
}

#[test]
fn a_pair_without_an_action_keeps_its_phase() {
    for phase in Phase::ALL {
        for event in Event::ALL {
            let (next, action) = phase.on(event);
            assert!(action != Action::Nothing || next == phase, "{phase:?} on {event:?}");
        }
    }
}

#[test]
fn every_life_ends() {
    for phase in Phase::ALL {
        let end = [Event::Shutdown, Event::Settled, Event::Flushed]
            .into_iter()
            .fold(phase, |phase, event| phase.on(event).0);
        assert_eq!(end, Phase::Done, "from {phase:?}");
    }
}

#[test]
fn a_refused_process_delivers_and_exits() {
    let ends = [Phase::Draining, Phase::Done];
    for phase in Phase::ALL.into_iter().filter(|phase| !ends.contains(phase)) {
        assert_eq!(phase.on(Event::Refused), (Phase::Draining, Action::Deliver));
    }
    assert_eq!(Phase::Draining.on(Event::Flushed), (Phase::Done, Action::Exit));
}

#[test]
fn next_is_called_only_on_the_way_to_idle() {
    for phase in Phase::ALL {
        for event in Event::ALL {
            let (next, action) = phase.on(event);
            assert_eq!(action == Action::Next, next == Phase::Idle && action != Action::Nothing);
        }
    }
}

impl Phase {
    /// Every phase, in the order of a process's life.
    const ALL: [Self; 8] = [
        Self::Starting,
        Self::Capturing,
        Self::Idle,
        Self::Invoking,
        Self::Flushing,
        Self::Settling,
        Self::Draining,
        Self::Done,
    ];
}

impl Event {
    /// Every event.
    const ALL: [Self; 10] = [
        Self::Started,
        Self::SnapshotAhead,
        Self::InvokeHeld,
        Self::InvokeSent,
        Self::InvokePassed,
        Self::RuntimeDone,
        Self::Flushed,
        Self::Shutdown,
        Self::Settled,
        Self::Refused,
    ];
}
