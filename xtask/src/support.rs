//! What every command uses: processes, progress, sections, the workspace.

pub(crate) mod capture;
pub(crate) mod digest;
pub(crate) mod lock;
pub(crate) mod process;
pub(crate) mod progress;
pub(crate) mod root;
pub(crate) mod section;
pub(crate) mod shell;
pub(crate) mod workspace;
