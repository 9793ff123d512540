//! The page as its readers get it.

mod browser;
mod page;
mod png;
mod sample;
