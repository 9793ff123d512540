//! The subcommands of `kinesis-telemetry`.

use std::path::PathBuf;

use clap::Subcommand;
use clap::builder::PossibleValuesParser;

use crate::fleet::{Attach, Detach, Functions, Rollback, Upgrade};
use crate::operating::{Doctor, Invoke, Outputs, Redrive};
use crate::reading::{Completeness, Report, Tail, Top};
use crate::target::name;

/// A command.
#[allow(missing_docs, reason = "the help of a command is that of its options")]
#[derive(Subcommand, Clone, Debug, PartialEq)]
pub enum Command {
    Tail(Tail),
    Top(Top),
    Report(Report),
    Completeness(Completeness),
    Doctor(Doctor),
    Functions(Functions),
    Attach(Attach),
    Upgrade(Upgrade),
    Detach(Detach),
    Rollback(Rollback),
    Outputs(Outputs),
    Invoke(Invoke),
    Redrive(Redrive),
    /// Print the account and region that the credentials lead to, and the deployment there, as JSON.
    #[command(
        hide = true,
        after_help = "cargo xtask runs this before it deploys. Exit code: 0, or 2 with the reason within ten seconds."
    )]
    Preflight {
        /// Name of the deployment; omit it for the plain deployment, which has none.
        #[arg(long, value_name = "NAME", value_parser = name)]
        name: Option<String>,
    },
    /// Print a completion script for a shell.
    #[command(after_help = "\
Examples:
  kinesis-telemetry completions bash > ~/.local/share/bash-completion/completions/kinesis-telemetry
  kinesis-telemetry completions zsh > \"${fpath[1]}/_kinesis-telemetry\"
  kinesis-telemetry completions fish > ~/.config/fish/completions/kinesis-telemetry.fish")]
    Completions {
        /// The shell.
        #[arg(value_name = "SHELL", value_parser = PossibleValuesParser::new(["bash", "elvish", "fish", "powershell", "zsh"]))]
        shell: String,
    },
    /// Print the manual page, or write the pages of all commands into a folder.
    #[command(after_help = "\
Examples:
  kinesis-telemetry man | man -l -
  kinesis-telemetry man --folder ~/.local/share/man/man1")]
    Man {
        /// Folder that receives one page for each command.
        #[arg(long, value_name = "FOLDER")]
        folder: Option<PathBuf>,
    },
}
