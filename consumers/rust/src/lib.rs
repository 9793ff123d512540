#![doc = include_str!("../README.md")]

mod completeness;
mod decode;

mod gather;
mod ledger;
mod parts;
mod ranges;
pub mod strict;
mod unpack;
mod wire;

pub use completeness::{Completeness, Due, Incomplete, Period, Verdict};
pub use decode::{format, lines};
pub use gather::{Arrival, Gathering, Instance, Judged};
pub use ledger::{Explanation, Ledger};
pub use ranges::{Range, Ranges};
pub use unpack::{Broken, Event, Source, join, record};
