//! Chooses what the picture shows of a report. Pure.

use crate::report::{Function, Program, Report};

/// Groups of bars on one scale.
pub(super) struct Panel {
    pub(super) title: &'static str,
    pub(super) unit: &'static str,
    pub(super) groups: Vec<Group>,
}

/// Bars that are compared with each other, and with the floor.
pub(super) struct Group {
    pub(super) title: &'static str,
    pub(super) floor: Option<f64>,
    pub(super) bars: Vec<Bar>,
}

pub(super) struct Bar {
    pub(super) label: String,
    pub(super) value: f64,
    /// The worst case, where it is known.
    pub(super) worst: Option<f64>,
    pub(super) is_ours: bool,
}

impl Panel {
    /// Returns the largest value, which the scale must hold.
    pub(super) fn most(&self) -> f64 {
        let of_group = |group: &Group| {
            let bars = group.bars.iter().map(|bar| bar.worst.unwrap_or(0.0).max(bar.value));
            bars.fold(group.floor.unwrap_or(0.0), f64::max)
        };
        self.groups.iter().map(of_group).fold(0.0, f64::max)
    }
}

/// Returns the panels of a report, without groups that compare nothing.
pub(super) fn panels(report: &Report) -> Vec<Panel> {
    let programs = report.programs.as_slice();
    let group = |title, value: fn(&Program) -> Option<f64>| group(programs, title, value);
    let panels = [
        Panel {
            title: "Start of the extension",
            unit: "ms",
            groups: vec![
                group("until it registers", |it| it.register_ms),
                group("until its first next", |it| it.next_ms),
                group("until its first record, over TLS", |it| it.first_record_ms),
            ],
        },
        Panel {
            title: "Memory after one invocation",
            unit: "MiB",
            groups: vec![
                group("resident", |it| it.resident_kib.map(|kib| kib / 1024.0)),
                group("of that private", |it| it.private_kib.map(|kib| kib / 1024.0)),
            ],
        },
        Panel {
            title: "CPU per event",
            unit: "µs",
            groups: vec![
                group("200,000 lines at once", |it| it.flood_cpu_us_per_event),
                group("100 lines an invocation", |it| it.hundred_lines_cpu_us_per_event),
                group("100 lines, each delivered", |it| {
                    it.hundred_lines_delivered_each_cpu_us_per_event
                }),
            ],
        },
        Panel {
            title: "Time added to an invocation: median, and the longest hold as a line",
            unit: "ms",
            groups: report.functions.first().map(added).into_iter().collect(),
        },
    ];
    let compares =
        |group: &Group| group.bars.len() > 1 || group.floor.is_some() && !group.bars.is_empty();
    let panels = panels.into_iter().map(|mut panel| {
        panel.groups.retain(compares);
        panel
    });
    panels.filter(|panel| !panel.groups.is_empty()).collect()
}

/// The programs but for the floor, which is a line, and the control, which is below it.
fn group(programs: &[Program], title: &'static str, value: fn(&Program) -> Option<f64>) -> Group {
    let bar = |(n, it): (usize, &Program)| {
        let bar = Bar { label: it.name.clone(), value: value(it)?, worst: None, is_ours: n == 0 };
        (n == 0 || n > 2).then_some(bar)
    };
    Group {
        title,
        floor: programs.get(1).and_then(value),
        bars: programs.iter().enumerate().filter_map(bar).collect(),
    }
}

/// The time that each way of flushing adds. The floor adds nothing to itself.
fn added(function: &Function) -> Group {
    let bars = function.extensions.iter().filter_map(|it| {
        let is_ours = ["adaptive", "start", "end"].contains(&it.name.as_str());
        let label = if is_ours { format!("FLUSH={}", it.name) } else { it.name.clone() };
        let (value, worst) = (it.added_p50_ms?.max(0.0), it.longest_hold_ms);
        Some(Bar { label, value, worst, is_ours })
    });
    Group { title: "10 lines, 20 ms of work", floor: Some(0.0), bars: bars.collect() }
}

#[cfg(test)]
mod tests {
    use super::panels;
    use crate::report::{Program, Report};

    fn program(name: &str, next_ms: f64) -> Program {
        Program { name: name.to_owned(), next_ms: Some(next_ms), ..Program::default() }
    }

    fn report(programs: Vec<Program>) -> Report {
        Report {
            date: String::new(),
            machine: String::new(),
            tmp: None,
            rounds: 1,
            programs,
            round_trip_ms: 10.0,
            functions: Vec::new(),
        }
    }

    #[test]
    fn the_floor_is_a_line_and_the_others_are_bars() {
        let programs = [("ours", 1.5), ("floor", 1.0), ("control", 0.5), ("peer", 9.0)];
        let panels = panels(&report(programs.map(|(name, next)| program(name, next)).into()));
        let [panel] = panels.as_slice() else { panic!("one panel has numbers") };
        let [group] = panel.groups.as_slice() else { panic!("one group has numbers") };
        let bars: Vec<_> = group.bars.iter().map(|bar| (bar.label.as_str(), bar.value)).collect();
        assert_eq!((group.floor, bars), (Some(1.0), vec![("ours", 1.5), ("peer", 9.0)]));
    }

    #[test]
    fn a_bar_without_a_floor_or_another_bar_is_left_out() {
        let ours = Program { first_record_ms: Some(3.0), ..Program::default() };
        assert!(panels(&report(vec![ours, Program::default()])).is_empty());
    }
}
