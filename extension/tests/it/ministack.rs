//! Tests against ministack, a Kinesis and an SQS of other authors.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use aws_sdk_kinesis::config::Credentials;
use aws_sdk_kinesis::types::ShardIteratorType;
use aws_types::SdkConfig;
use extension_sandbox::Options;
use extension_sandbox::sqs::Message;
use kinesis_telemetry_extension::{Access, Connector, Origin, Roots};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::letters;
use crate::test_environment::TestEnvironment;
use kinesis_telemetry_consumer::strict::Arrived;

/// A running ministack. It ends with the test, together with every process it started.
struct Ministack {
    child: Child,
    url: String,
}

impl Ministack {
    async fn start() -> Self {
        let program = std::env::var("MINISTACK").expect("cargo xtask test says where it is");
        let port = {
            let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            socket.local_addr().unwrap().port()
        };
        let child = Command::new(program)
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap())
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", port.to_string())
            .env("LOG_LEVEL", "ERROR")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let ministack = Self { child, url: format!("http://127.0.0.1:{port}") };
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(Instant::now() < deadline, "ministack does not listen");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        ministack
    }

    /// Returns the configuration for any of its services.
    fn config(&self) -> SdkConfig {
        let access = Access {
            region: Some("eu-central-1".to_owned()),
            connector: Connector::new(Roots::compiled_in(), Duration::from_secs(5)),
            credentials: Origin::Variables(Credentials::new("test", "test", None, None, "test")),
        };
        let endpoint = |name: &str| (name == "AWS_ENDPOINT_URL").then(|| self.url.clone());
        access.config("", None, endpoint)
    }
}

impl Drop for Ministack {
    fn drop(&mut self) {
        let group = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        let _ = killpg(group, Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

/// Returns all records of a stream.
async fn records(kinesis: &aws_sdk_kinesis::Client, stream: &str) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    let shards = kinesis.list_shards().stream_name(stream).send().await.unwrap();
    for shard in shards.shards() {
        let iterator = kinesis
            .get_shard_iterator()
            .stream_name(stream)
            .shard_id(shard.shard_id())
            .shard_iterator_type(ShardIteratorType::TrimHorizon)
            .send()
            .await
            .unwrap();
        let mut iterator = iterator.shard_iterator;
        while let Some(at) = iterator {
            let got = kinesis.get_records().shard_iterator(at).send().await.unwrap();
            records.extend(got.records().iter().map(|record| record.data().as_ref().to_vec()));
            iterator = got.next_shard_iterator.filter(|_| !got.records.is_empty());
        }
    }
    records
}

#[tokio::test]
#[ignore = "needs Python: cargo xtask test"]
async fn ministacks_stream_and_queue_accept_everything() {
    let ministack = Ministack::start().await;
    let config = ministack.config();
    let kinesis = aws_sdk_kinesis::Client::new(&config);
    let sqs = aws_sdk_sqs::Client::new(&config);
    let queue = sqs.create_queue().queue_name("letters").send().await.unwrap();
    let queue = queue.queue_url.unwrap();
    let endpoints = |options: &mut Options| {
        for name in ["AWS_ENDPOINT_URL_KINESIS", "AWS_ENDPOINT_URL_SQS"] {
            options.environment.push((name.to_owned(), ministack.url.clone()));
        }
    };

    for format in ["ndjson", "kpl", "event"] {
        kinesis.create_stream().stream_name(format).shard_count(2).send().await.unwrap();
        let settings = [("RECORD_FORMAT", format), ("STREAM", format)];
        let mut env = TestEnvironment::new(&settings, endpoints).await;
        for _ in 0..3 {
            env.succeed(20).await;
        }
        let ended = env.end().await;
        ended.verify_texts(&Arrived::of(records(&kinesis, format).await));
    }

    // The stream does not exist, so everything becomes a dead letter.
    let settings = [
        ("STREAM", "missing"),
        ("DEAD_LETTER_QUEUE_URL", queue.as_str()),
        ("FLUSH_TIMEOUT_MS", "200"),
    ];
    let mut env = TestEnvironment::new(&settings, endpoints).await;
    env.succeed(20).await;
    let ended = env.end().await;
    let mut messages = Vec::new();
    loop {
        let got = sqs.receive_message().queue_url(&queue).max_number_of_messages(10);
        let got = got.message_attribute_names("All").send().await.unwrap();
        if got.messages().is_empty() {
            break;
        }
        messages.extend(got.messages.unwrap().into_iter().map(|message| {
            Message {
                body: message.body.unwrap(),
                attributes: message
                    .message_attributes
                    .unwrap()
                    .into_iter()
                    .map(|(name, value)| (name, value.string_value.unwrap()))
                    .collect(),
            }
        }));
    }
    let arrived = Arrived::of(letters::records(&messages, "missing"));
    ended.verify_texts(&arrived);
}
