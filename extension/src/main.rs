//! The process that Lambda starts from `/opt/extensions`.

use std::process::ExitCode;

use extension_spec::{EXTENSION_NAME, same};
use kinesis_telemetry_extension::control::config::Environment;
use kinesis_telemetry_extension::control::start;

// Lambda refuses an external extension whose file name is not its registered name.
const _: () = assert!(same(env!("CARGO_BIN_NAME"), EXTENSION_NAME));

// musl's own allocator would double the CPU of the data path.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> ExitCode {
    // `vars` would panic at a variable that is not Unicode, and the environment is the function's too.
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let environment = Environment::read(variables);
    // One thread: the extension shares a slice of a CPU with the function.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime {
        Ok(runtime) => {
            let end = runtime.block_on(start::start(environment));
            // Without waiting: a look-up of a name may hang for longer than Lambda lets us live.
            runtime.shutdown_background();
            ExitCode::from(end as u8)
        }
        Err(error) => {
            kinesis_telemetry_extension::base::log::error(&format!("cannot start: {error}"));
            ExitCode::FAILURE
        }
    }
}
