//! Steps that several workflows take.

use super::model::Step;
use crate::project::pins;

/// The repository, and no credentials for the steps that follow.
pub(super) fn checkout() -> Step {
    Step::uses("Check out", pins::CHECKOUT, [("persist-credentials", "false")])
}

/// The pinned toolchain, for all that follow.
pub(super) fn rust() -> Step {
    let version = pins::RUST.version;
    let install =
        format!("rustup toolchain install {version} --profile minimal --component clippy,rustfmt");
    Step::run("Install Rust", format!("{install}\nrustup default {version}\n"))
}

pub(super) fn node() -> Step {
    Step::uses(
        "Install Node",
        pins::SETUP_NODE,
        [("node-version", pins::NODE), ("package-manager-cache", "false")],
    )
}

pub(super) fn python() -> Step {
    Step::uses("Install Python", pins::SETUP_PYTHON, [("python-version", pins::PYTHON)])
}
