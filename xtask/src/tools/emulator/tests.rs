//! Tests with the real emulator: the promises of `loopback.cjs`.

use std::io::Read;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;

use super::{Emulator, installed, last_lines};
use crate::support::workspace;

fn log(name: &str) -> PathBuf {
    let dir = std::env::temp_dir();
    dir.join(format!("xtask-emulator-{name}-{}.log", std::process::id()))
}

#[test]
#[ignore = "needs Node: cargo xtask test"]
fn the_emulator_holds_the_stream_and_ends_when_dropped() {
    let log = log("ends");
    let emulator = Emulator::start(&installed(), "orders", &log).unwrap();
    let port = emulator.port;
    let mut open = TcpStream::connect(("127.0.0.1", port)).unwrap();
    drop(emulator);
    assert_eq!(open.read(&mut [0]).unwrap_or(0), 0, "the connection ended with it");
    TcpStream::connect(("127.0.0.1", port)).unwrap_err();
    std::fs::remove_file(log).unwrap();
}

#[test]
#[ignore = "needs Node: cargo xtask test"]
fn an_emulator_that_is_kept_runs_until_it_is_ended() {
    let log = log("kept");
    let emulator = Emulator::start(&installed(), "orders", &log).unwrap();
    let port = emulator.port;
    let id = emulator.keep().unwrap();
    let mut open = TcpStream::connect(("127.0.0.1", port)).unwrap();
    // As the demo tells its user to.
    assert!(Command::new("kill").arg(id.to_string()).status().unwrap().success());
    assert_eq!(open.read(&mut [0]).unwrap_or(0), 0, "the connection ended with it");
    std::fs::remove_file(log).unwrap();
}

#[test]
#[ignore = "needs Node: cargo xtask test"]
fn an_emulator_that_cannot_start_is_quoted() {
    let log = log("quoted");
    let Err(error) = Emulator::start(&installed(), "orders:many", &log) else {
        panic!("a stream of \"many\" shards was made");
    };
    let error = error.to_string();
    assert!(error.contains("its last lines:\n"), "{error}");
    std::fs::remove_file(log).unwrap();
}

/// Returns what a server that was started under `loopback.cjs` prints, on stdout and on stderr.
fn under_loopback(server: &str) -> (String, String) {
    let output = Command::new("node")
        .args(["--require", "./xtask/pins/emulator/loopback.cjs"])
        .args(["--eval", server])
        .current_dir(workspace::root())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr))
}

#[test]
#[ignore = "needs Node: cargo xtask test"]
fn whichever_way_a_port_is_asked_for_it_is_on_loopback() {
    let (_, stderr) = under_loopback(
        "const net = require('node:net');
         const forms = [[1], ['1'], [2, '0.0.0.0'], [1, 511], [2, '::', 511],
                        [{ port: 1 }], [{ port: 2, host: '0.0.0.0', backlog: 9 }]];
         (async () => {
           for (const form of forms) {
             const server = net.createServer();
             await new Promise((open) => server.listen(...form, open));
             console.log(server.address().address, server.address().port > 2);
             server.close();
           }
         })();",
    );
    assert_eq!(stderr, "127.0.0.1 true\n".repeat(7));
}

#[test]
#[ignore = "needs Node: cargo xtask test"]
fn a_socket_that_nobody_expects_is_refused() {
    for form in ["8080", "'/tmp/socket'", "{ path: '/tmp/socket' }", "{ fd: 0 }", ""] {
        let server = format!("require('node:net').createServer().listen({form})");
        let (_, stderr) = under_loopback(&server);
        assert!(stderr.contains("is not expected to listen on"), "{form}: {stderr}");
    }
}

#[test]
#[ignore = "needs Node: cargo xtask test"]
fn both_ports_are_told_in_one_line() {
    let (stdout, _) = under_loopback(
        "for (const port of [2, 1]) require('node:net').createServer().listen(port).unref();",
    );
    let ports: super::Ports = serde_json::from_str(&stdout).unwrap();
    assert!(ports.plain != ports.tls && stdout.lines().count() == 1, "{stdout}");
}

#[test]
fn a_log_that_is_not_there_is_an_empty_log() {
    assert_eq!(last_lines(&log("none")), "it wrote nothing");
}
