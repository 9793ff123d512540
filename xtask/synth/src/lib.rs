//! The generated files of a repository, described as a value.
//!
//! A repository repeats its facts: a version in a lock file and in a workflow, a name in two languages, a table in the
//! README. This crate lets one Rust program say each fact once and write every file that repeats it. For those who know
//! Projen: [`Project`] is the project, a function that takes `&mut Project` is a component, and there is no base class
//! and no hook.
//!
//! # Phases
//!
//! 1. **Describe**: a function builds a [`Project`]. It is pure; the disk is not looked at.
//! 2. **Plan**: [`Project::plan`] holds the description against the disk and gives a [`Plan`]. It only reads.
//! 3. **Apply or report**: [`Plan::apply`] makes the changes; [`Plan::report`] prints the very same ones, with a short
//!    diff, for a check that must not write. Neither compares anything, so the two cannot disagree.
//!
//! # Rules
//!
//! - A **whole file** belongs to the generator. Its first line says so ([the marker](Project::plan)), and names the Rust
//!   file in which it is described; it is written read-only (0444), so that an editor warns.
//! - A **region** is a part of a file that people write, between `region:NAME` and `endregion:NAME` in comments. Lines
//!   around it are never touched, and a file without the two fences is an error, never appended to.
//! - The **manifest** lists all of them. What an earlier description wrote and today's does not is deleted, if it still
//!   bears the marker.
//! - A generated file is **never read back**: what is on the disk decides whether it is written, never what.
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
