//! Models that run the extension's own code without a Lambda and without AWS.
//!
//! The binaries print tables that documents quote: `costs` (docs/cost.md) and `simulation` (docs/flushing.md). `fixtures` writes
//! records for the tests of `consumers`, and `hostile` writes records that consumers must survive. [`Typical`] makes the events that all of them use.

#![allow(missing_docs, reason = "a tool of this repository; each module says what it computes")]

mod flow;
pub mod hostile;
mod life;
mod logged;
mod million;
mod price;
mod typical;

pub use flow::{Flow, LINES, Sent, defaults, invocations, packings, send};
pub use life::{Life, live};
pub use logged::logged_bytes;
pub use million::{Cost, Usage, a_month, tables};
pub use price::Prices;
pub use typical::{Logs, Typical};
