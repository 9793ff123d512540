//! An extension that registers, calls `next` until SHUTDOWN, and does nothing else: the cost of every extension.

use std::io;

use control_extension::Lambda;

fn main() -> io::Result<()> {
    let mut lambda = Lambda::register(env!("CARGO_BIN_NAME"))?;
    while !lambda.next_event()?.contains(r#""SHUTDOWN""#) {}
    Ok(())
}
