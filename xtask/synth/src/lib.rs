//! The generated files of a repository, described as a value.
//!
//! A repository repeats its facts: a version in a lock file and in a workflow, a name in two languages, a table in the README.
//! This crate lets one Rust program state each fact once and write every file that repeats it. Compared with Projen: [`Project`]
//! is the project, a function that takes `&mut Project` is a component, and there is no base class and no hook.
//!
//! # Phases
//!
//! 1. **Describe**: a function builds a [`Project`]. It is pure, and does not read the disk.
//! 2. **Plan**: [`Project::plan`] compares the description with the disk, and returns a [`Plan`]. It only reads.
//! 3. **Apply or report**: [`Plan::apply`] makes the changes; [`Plan::report`] prints the same changes, with a short diff, for
//!    a check that must not write. Neither compares anything, so the two cannot disagree.
//!
//! # Rules
//!
//! - A **whole file** belongs to the generator. Its first line says so ([the marker](Project::plan)), and names the Rust
//!   file in which it is described; it is written read-only (0444), so that an editor warns.
//! - A **region** is a part of a file that people write, between `region:NAME` and `endregion:NAME` in comments. Lines
//!   around it are never touched, and a file without the two fences is an error, never appended to.
//! - The **manifest** lists all of them. A file that an earlier description wrote, and the current one does not, is deleted if it
//!   still has the marker.
//! - A generated file is **never read back**: the content on the disk decides whether a file is written, never what is written.
//! - An equal file is not touched. The same description gives the same bytes on every machine.
//! - Paths stay inside: absolute ones, `..`, `.git` and symbolic links are refused, in the description as in the manifest.
//! - All problems are reported together, before anything is changed.
//!
//! # Adding a file
//!
//! One call of a method of [`Project`], in whichever function of yours it belongs to. See `examples/tiny.rs`.
//!
//! ```
//! use xtask_synth::{Comments, Project};
//!
//! # let dir = std::env::temp_dir().join(format!("xtask-synth-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&dir)?;
//! let mut project = Project::new("cargo xtask synth", "generated.txt");
//! project.text(".gitignore", Comments::HASH, "/target/\n");
//!
//! let plan = project.plan(&dir)?; assert!(!plan.is_fresh()); plan.apply()?; assert!(project.plan(&dir)?.is_fresh());
//! # std::fs::remove_dir_all(&dir)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod apply;
mod comments;
mod disk;
mod error;
mod manifest;
mod marker;
mod path;
mod plan;
mod project;
mod region;
mod render;
mod report;
pub mod yaml;

pub use comments::Comments;
pub use error::{Error, Problem};
pub use plan::{Change, Plan};
pub use project::{Described, Project};
