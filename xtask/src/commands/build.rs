//! `build`: builds the programs that ship. They are static, and the same on every machine.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use clap::builder::PossibleValuesParser;
use extension_spec::EXTENSION_NAME;
use extension_spec::deployment::Architecture;

use crate::tools::build::{self, CLI, TEST_FUNCTION};

/// The name of every architecture together.
const ALL: &str = "all";

/// Build the extension as it ships, and the test function: static programs for each architecture.
#[derive(Args)]
#[command(after_help = "Needs Python, for the C compiler, which is installed under target/.")]
pub(crate) struct Options {
    #[command(flatten)]
    architectures: Architectures,
    /// Build the command-line tool kinesis-telemetry instead.
    #[arg(long)]
    cli: bool,
}

/// The architectures that a command builds for.
#[derive(Args)]
pub(crate) struct Architectures {
    /// For which functions.
    #[arg(
        long,
        value_name = "ARCHITECTURE",
        default_value = ALL,
        value_parser = PossibleValuesParser::new(Architecture::ALL.map(Architecture::name).into_iter().chain([ALL]))
    )]
    arch: String,
}

impl Architectures {
    /// Returns the architectures that were asked for.
    pub(super) fn selected(&self) -> Vec<Architecture> {
        let is_meant = |it: &Architecture| self.arch == ALL || self.arch == it.name();
        Architecture::ALL.into_iter().filter(is_meant).collect()
    }
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let architectures = options.architectures.selected();
    let packages: &[&str] = if options.cli { &[CLI] } else { &[EXTENSION_NAME, TEST_FUNCTION] };
    for package in packages {
        for path in build::programs(package, &architectures)?.values() {
            println!("{}", path.display());
        }
    }
    Ok(ExitCode::SUCCESS)
}
