//! Installs what the tests of `consumers` need under `target/consumers`, exactly as lock files state: the libraries that AWS has
//! published, for comparison, and Zstandard if Python or Node lacks it.

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::support::workspace;
use crate::tools::Tool;
use crate::tools::npm::Packages;
use crate::tools::python;

/// Installs the packages of this tool's language, unless they are installed already, and returns their folder.
pub(crate) fn install(tool: Tool, target: &Path) -> Result<PathBuf> {
    let (from, dir) = (workspace::root().join("xtask/pins/consumers"), target.join("consumers"));
    match tool {
        Tool::Node => {
            let packages = Packages {
                what: "the published libraries",
                from,
                into: dir.join("node"),
                log: dir.join("npm.log"),
                parts: &[
                    "node_modules/aws-kinesis-agg/index.js",
                    "node_modules/fzstd/lib/index.js",
                ],
            };
            packages.install()?;
            Ok(packages.into)
        }
        Tool::Python => {
            let into = dir.join("python");
            python::environment(&into, &from.join("requirements.txt"))?;
            Ok(into)
        }
        Tool::Unshare | Tool::Chromium => unreachable!("consumers are written in no such language"),
    }
}
