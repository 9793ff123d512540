//! The command line of the program.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use extension_sandbox::{LogFormat, Mode, Options, Program};

/// A Lambda execution environment on this machine: runs a function with extensions, as Lambda does
#[derive(Debug, Parser)]
#[command(
    name = "extension-sandbox",
    after_help = "Prints one JSON object a line on stdout: init, each invocation, shutdown.\n\
                  Lines of the extensions go to stderr, and the last ones of a function that fails."
)]
pub(crate) struct Cli {
    /// An external extension; may be given several times
    #[arg(long, value_name = "PATH", value_parser = program)]
    extension: Vec<Program>,
    /// The function: an executable that speaks the Runtime API
    #[arg(long, value_name = "PATH", value_parser = program)]
    function: Program,
    /// How Lambda runs the function
    #[arg(long, value_parser = modes(), default_value = Mode::OnDemand.initialization_type())]
    pub(crate) mode: Mode,
    /// Number of concurrent invocations on a managed instance
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(crate) concurrency: u32,
    /// The tenant for whom the environment runs
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// Number of invocations
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) invocations: u64,
    /// Pause between invocations, in which everything is frozen
    #[arg(long = "interval-ms", value_name = "N", value_parser = milliseconds, default_value = "0")]
    pub(crate) interval: Duration,
    /// Payload of an invocation; can be repeated, and the last one is used for all later invocations
    #[arg(long, value_name = "JSON", default_value = "{}")]
    payload: Vec<String>,
    /// Timeout of the function
    #[arg(long = "timeout-ms", value_name = "N", value_parser = milliseconds, default_value = "3000")]
    timeout: Duration,
    /// Memory of the function in MB, as its environment says
    #[arg(long, value_name = "N", default_value_t = 128)]
    memory: u32,
    /// The function's log format
    #[arg(long, value_name = "FORMAT", value_parser = log_formats(), default_value = "text")]
    log_format: LogFormat,
    /// A variable of the function's configuration; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
    env: Vec<(String, String)>,
    /// File for every telemetry event that was generated, one a line, and whether it was acknowledged
    #[arg(long, value_name = "PATH")]
    pub(crate) journal: Option<PathBuf>,
    /// Do not stop processes between invocations
    #[arg(long)]
    no_freeze: bool,
    /// End when stdin closes, so that the sandbox ends with its parent
    #[arg(long)]
    pub(crate) until_stdin_closes: bool,
}

impl Cli {
    /// Returns what to run, for [`Sandbox::new`](extension_sandbox::Sandbox::new).
    pub(crate) fn options(&self) -> Options {
        Options {
            mode: self.mode,
            max_concurrency: self.concurrency.max(1),
            tenant: self.tenant.clone(),
            extensions: self.extension.clone(),
            function: self.function.clone(),
            environment: self.env.clone(),
            memory_mb: self.memory,
            timeout: self.timeout,
            log_format: self.log_format,
            freezes: !self.no_freeze,
            echo: true,
            ..Options::default()
        }
    }

    /// Returns the payload of an invocation, the first of which has the number 0.
    pub(crate) fn payload(&self, invocation: u64) -> String {
        let given = usize::try_from(invocation).ok().and_then(|at| self.payload.get(at));
        given.or(self.payload.last()).cloned().unwrap_or_default()
    }
}

/// Returns the absolute path of a program. Symbolic links stay, because an extension is named after its file.
fn program(text: &str) -> Result<Program, String> {
    let path = Path::new(text);
    match path.metadata() {
        Ok(found) if found.is_file() => {
            std::path::absolute(path).map(Program::from).map_err(|it| it.to_string())
        }
        Ok(_) => Err("this is no file: it must be a program".to_owned()),
        Err(error) => Err(format!("there is no such program: {error}")),
    }
}

fn modes() -> impl TypedValueParser<Value = Mode> {
    PossibleValuesParser::new(Mode::ALL.map(Mode::initialization_type)).try_map(|name| {
        let mode = Mode::ALL.into_iter().find(|mode| mode.initialization_type() == name);
        mode.ok_or("there is no such mode")
    })
}

fn log_formats() -> impl TypedValueParser<Value = LogFormat> {
    PossibleValuesParser::new(["text", "json"]).map(|name| match name.as_str() {
        "json" => LogFormat::Json,
        _ => LogFormat::Text,
    })
}

fn milliseconds(text: &str) -> Result<Duration, std::num::ParseIntError> {
    text.parse().map(Duration::from_millis)
}

fn variable(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("must be NAME=VALUE"),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_last_payload_is_that_of_all_further_invocations() {
        let given = |payloads: &[&str]| {
            let options = payloads.iter().flat_map(|it| ["--payload", it]);
            let program = ["extension-sandbox", "--function", "/bin/sh"];
            let cli = Cli::parse_from(program.into_iter().chain(options));
            [0, 1, 2].map(|n| cli.payload(n))
        };
        assert_eq!(given(&[]), ["{}", "{}", "{}"]);
        assert_eq!(given(&["1"]), ["1", "1", "1"]);
        assert_eq!(given(&["1", "2"]), ["1", "2", "2"]);
    }

    #[test]
    fn every_mode_can_be_asked_for() {
        for mode in Mode::ALL {
            let name = mode.initialization_type();
            let cli =
                Cli::parse_from(["extension-sandbox", "--function", "/bin/sh", "--mode", name]);
            assert_eq!(cli.options().mode, mode);
        }
    }
}
