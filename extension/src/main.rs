//! The process that Lambda starts from `/opt/extensions`.

use std::process::ExitCode;

use extension_spec::{EXTENSION_NAME, same};

// Lambda rejects an external extension whose file name differs from its registered name.
const _: () = assert!(same(env!("CARGO_BIN_NAME"), EXTENSION_NAME));

// musl's own allocator would double the CPU time of the data path.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> ExitCode {
    kinesis_telemetry_extension::main()
}
