//! Checks that the programs have most of the functions that the list names.

use anyhow::{Result, bail};
use extension_spec::EXTENSION_NAME;
use extension_spec::deployment::Architecture;

use crate::support::workspace;
use crate::tools::build;
use crate::tools::link::{LIST, Share};

/// The least percentage of the list's names that a program must have. A missing name does no harm, but a list with many missing
/// names no longer describes how the extension runs.
const LEAST: usize = 90;

/// Fails if a program has too few of the functions that the list names. The programs must have been built.
pub(crate) fn check() -> Result<()> {
    let (target, list) = (workspace::target_dir()?, workspace::root().join(LIST));
    let mut problems = Vec::new();
    for architecture in Architecture::ALL {
        let share = Share::read(&list, &build::first_link(&target, EXTENSION_NAME, architecture))?;
        let (architecture, percent) = (architecture.name(), share.percent());
        let Share { found, listed } = share;
        println!("{architecture} has {found} of the {listed} functions in {LIST}: {percent} %");
        if percent < LEAST {
            problems.push(format!("{architecture} has {percent} %"));
        }
    }
    if !problems.is_empty() {
        bail!(
            "of the functions in {LIST} {}, and the least is {LEAST} %: record them again with cargo xtask order",
            problems.join(", ")
        );
    }
    Ok(())
}
