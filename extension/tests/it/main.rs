//! Tests of the extension as a process, with a Lambda and a Kinesis on this machine.

#![expect(clippy::unwrap_used, reason = "a test fails without what it needs")]

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
