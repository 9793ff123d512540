//! Whole runs against an account that keeps state, in virtual time.

mod continued;
mod documents;
mod harness;
mod refusals;
mod signed;
