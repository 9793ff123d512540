//! An extension that subscribes to telemetry, acknowledges it, calls `next` until SHUTDOWN, and does nothing else: the floor of
//! every extension that delivers telemetry.

use std::io;
use std::net::{Ipv4Addr, TcpListener};

use control_extension::{Lambda, acknowledge};

fn main() -> io::Result<()> {
    let mut lambda = Lambda::register(env!("CARGO_BIN_NAME"))?;
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    lambda.subscribe(listener.local_addr()?.port())?;
    std::thread::spawn(move || acknowledge(&listener));
    while !lambda.next_event()?.contains(r#""SHUTDOWN""#) {}
    Ok(())
}
