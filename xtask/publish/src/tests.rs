//! Runs the whole program against an account with state, in virtual time.

mod canaries;
mod continued;
mod documents;
mod harness;
mod refusals;
mod signed;
