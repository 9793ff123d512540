//! Names in a deployment to AWS that several parts of the repository use, and the SSM parameters that publish them.

use crate::EXTENSION_NAME;

/// The path of this file, as the compiler states it.
pub const DECLARED_IN: &str = file!();

/// The instruction set of a function and of its layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// Lambda's default.
    X86_64,
    /// Graviton.
    Arm64,
}

impl Architecture {
    /// All architectures, Lambda's default first.
    pub const ALL: [Self; 2] = [Self::X86_64, Self::Arm64];

    /// Returns the name that Lambda uses (Lambda API reference, `Architectures`).
    pub const fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        }
    }

    /// Returns Rust's target triple. It is static (musl), so the binary runs on every runtime whatever its libc.
    pub const fn target(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64-unknown-linux-musl",
            Self::Arm64 => "aarch64-unknown-linux-musl",
        }
    }

    /// Returns the name of the layer, which is also the name of its zip without `.zip`.
    pub fn layer(self) -> String {
        format!("{EXTENSION_NAME}-{}", self.name())
    }

    /// Returns the name of the test function's zip, without `.zip`. The zip holds a `bootstrap`.
    pub fn test_function(self) -> String {
        format!("test-function-{}", self.name())
    }
}

/// The name of the zip of the completeness function, without `.zip`. The zip holds a `bootstrap` for
/// [`Architecture::Arm64`]. Only the construct deploys this function, so its architecture does not depend on that of
/// any other function.
pub const COMPLETENESS_FUNCTION: &str = "kinesis-telemetry-extension-completeness-arm64";

/// A value that a deployment publishes as an SSM parameter, so that other stacks only need its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SsmParameter {
    /// The name of the value in TypeScript.
    pub key: &'static str,
    /// The name of the SSM parameter.
    pub name: &'static str,
    /// A sentence that describes the value.
    pub doc: &'static str,
}

impl SsmParameter {
    /// Returns the name of the parameter in a named deployment, or in the unnamed one if `deployment` is none.
    pub fn of(&self, deployment: Option<&str>) -> String {
        let Some(deployment) = deployment else { return self.name.to_owned() };
        let rest = self.name.strip_prefix(ROOT).unwrap_or(self.name);
        format!("{ROOT}{deployment}/{rest}")
    }
}

/// The first word of the names of the stacks that `cargo xtask deploy` creates.
pub const STACK: &str = "KinesisTelemetry";

/// Returns the name of the stack that owns the stream and the published parameters of a stage.
pub fn stack_name(stage: &str, deployment: Option<&str>) -> String {
    let name = deployment.map(|name| format!("-{name}")).unwrap_or_default();
    format!("{STACK}-{stage}{name}")
}

/// The name of the deployment that `cargo xtask verify` makes and destroys. It has an additional stack, whose functions are compared
/// with the sandbox, and retains nothing.
pub const VERIFICATION: &str = "verification";

/// The path under which all SSM parameters are published.
pub const ROOT: &str = "/telemetry/kinesis/";

/// The longest name of a deployment, in characters. Stack names contain it and are limited to 128 characters
/// (`CloudFormation`, `CreateStack`).
pub const MOST_NAME_LENGTH: usize = 32;

/// The format of a deployment's name, as a regular expression and in words.
pub const NAME: (&str, &str) = (
    "^[a-z][a-z0-9-]{0,31}$",
    "1 to 32 of a-z 0-9 -, the first a letter, and not extension, runtime, stream, dead-letters, stack or test-function",
);

/// True if a deployment may have this name. The words that [`reserved`] returns are not allowed.
pub fn is_name(name: &str) -> bool {
    let is_good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    name.len() <= MOST_NAME_LENGTH
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(is_good)
        && !reserved().any(|word| word == name)
}

/// Returns the first path segment below [`ROOT`] of each parameter of an unnamed deployment.
pub fn reserved() -> impl Iterator<Item = &'static str> {
    SSM_PARAMETERS.iter().filter_map(|it| it.name.strip_prefix(ROOT)?.split('/').next())
}

