//! The extension as a process, in a Lambda and before a Kinesis on this machine.

#![expect(clippy::unwrap_used, reason = "what a test needs and does not get fails the test")]

mod bill;
mod consumer;
mod degraded;
mod delivery;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod freeze;
#[cfg(target_os = "linux")]
mod http;
mod letters;
mod lifecycle;
mod matrix;
mod ministack;
mod modes;
mod packing;
mod panics;
mod refused;
#[cfg(target_os = "linux")]
mod rie;
mod shapes;
mod simulator;
mod spill;
mod storms;
mod telling;
mod tls;
mod weather;
mod world;
