//! What a deployment to AWS consists of, as far as several rooms must know: names, and where they are published.

use crate::EXTENSION_NAME;

/// The file in which all this is said, as the compiler names it.
pub const DECLARED_IN: &str = file!();

/// Instruction set of a function, and of the layer that fits it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// Lambda's default.
    X86_64,
    /// Graviton.
    Arm64,
}

impl Architecture {
    /// All of them; Lambda's default first.
    pub const ALL: [Self; 2] = [Self::X86_64, Self::Arm64];

    /// As Lambda names it (Lambda API reference, `Architectures`).
    pub const fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        }
    }

    /// As Rust names it: a static binary runs on every runtime, whatever its libc.
    pub const fn target(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64-unknown-linux-musl",
            Self::Arm64 => "aarch64-unknown-linux-musl",
        }
    }

    /// Name of the layer, and of its zip without `.zip`.
    pub fn layer(self) -> String {
        format!("{EXTENSION_NAME}-{}", self.name())
    }
}

/// A value that a deployment publishes as an SSM parameter, so that functions of other stacks need to know a name only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// As TypeScript calls it.
    pub key: &'static str,
    /// Name of the SSM parameter.
    pub name: &'static str,
    /// A sentence that says what its value is.
    pub doc: &'static str,
}

/// Everything that a deployment publishes.
pub const PUBLISHED: [Published; 4] = [
    Published {
        key: "layerArn",
        name: "/telemetry/kinesis/extension/arn",
        doc: "ARN of the x86_64 layer version, x86_64 being Lambda's default. An arm64 function fails at init with it.",
    },
    Published {
        key: "layerArnX86_64",
        name: "/telemetry/kinesis/extension/x86_64/arn",
        doc: "ARN of the layer version for x86_64 functions.",
    },
    Published {
        key: "layerArnArm64",
        name: "/telemetry/kinesis/extension/arm64/arn",
        doc: "ARN of the layer version for arm64 functions.",
    },
    Published {
        key: "policyArn",
        name: "/telemetry/kinesis/runtime/policy/arn",
        doc: "ARN of the managed policy that a function's role needs to write to the stream.",
    },
];

#[cfg(test)]
mod tests {
    use super::{Architecture, PUBLISHED};

    #[test]
    fn every_architecture_has_a_layer_arn_of_its_own_that_is_published() {
        for architecture in Architecture::ALL {
            let name = format!("/telemetry/kinesis/extension/{}/arn", architecture.name());
            assert!(PUBLISHED.iter().any(|it| it.name == name), "{name}");
        }
    }

    #[test]
    fn published_names_and_keys_are_unique_and_explained() {
        for (index, one) in PUBLISHED.iter().enumerate() {
            assert!(one.doc.ends_with('.'), "{}", one.name);
            let mut others = PUBLISHED[index + 1..].iter();
            assert!(others.all(|other| other.name != one.name && other.key != one.key));
        }
    }
}
