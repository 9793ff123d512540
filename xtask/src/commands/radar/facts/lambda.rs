//! Lambda.

use super::Subject::{Member, Operation, Shape};
use super::What::{Enum, Max, Names, Says};
use super::{MIB, Row, at, reads};

const LIMITS: &str = "extension/spec/src/limits.rs";
const OPTIONS: &str = "sandbox/src/options.rs";
const CLI: &str = "sandbox/src/cli.rs";
const DOCTOR: &str = "cli/src/doctor/function.rs";

pub(super) fn rows() -> Vec<Row> {
    [limits(), choices(), states()].into_iter().flatten().collect()
}

fn limits() -> Vec<Row> {
    let timeout = Member("CreateFunctionRequest", "Timeout");
    let lifecycle = "docs/lifecycle.md";
    vec![
        (
            timeout,
            Says("the maximum allowed value is # seconds"),
            vec![
                at(LIMITS, "const FUNCTION_TIMEOUT_MS: u64 = #;").times(1_000),
                at(lifecycle, "timeout that Lambda allows (# s,"),
            ],
        ),
        (
            timeout,
            Says("support a maximum allowed value of # seconds"),
            vec![
                at(LIMITS, "const MANAGED_FUNCTION_TIMEOUT_MS: u64 = #;").times(1_000),
                at(lifecycle, "and # s on managed instances)"),
            ],
        ),
        (
            Shape("Timeout"),
            Max,
            vec![at(LIMITS, "const MANAGED_FUNCTION_TIMEOUT_MS: u64 = #;").times(1_000)],
        ),
        (
            timeout,
            Says("The default is # seconds"),
            vec![
                at(OPTIONS, "timeout: Duration::from_secs(#), max_concurrency"),
                at(CLI, "\"timeout-ms\", value_name = \"N\", value_parser = milliseconds, default_value = \"#\"")
                    .times(1_000),
            ],
        ),
        (
            Member("CreateFunctionRequest", "MemorySize"),
            Says("The default value is # MB"),
            vec![
                at(OPTIONS, "memory_mb: #,"),
                at(CLI, "default_value_t = #)] memory: u32"),
                at("extension/src/control/config.rs", "size.parse().ok()) .unwrap_or(#)"),
            ],
        ),
        (
            Shape("EphemeralStorageSize"),
            Max,
            vec![at("extension/spec/src/params.rs", "SPILL_MAX_BYTES, in (0, #)").times(MIB)],
        ),
        (
            Operation("Invoke"),
            Says("For synchronous invocations, the maximum payload size is # MB"),
            vec![
                at("sandbox/src/api/runtime.rs", "const MAX_RESPONSE: usize = # + 100;").times(MIB),
                at("docs/consuming.md", "an invocation takes # MiB after base64"),
                at("docs/consuming.md", "must stay below # MB"),
                at("consumers/python/firehose.py", "RESPONSE_BYTES = #")
                    .times(MIB)
                    .within("the rest is room for what stands around the data"),
            ],
        ),
    ]
}

fn choices() -> Vec<Row> {
    let deployment = "extension/spec/src/deployment.rs";
    vec![
        (
            Shape("Architecture"),
            Enum,
            vec![
                at(
                    deployment,
                    "(Lambda API reference, `Architectures`). pub const fn name(self) -> &'static str { match self {#} }",
                ),
                at("cdk/lib/attachment.ts", "return name === # ? name : refuse("),
            ],
        ),
        (
            Member("CreateFunctionRequest", "Architectures"),
            Names("The default value is #."),
            vec![
                at(deployment, "layer version for #, Lambda's default"),
                at(DOCTOR, ".map_or(#, |it| it.as_str())"),
            ],
        ),
        (
            Shape("ApplicationLogLevel"),
            Enum,
            vec![
                at(
                    "extension/spec/src/level.rs",
                    "pub const fn word(self) -> &'static str { match self {#} }",
                ),
                at("extension/spec/src/types.rs", "(function|extension)(:(#))?)$"),
            ],
        ),
        (
            Shape("LogFormat"),
            Enum,
            vec![at("sandbox/src/environment.rs", "let format = match options.log_format {#};")],
        ),
        (
            Shape("FunctionResponseType"),
            Enum,
            vec![at("docs/consuming.md", "| `FunctionResponseTypes` | # |")],
        ),
        (
            Shape("Runtime"),
            Enum,
            vec![
                at("cli/args/src/snippets.rs", "Runtime: # Architectures").within("an example"),
                at("cli/args/src/snippets.rs", "runtime = \\\"#\\\"").within("an example"),
                at("sandbox/src/environment.rs", "\"AWS_Lambda_#\"").within("the sandbox's own"),
            ],
        ),
    ]
}

fn states() -> Vec<Row> {
    vec![
        (
            Shape("PackageType"),
            Enum,
            vec![reads(DOCTOR, "Some(&PackageType::Image)", &["Zip", "Image"])],
        ),
        (
            Shape("State"),
            Enum,
            vec![reads(
                DOCTOR,
                "(Some(State::Failed), _) =>",
                &[
                    "Pending",
                    "Active",
                    "Inactive",
                    "Failed",
                    "Deactivating",
                    "Deactivated",
                    "ActiveNonInvocable",
                    "Deleting",
                ],
            )],
        ),
        (
            Shape("LastUpdateStatus"),
            Enum,
            vec![reads(
                DOCTOR,
                "(_, Some(LastUpdateStatus::Failed)) =>",
                &["Successful", "Failed", "InProgress"],
            )],
        ),
    ]
}