/// All parameters that a deployment publishes.
pub const SSM_PARAMETERS: [SsmParameter; 9] = [
    SsmParameter {
        key: "layerArn",
        name: "/telemetry/kinesis/extension/arn",
        doc: "ARN of the layer version for x86_64, Lambda's default architecture. An arm64 function with this layer fails at init.",
    },
    SsmParameter {
        key: "layerArnX86_64",
        name: "/telemetry/kinesis/extension/x86_64/arn",
        doc: "ARN of the layer version for x86_64 functions.",
    },
    SsmParameter {
        key: "layerArnArm64",
        name: "/telemetry/kinesis/extension/arm64/arn",
        doc: "ARN of the layer version for arm64 functions.",
    },
    SsmParameter {
        key: "policyArn",
        name: "/telemetry/kinesis/runtime/policy/arn",
        doc: "ARN of the managed policy that allows a function's role to write to the stream.",
    },
    SsmParameter {
        key: "streamArn",
        name: "/telemetry/kinesis/stream/arn",
        doc: "ARN of the stream, for the extension's setting `STREAM`.",
    },
    SsmParameter {
        key: "deadLetterQueueUrl",
        name: "/telemetry/kinesis/dead-letters/url",
        doc: "URL of the dead-letter queue, for the setting `DEAD_LETTER_QUEUE_URL`.",
    },
    SsmParameter {
        key: "release",
        name: "/telemetry/kinesis/extension/release",
        doc: "Release of the construct package that deployed the layers.",
    },
    SsmParameter {
        key: "stackName",
        name: "/telemetry/kinesis/stack/name",
        doc: "Name of the stack that owns these parameters, except the test function's.",
    },
    SsmParameter {
        key: "testFunctionName",
        name: "/telemetry/kinesis/test-function/name",
        doc: "Name of the test function.",
    },
];

#[cfg(test)]
mod tests {
    use super::{
        Architecture, COMPLETENESS_FUNCTION, MOST_NAME_LENGTH, NAME, ROOT, SSM_PARAMETERS,
        VERIFICATION, is_name, reserved, stack_name,
    };

    #[test]
    fn a_named_deployment_publishes_under_its_name() {
        let [layer, ..] = SSM_PARAMETERS;
        assert_eq!(layer.of(None), "/telemetry/kinesis/extension/arn");
        assert_eq!(layer.of(Some("blue")), "/telemetry/kinesis/blue/extension/arn");
        assert!(SSM_PARAMETERS.iter().all(|it| it.name.starts_with(ROOT)));
    }

    #[test]
    fn a_stack_is_named_after_its_stage_and_its_deployment() {
        assert_eq!(stack_name("dev", None), "KinesisTelemetry-dev");
        assert_eq!(stack_name("dev", Some("blue")), "KinesisTelemetry-dev-blue");
    }

    #[test]
    fn a_name_is_a_short_word_that_no_parameter_begins_with() {
        let longest = "x".repeat(MOST_NAME_LENGTH);
        for good in ["blue", "team-7", "x", VERIFICATION, longest.as_str()] {
            assert!(is_name(good), "{good}");
        }
        let too_long = "x".repeat(MOST_NAME_LENGTH + 1);
        for bad in ["", "Blue", "7up", "a/b", "a_b", "two words", "runtime", too_long.as_str()] {
            assert!(!is_name(bad), "{bad}");
        }
        for word in reserved() {
            assert!(!is_name(word) && NAME.1.contains(word), "{word}");
        }
        assert!(NAME.0.contains(&(MOST_NAME_LENGTH - 1).to_string()));
        assert!(NAME.1.contains(&MOST_NAME_LENGTH.to_string()));
    }

    #[test]
    fn every_architecture_has_its_own_published_layer_arn() {
        for architecture in Architecture::ALL {
            let name = format!("/telemetry/kinesis/extension/{}/arn", architecture.name());
            assert!(SSM_PARAMETERS.iter().any(|it| it.name == name), "{name}");
        }
    }

    #[test]
    fn the_completeness_function_is_released_with_the_layers() {
        // The release includes every zip whose name starts with the extension's name.
        assert!(COMPLETENESS_FUNCTION.starts_with(crate::EXTENSION_NAME));
        assert!(COMPLETENESS_FUNCTION.ends_with(Architecture::Arm64.name()));
    }

    #[test]
    fn published_names_and_keys_are_unique_and_explained() {
        for (index, one) in SSM_PARAMETERS.iter().enumerate() {
            assert!(one.doc.ends_with('.'), "{}", one.name);
            let mut others = SSM_PARAMETERS[index + 1..].iter();
            assert!(others.all(|other| other.name != one.name && other.key != one.key));
        }
    }
}
