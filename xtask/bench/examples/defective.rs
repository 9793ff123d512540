//! A function, and extensions with a defect each, for the tests. The name of the file decides which one a process plays.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::{env, process, thread};

use control_extension::{Lambda, acknowledge};

fn main() -> io::Result<()> {
    let program = env::args().next().unwrap_or_default();
    let name = program.rsplit('/').next().unwrap_or_default();
    match name {
        "function" => return function(),
        "never-registers" => wait(),
        "exits-early" => process::exit(3),
        _ => {}
    }
    let mut lambda = Lambda::register(name)?;
    match name {
        "never-calls-next" => wait(),
        "refuses-telemetry" => lambda.subscribe(1)?,
        _ => {
            let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0))?;
            lambda.subscribe(listener.local_addr()?.port())?;
            thread::spawn(move || acknowledge(&listener));
        }
    }
    while !lambda.next_event()?.contains(r#""SHUTDOWN""#) {}
    match name {
        "never-ends" => wait(),
        "fails-at-the-end" => process::exit(1),
        _ => Ok(()),
    }
}

/// Does nothing until the process is killed.
fn wait<T>() -> T {
    loop {
        thread::park();
    }
}

/// Answers each invocation at once.
fn function() -> io::Result<()> {
    let api = env::var("AWS_LAMBDA_RUNTIME_API").map_err(io::Error::other)?;
    let mut connection = BufReader::new(TcpStream::connect(&api)?);
    let mut call = |method: &str, path: &str| -> io::Result<Option<String>> {
        let path = format!("/2018-06-01/runtime/invocation/{path}");
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: {api}\r\nContent-Length: 0\r\n\r\n");
        connection.get_mut().write_all(request.as_bytes())?;
        let (mut id, mut length) = (None, 0);
        loop {
            let mut line = String::new();
            if connection.read_line(&mut line)? == 0 {
                process::exit(0);
            }
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            match line.split_once(": ") {
                Some(("lambda-runtime-aws-request-id", value)) => id = Some(value.to_owned()),
                Some(("content-length", value)) => length = value.parse().unwrap_or(0),
                _ => {}
            }
        }
        io::copy(&mut connection.by_ref().take(length), &mut io::sink())?;
        Ok(id)
    };
    loop {
        let id = call("GET", "next")?.ok_or_else(|| io::Error::other("an invocation has no id"))?;
        call("POST", &format!("{id}/response"))?;
    }
}
