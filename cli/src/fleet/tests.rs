//! The commands against a fake control plane with state, inside of the SDK's HTTP client and in virtual time.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod conflicts;
mod crash;
mod edits;
mod flows;
mod harness;
mod many;
mod plans;
mod policies;
mod reasons;
mod restores;
mod signing;
