//! The proxy between the commands and AWS.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::mpsc::channel;

use serde_json::json;

use crate::server::{Server, code_and_text, ok};

#[test]
fn only_calls_to_aws_use_the_proxy() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    let (requests, asked) = channel();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let connection = connection.unwrap();
            let mut line = String::new();
            BufReader::new(&connection).read_line(&mut line).unwrap();
            requests.send(line).unwrap();
            (&connection)
                .write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")
                .unwrap();
        }
    });
    let server = Server::start(|_| ok(&json!({ "Parameters": [] })));
    let mut local = server.command(&["outputs"]);
    let (code, text) = code_and_text(&local.env("HTTPS_PROXY", &proxy).output().unwrap());
    assert_eq!(code, 2);
    assert!(text.contains("no deployment at"), "{text}");
    assert!(asked.try_recv().is_err(), "nothing went through the proxy");

    let mut aws = server.command(&["outputs"]);
    aws.env_remove("AWS_ENDPOINT_URL").env("HTTPS_PROXY", &proxy);
    let (code, text) = code_and_text(&aws.output().unwrap());
    assert_eq!(code, 2);
    assert!(text.contains("cannot be reached") && text.contains("HTTPS_PROXY"), "{text}");
    assert_eq!(asked.recv().unwrap(), "CONNECT ssm.eu-central-1.amazonaws.com:443 HTTP/1.1\r\n");
}
