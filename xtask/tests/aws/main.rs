//! Commands against an AWS on this machine that is not ours: ministack, over TLS and with IAM's rules in force.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod deploy;
mod end_to_end;
mod fleet;
mod ministack;
mod outside;
mod template;
mod verify;
