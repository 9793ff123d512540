#![doc = include_str!("../README.md")]

mod decode;
mod gather;
pub mod strict;
mod unpack;

pub use decode::{format, lines};
pub use gather::{Arrival, Gathering, Instance, Judged};
pub use unpack::{Broken, Event, Source, join, record};
