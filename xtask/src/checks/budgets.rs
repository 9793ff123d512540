//! Compares sizes, crates, memory and instructions with reviewed numbers, so that they do not grow unseen. Times are not
//! compared, because they do not repeat exactly: `cargo xtask bench` prints them.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};
use extension_spec::EXTENSION_NAME;
use extension_spec::deployment::Architecture;
use serde::Deserialize;

use crate::support::process;
use crate::support::workspace;
use crate::tools::apt::{self, VALGRIND};
use crate::tools::build::{self, BENCH, LAYERS};
use crate::tools::graph::Graph;

/// A number that was reviewed.
struct Budget {
    what: &'static str,
    reviewed: u64,
    /// The deviation, in percent, that occurs without any change.
    tolerance: u64,
}

const fn budget(what: &'static str, reviewed: u64, tolerance: u64) -> Budget {
    Budget { what, reviewed, tolerance }
}

const PROGRAM: [&str; 2] = ["program for x86_64, bytes", "program for arm64, bytes"];
const ZIP: [&str; 2] = ["layer zip for x86_64, bytes", "layer zip for arm64, bytes"];
const CRATES: &str = "crates in the program";
const PEAK: &str = "most resident after one invocation, KiB";
const TO_NEXT: &str = "instructions to the first next";
const TO_RECORD: &str = "instructions to the first record";

/// All reviewed numbers. Compilers of one version make the same program everywhere, but its pages and its random numbers differ.
const BUDGETS: [Budget; 8] = [
    budget(PROGRAM[0], 4_570_640, 1),
    budget(PROGRAM[1], 4_087_232, 1),
    budget(ZIP[0], 2_305_205, 1),
    budget(ZIP[1], 2_255_221, 1),
    budget(CRATES, 105, 0),
    // It depends on how the file lies in the page cache: from 2,944 to 3,256 were observed.
    budget(PEAK, 3_100, 8),
    budget(TO_NEXT, 204_300, 5),
    budget(TO_RECORD, 4_963_000, 5),
];

/// Checks the layers, which must have been packaged.
pub(crate) fn sizes() -> Result<()> {
    let folder = workspace::target_dir()?;
    let mut measured = Vec::new();
    for (index, architecture) in Architecture::ALL.into_iter().enumerate() {
        let program = build::program(&folder, EXTENSION_NAME, architecture);
        let zip = folder.join(LAYERS).join(build::zip(architecture));
        for (what, path) in [(PROGRAM[index], program), (ZIP[index], zip)] {
            let file = fs::metadata(&path);
            let file = file.with_context(|| format!("{} is not there", path.display()))?;
            measured.push((what, file.len()));
        }
    }
    let shipped = Graph::shipped(EXTENSION_NAME, Architecture::X86_64.target())?;
    measured.push((CRATES, shipped.linked_by(EXTENSION_NAME).len() as u64));
    hold(&measured)
}

/// Checks the program for `x86_64`. On other processors, valgrind counts different instructions, and pages have other sizes.
pub(crate) fn start() -> Result<()> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Counted {
        instructions_to_next: u64,
        instructions_to_record: u64,
        peak_kib: u64,
    }
    apt::require(&[VALGRIND])?;
    let target = workspace::target_dir()?;
    let programs = workspace::build(&[BENCH])?;
    let mut bench = Command::new(programs.get(BENCH).context("cargo did not build xtask-bench")?);
    let program = build::program(&target, EXTENSION_NAME, Architecture::X86_64);
    let (exit, json) = process::output(BENCH, bench.arg("count").arg("--program").arg(program))?;
    if !exit.success() {
        bail!("the start cannot be measured");
    }
    let counted: Counted =
        serde_json::from_str(&json).context("xtask-bench printed unexpected output")?;
    hold(&[
        (TO_NEXT, counted.instructions_to_next),
        (TO_RECORD, counted.instructions_to_record),
        (PEAK, counted.peak_kib),
    ])
}

/// Prints how each number compares with its budget. Fails with all that have grown.
fn hold(measured: &[(&str, u64)]) -> Result<()> {
    let mut problems = Vec::new();
    for (what, measured) in measured {
        let budget = BUDGETS.iter().find(|budget| budget.what == *what);
        let budget = budget.with_context(|| format!("there is no reviewed number for {what}"))?;
        println!("{what}: {}", budget.words(*measured));
        problems.extend(budget.problem(*measured));
    }
    if problems.is_empty() { Ok(()) } else { bail!("{}", problems.join("\n")) }
}

impl Budget {
    fn words(&self, measured: u64) -> String {
        let Self { reviewed, .. } = self;
        match measured.cmp(reviewed) {
            std::cmp::Ordering::Equal => format!("{measured}, as reviewed"),
            _ => format!("{measured}, {} ({reviewed} reviewed)", self.change(measured)),
        }
    }

    fn change(&self, measured: u64) -> String {
        #[expect(clippy::cast_precision_loss, reason = "a percentage for people")]
        let percent = (measured as f64 / self.reviewed as f64 - 1.0) * 100.0;
        format!("{percent:+.1} %")
    }

    /// Describes what grew by how much, and what to do.
    fn problem(&self, measured: u64) -> Option<String> {
        let Self { what, reviewed, tolerance } = self;
        let most = reviewed + reviewed * tolerance / 100;
        (measured > most).then(|| {
            format!(
                "{what}: {measured}, {} against the {reviewed} that were reviewed, and {tolerance} % are tolerated; find out \
                 what grew, or accept it by writing {measured} into BUDGETS in {}",
                self.change(measured),
                file!()
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::budget;

    #[test]
    fn what_has_grown_is_said_with_how_much_and_how_to_accept_it() {
        let budget = budget("program, bytes", 1000, 2);
        assert_eq!(budget.problem(1020), None, "within what is tolerated");
        assert_eq!(budget.problem(10), None, "less is welcome");
        let problem = budget.problem(1100).unwrap();
        for words in ["program, bytes: 1100, +10.0 %", "1000", "2 %", "writing 1100 into BUDGETS"] {
            assert!(problem.contains(words), "{problem}");
        }
    }

    #[test]
    fn what_is_as_reviewed_is_said_in_few_words() {
        let budget = budget("crates", 100, 0);
        assert_eq!(budget.words(100), "100, as reviewed");
        assert_eq!(budget.words(99), "99, -1.0 % (100 reviewed)");
    }
}
