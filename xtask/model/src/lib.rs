//! Models that run the extension's own code without a Lambda and without AWS.
//!
//! The binaries print tables that documents quote: `costs` (docs/cost.md) and `simulation` (docs/flushing.md). `fixtures` writes
//! records for the tests of `consumers`, and `hostile` writes records that consumers must survive. [`Typical`] makes the events that all of them use.

#![allow(missing_docs, reason = "a tool of this repository; each module says what it computes")]

mod fleet;
mod fleets;
mod flow;
pub mod hostile;
mod lambda_time;
mod life;
mod logged;
mod million;
mod numbers;
pub mod page;
mod price;
mod rate;
mod records;
mod selected;
mod typical;
mod usage;
mod ways;

pub use flow::{Flow, LINES, Sent, defaults, invocations, packings, send};
pub use lambda_time::Overhead;
pub use life::{Life, live};
pub use logged::logged_bytes;
pub use million::{Cost, a_month};
pub use price::Prices;
pub use rate::{GB_A_TB, Rate};
pub use typical::{Logs, Typical};
pub use usage::Usage;
pub use ways::{Bill, Class, Mode, Way, least_gb, shards};
