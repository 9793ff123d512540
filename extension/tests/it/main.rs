//! The extension as a process, in a Lambda and before a Kinesis on this machine.

#![expect(clippy::unwrap_used, reason = "what a test needs and does not get fails the test")]

mod degraded;
mod delivery;
mod faults;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod freeze;
#[cfg(target_os = "linux")]
mod http;
mod letters;
mod lifecycle;
mod matrix;
#[cfg(target_os = "linux")]
mod memory;
mod ministack;
mod modes;
mod packing;
mod panics;
mod proxy;
mod refused;
mod registering;
mod reporting;
#[cfg(target_os = "linux")]
mod rie;
mod selecting;
mod shapes;
mod simulator;
mod spill;
mod storms;
mod test_environment;
mod tls;
