//! `synth`: writes the generated files, or says which are not as described.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;

use crate::project::project;

/// What `--check` ends with where something is not as described: 1 is an error's.
pub(crate) const STALE: u8 = 4;

/// Below `root`; what people read goes to `out`.
pub(crate) fn run(root: &Path, check: bool, out: &mut dyn Write) -> Result<ExitCode> {
    let plan = project().plan(root)?;
    if check {
        plan.report(out)?;
        return Ok(if plan.is_fresh() { ExitCode::SUCCESS } else { ExitCode::from(STALE) });
    }
    plan.apply()?;
    plan.summary(out)?;
    Ok(ExitCode::SUCCESS)
}
