//! The extension as a process, in a Lambda and before a Kinesis on this machine.

mod degraded;
mod delivery;
mod lifecycle;
mod shapes;
mod weather;
mod world;
