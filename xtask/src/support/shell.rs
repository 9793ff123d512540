//! Runs short programs, such as `git ls-files` and `rustc --print sysroot`, with xshell.
//!
//! A child of xshell is in the process group of this process, which waits for it. Ctrl-C on a terminal reaches both, but SIGTERM
//! to this process alone does not reach the child: this process ends only after the child has. So programs that can take longer
//! use [`process`], which ends them and all that they start: builds, tests, installers, and programs that use the network (`npm
//! view`, `git ls-remote`, `cargo metadata` with all dependencies).

use std::process::Output;

use anyhow::Result;
use xshell::{Cmd, Shell};

use crate::support::process;
use crate::support::root;

/// Returns a shell in the root of the checkout.
pub(crate) fn shell() -> Result<Shell> {
    let shell = Shell::new()?;
    shell.change_dir(root::find_root()?);
    Ok(shell)
}

/// Runs a program that must succeed; returns what it wrote to stdout, without the last line break. Its stderr is passed through.
pub(crate) fn read(command: Cmd<'_>) -> Result<String> {
    process::check()?;
    let text = command.quiet().read();
    process::check()?;
    Ok(text?)
}

/// Runs a program; returns how it ended and what it wrote.
pub(crate) fn output(command: Cmd<'_>) -> Result<Output> {
    process::check()?;
    let output = command.quiet().ignore_status().output();
    process::check()?;
    Ok(output?)
}
