//! Steps that several workflows take.

use super::model::Step;
use crate::project::pins;

/// The repository, and no credentials for the steps that follow.
pub(super) fn checkout() -> Step {
    Step::uses("Check out", pins::CHECKOUT, [("persist-credentials", "false")])
}

/// The pinned toolchain, for all that follow.
pub(super) fn rust() -> Step {
    rust_of(pins::RUST.version)
}

/// Installs this toolchain, which may be an expression.
pub(super) fn rust_of(version: &'static str) -> Step {
    let install = "rustup toolchain install \"$RUST\" --profile minimal --component clippy,rustfmt";
    Step::run("Install Rust", format!("{install}\nrustup default \"$RUST\"\n"))
        .env([("RUST", version)])
}

pub(super) fn node() -> Step {
    node_of(pins::NODE)
}

/// Installs this Node, which may be an expression.
pub(super) fn node_of(version: &'static str) -> Step {
    let with = [("node-version", version), ("package-manager-cache", "false")];
    Step::uses("Install Node", pins::SETUP_NODE, with)
}

pub(super) fn python() -> Step {
    python_of(pins::PYTHON)
}

/// Installs this Python, which may be an expression.
pub(super) fn python_of(version: &'static str) -> Step {
    Step::uses("Install Python", pins::SETUP_PYTHON, [("python-version", version)])
}

/// Ubuntu lets only root have a root file system of its own, and what ships is started in an empty one.
pub(super) fn own_roots() -> Step {
    let command = "sudo sysctl --write kernel.apparmor_restrict_unprivileged_userns=0";
    Step::run("Allow unprivileged user namespaces", command).on_linux()
}
