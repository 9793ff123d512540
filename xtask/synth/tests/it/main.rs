//! The generator against a folder of its own.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod describe;
mod folder;
mod formats;
mod orphans;
mod regions;
mod reports;
mod write;
