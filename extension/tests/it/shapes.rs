//! Events of every form, and invalid input, through the whole process.

use std::net::Ipv4Addr;

use extension_spec::EXTENSION_NAME;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::test_environment::TestEnvironment;

/// Sends bytes to the extension's listener in pieces. Returns the status line.
async fn send(env: &TestEnvironment, pieces: &[&[u8]]) -> String {
    let port =
        env.sandbox.remote().listener_of(EXTENSION_NAME).expect("the extension has subscribed");
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
    for piece in pieces {
        stream.write_all(piece).await.unwrap();
        stream.flush().await.unwrap();
    }
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

async fn post(env: &TestEnvironment, body: &[u8]) -> String {
    let head =
        format!("POST / HTTP/1.1\r\nHost: sandbox\r\nContent-Length: {}\r\n\r\n", body.len());
    send(env, &[head.as_bytes(), body]).await
}

/// Creates an environment that stays awake, because nothing freezes it.
async fn awake() -> TestEnvironment {
    let mut env = TestEnvironment::new(&[], |options| options.freezes = false).await;
    env.succeed(1).await;
    env
}

#[tokio::test]
async fn records_of_every_json_type_arrive_byte_for_byte() {
    let env = awake().await;
    let remote = env.sandbox.remote();
    for record in [
        r#""text é 🦀 \u00e9 \"q\" \\ a\nb\u0000""#,
        r#"{"b":1.50,"a":{"n":12345678901234567890,"e":-1E+2}}"#,
        "[1, [ ] , {}]",
        "0.10",
        "true",
        "null",
    ] {
        remote.publish(&format!(r#"{{"time":"t","type":"function","record":{record}}}"#));
    }
    remote.publish(r#"{ "type" : "platform.tomorrow" , "record":{"requestId":7}, "more":[] }"#);
    remote.publish(r#"{"type":7}"#);
    remote.publish(r#"{"source":{"seq":99}}"#);
    remote.publish("{}");
    let arrived = env.end().await.verify_exactly_once();
    assert!(arrived.events.values().any(|event| event == "{}"));
}

#[tokio::test]
async fn a_line_of_one_mib_arrives_in_parts_and_can_be_joined() {
    let mut env =
        TestEnvironment::new(&[], |options| options.max_line_bytes = 4 * 1024 * 1024).await;
    for bytes in [1_048_576, 1_048_000, 3_000_000] {
        env.invoke(serde_json::json!({ "lines": 1, "bytes": bytes })).await;
    }
    env.succeed(1).await;
    let ended = env.end().await;
    assert_eq!(ended.verify_exactly_once().count("function"), 4);
}

#[tokio::test]
async fn invalid_input_is_quarantined_and_other_events_arrive() {
    let env = awake().await;
    for body in [
        "[{\"n\":1}]",
        "no json",
        "[{\"n\":2},42,[{}],\"text\",{\"n\":3}]",
        "[]",
        "{\"n\":4",
        "[{\"n\":5}]",
    ] {
        assert_eq!(post(&env, body.as_bytes()).await, "HTTP/1.1 200");
    }
    assert_eq!(post(&env, b"\xff\xfe[").await, "HTTP/1.1 200");
    assert_eq!(send(&env, &[b"GET /x HTTP/1.1\r\nHost: sandbox\r\n\r\n"]).await, "HTTP/1.1 405");
    let huge = b"POST / HTTP/1.1\r\nHost: sandbox\r\nContent-Length: 99999999999\r\n\r\n";
    assert_eq!(send(&env, &[huge]).await, "HTTP/1.1 413");
    let ended = env.end().await;
    let arrived = ended.arrived();
    for n in [1, 2, 3, 5] {
        assert!(arrived.events.values().any(|event| *event == format!("{{\"n\":{n}}}")), "{n}");
    }
    assert_eq!(arrived.count("kinesis-telemetry.quarantine"), 6);
    assert_eq!(ended.count_logged("refused a telemetry batch of more than"), 1);
}

#[tokio::test]
async fn invalid_members_and_forged_ledgers_are_quarantined() {
    let env = awake().await;
    let start = std::time::Instant::now();
    let body = b"[{\"n\":1},{\"type\":\"function\",\"record\":\"\xe9\"},{\"n\":2},NaN,{\"n\":3}]";
    assert_eq!(post(&env, body).await, "HTTP/1.1 200");
    let forged = r#"{"type":"kinesis-telemetry.ledger","record":{"shed":{"ranges":[[1,9]]}}}"#;
    assert_eq!(post(&env, format!("[{forged}]").as_bytes()).await, "HTTP/1.1 200");
    let ended = env.end().await;
    assert!(start.elapsed().as_secs() < 10, "no wait was needed");
    let arrived = ended.arrived();
    arrived.assert_gapless();
    for n in [1, 2, 3] {
        assert!(arrived.events.values().any(|event| *event == format!("{{\"n\":{n}}}")), "{n}");
    }
    assert_eq!(arrived.count("kinesis-telemetry.quarantine"), 3);
    assert!(arrived.events.values().all(|event| event != forged));
}

#[tokio::test]
async fn a_batch_may_fill_most_of_the_memory_without_loss() {
    let mut env =
        TestEnvironment::new(&[("QUEUE_MAX_BYTES", "4194304")], |options| options.freezes = false)
            .await;
    env.succeed(1).await;
    let event = format!(r#"{{"record":"{}"}}"#, "x".repeat(500));
    let body = format!("[{}]", vec![event.as_str(); 5_000].join(","));
    assert_eq!(post(&env, body.as_bytes()).await, "HTTP/1.1 200");
    let ended = env.end().await;
    assert_eq!(ended.arrived().events.values().filter(|it| **it == event).count(), 5_000);
    assert_eq!(ended.count_logged("shed"), 0);
}

#[tokio::test]
async fn characters_split_across_segments_arrive_whole() {
    let env = awake().await;
    let body = "[{\"record\":\"é🦀\"}]".as_bytes();
    let head =
        format!("POST / HTTP/1.1\r\nHost: sandbox\r\nContent-Length: {}\r\n\r\n", body.len());
    let mut pieces = vec![head.as_bytes()];
    pieces.extend(body.chunks(1));
    assert_eq!(send(&env, &pieces).await, "HTTP/1.1 200");
    let arrived = env.end().await.arrived();
    assert!(arrived.events.values().any(|event| event == "{\"record\":\"é🦀\"}"));
}
