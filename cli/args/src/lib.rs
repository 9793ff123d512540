//! The command line of `kinesis-telemetry`, and the snippets that add the extension to a function.
//!
//! The program parses its arguments with these declarations; `cargo xtask synth` writes docs/reference.md from them. This crate
//! links no SDK, so that `xtask` builds quickly.

#![allow(clippy::doc_markdown, reason = "doc comments of options are the texts of --help")]

mod commands;
mod fleet;
mod operating;
mod reading;
mod since;
pub mod snippets;
mod target;

use clap::builder::Styles;
use clap::builder::styling::AnsiColor;
use clap::{Parser, ValueEnum};

pub use commands::Command;
pub use fleet::{Attach, Detach, Functions, Rollback, Run, Selection, TableFormat, Upgrade};
pub use operating::{Doctor, INVOCATIONS, Invoke, Outputs, Redrive};
pub use reading::{Completeness, Format, Order, Report, Tail, Top};
pub use since::Since;
pub use snippets::Snippet;
pub use target::{Deployment, Source};

/// The files that declare the command line, relative to the root of the repository.
pub const DECLARED_IN: [&str; 7] = [
    "cli/args/src/lib.rs",
    "cli/args/src/commands.rs",
    "cli/args/src/fleet.rs",
    "cli/args/src/operating.rs",
    "cli/args/src/reading.rs",
    "cli/args/src/snippets.rs",
    "cli/args/src/target.rs",
];

/// Colours of help texts.
const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Operates a deployment of kinesis-telemetry-extension: shows, checks and repairs the telemetry of Lambda functions.
#[derive(Parser, Clone, Debug, PartialEq)]
#[command(
    name = "kinesis-telemetry",
    version,
    styles = STYLES,
    max_term_width = 120,
    after_help = "\
Examples:
  kinesis-telemetry tail --since 5m --level warn  # the plain deployment
  kinesis-telemetry tail --stream orders          # any stream
  kinesis-telemetry doctor --function orders      # find out why nothing arrives

Credentials, endpoint, proxy and CA bundle come from the usual places of AWS tools: AWS_PROFILE, AWS_ACCESS_KEY_ID, \
AWS_ENDPOINT_URL, HTTPS_PROXY, NO_PROXY, AWS_CA_BUNDLE and the files in ~/.aws.

Exit codes: 0 success, 1 the command found a problem, 2 the command could not complete."
)]
pub struct CommandLine {
    /// The command.
    #[command(subcommand)]
    pub command: Command,
    /// Region, profile and colours.
    #[command(flatten)]
    pub global: Global,
}

/// Options of every command.
#[derive(clap::Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// AWS region; defaults to AWS_REGION or the profile's region. attach, upgrade, detach and rollback accept several.
    #[arg(long = "region", global = true, value_name = "REGION")]
    pub regions: Vec<String>,
    /// Profile in ~/.aws; defaults to AWS_PROFILE.
    #[arg(long, global = true, value_name = "PROFILE")]
    pub profile: Option<String>,
    /// When to use colours: auto (on a terminal, unless NO_COLOR is set), always or never.
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "WHEN",
        default_value_t,
        hide_possible_values = true
    )]
    pub color: Color,
}

/// When to use colours.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[cfg(test)]
mod tests;
