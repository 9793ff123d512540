//! Delivery of telemetry: replay, batches, retries, drops, freezes.

use std::time::Duration;

use extension_sandbox::{LogFormat, Options, Program, Sandbox};
use serde_json::json;

use crate::client::{Api, Listener};

struct Bench {
    sandbox: Sandbox,
    api: Api,
    listener: Listener,
}

/// A function and an extension over HTTP, initialised, in an environment with these options.
async fn bench(change: impl FnOnce(&mut Options)) -> Bench {
    let listener = Listener::start().await;
    let mut options =
        Options { extensions: vec![Program::Driven("extension".to_owned())], ..Options::default() };
    change(&mut options);
    let sandbox = Sandbox::new(options).await.unwrap();
    let api = Api::new(sandbox.remote().address());
    Bench { sandbox, api, listener }
}

impl Bench {
    async fn init(&mut self) {
        self.api.run_extension("extension", Some(self.listener.port));
        let (api, remote) = (self.api.clone(), self.sandbox.remote());
        let function = async {
            while remote.listener_of("extension").is_none() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            api.run_function();
        };
        tokio::join!(self.sandbox.init(), function);
    }
}

#[tokio::test]
async fn a_subscriber_gets_what_happened_before_it_subscribed_in_order() {
    let mut bench = bench(|_| ()).await;
    bench.init().await;
    bench.sandbox.invoke("{}").await;
    bench.sandbox.shutdown().await;
    assert_eq!(
        bench.listener.types(),
        [
            "platform.initStart",
            "platform.telemetrySubscription",
            "platform.initRuntimeDone",
            "platform.extension",
            "platform.initReport",
            "platform.start",
            "platform.runtimeDone",
            "platform.report",
        ]
    );
    assert!(bench.listener.paths.lock().unwrap().iter().all(|start| start == "POST /x"));
}

#[tokio::test]
async fn the_report_of_an_invocation_is_delivered_during_the_next() {
    let mut bench = bench(|_| ()).await;
    let (api, listener) = (bench.api.clone(), &bench.listener);
    api.run_extension("extension", Some(listener.port));
    let sandbox = &mut bench.sandbox;
    let function = async {
        let first = api.runtime_next().await;
        api.respond(&first, "{}").await;
        let second = api.runtime_next().await;
        assert!(
            !listener.types().contains(&"platform.report".to_owned()),
            "{:?}",
            listener.types()
        );
        listener.wait_for("platform.report").await;
        api.respond(&second, "{}").await;
        let api = api.clone();
        tokio::spawn(async move { api.runtime_next().await });
    };
    let invocations = async {
        sandbox.init().await;
        sandbox.invoke("{}").await;
        sandbox.invoke("{}").await
    };
    let (second, ()) = tokio::join!(invocations, function);
    let reported: Vec<_> =
        listener.events().into_iter().filter(|it| it["type"] == "platform.report").collect();
    assert_eq!(reported.len(), 1);
    assert_ne!(reported[0]["record"]["requestId"], second.request_id.as_str());
}

#[tokio::test]
async fn a_batch_that_is_refused_comes_again_until_it_is_acknowledged() {
    let mut bench = bench(|_| ()).await;
    *bench.listener.statuses.lock().unwrap() = vec![500, 404];
    bench.init().await;
    bench.sandbox.invoke("{}").await;
    let journal = bench.sandbox.shutdown_with_recording().await.journal;
    assert!(journal.iter().all(|entry| entry.accepted), "{journal:?}");
    assert_eq!(bench.listener.types().len(), journal.len(), "and only once");
}

#[tokio::test]
async fn a_listener_that_is_too_slow_is_told_how_much_it_has_missed() {
    let mut bench = bench(|options| {
        options.freezes = false;
        options.telemetry_backlog_bytes = 2_000;
    })
    .await;
    bench.init().await;
    bench.listener.wait_for("platform.initReport").await;
    bench.listener.answers.send_replace(false);
    let remote = bench.sandbox.remote();
    for n in 0..100 {
        remote.print(&format!("line {n:03} {}", "x".repeat(90)));
        // The first ones leave as batches that are not acknowledged; the rest must wait.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    bench.listener.answers.send_replace(true);
    bench.listener.wait_for("platform.logsDropped").await;
    let journal = bench.sandbox.shutdown_with_recording().await.journal;
    let events = bench.listener.events();
    let dropped = events.iter().find(|event| event["type"] == "platform.logsDropped").unwrap();
    let lines = events.iter().filter(|event| event["type"] == "function").count() as u64;
    assert_eq!(dropped["record"]["droppedRecords"].as_u64().unwrap() + lines, 100);
    let missed = journal.iter().filter(|entry| !entry.accepted).count() as u64;
    assert_eq!(missed, 100 - lines, "the journal knows which");
}

#[tokio::test]
async fn a_burst_leaves_in_many_batches_and_nothing_of_it_is_dropped() {
    const LINES: usize = 50_000;
    let mut bench = bench(|options| {
        options.freezes = false;
        options.telemetry_backlog_bytes = 8 * 1024 * 1024;
    })
    .await;
    let (api, port) = (bench.api.clone(), bench.listener.port);
    api.run_function();
    let subscribe = async {
        let id = api.register("extension", &["SHUTDOWN"]).await;
        let large = |body: &mut serde_json::Value| {
            body["buffering"] = json!({ "maxItems": 10_000, "maxBytes": 1_048_576 });
        };
        assert_eq!(api.subscribe(&id, port, large).await.status, 200);
        let api = api.clone();
        tokio::spawn(async move { api.extension_next(&id).await });
    };
    tokio::join!(bench.sandbox.init(), subscribe);
    let remote = bench.sandbox.remote();
    let line = "x".repeat(250);
    for n in 0..LINES {
        remote.print(&line);
        // More events than a task takes at a time, so that some are always left.
        if n % 200 == 0 {
            tokio::task::yield_now().await;
        }
    }
    let journal = bench.sandbox.shutdown_with_recording().await.journal;
    assert_eq!(journal.iter().filter(|entry| !entry.accepted).count(), 0);
    let types = bench.listener.types();
    assert!(!types.contains(&"platform.logsDropped".to_owned()));
    assert_eq!(types.iter().filter(|it| *it == "function").count(), LINES);
    assert!(bench.listener.batches.lock().unwrap().len() > 10);
}

#[tokio::test]
async fn everything_is_delivered_when_shutdown_arrives_however_long_it_might_wait() {
    let mut bench = bench(|_| ()).await;
    let (api, port) = (bench.api.clone(), bench.listener.port);
    api.run_function();
    let (closed, at_shutdown) = tokio::sync::oneshot::channel();
    let (batches, extension) = (bench.listener.batches.clone(), api.clone());
    let subscribe = async {
        let id = api.register("extension", &["INVOKE", "SHUTDOWN"]).await;
        let rare = |body: &mut serde_json::Value| body["buffering"]["timeoutMs"] = 5_000.into();
        assert_eq!(api.subscribe(&id, port, rare).await.status, 200);
        tokio::spawn(async move {
            while extension.extension_next(&id).await.json()["eventType"] == "INVOKE" {}
            closed.send(batches.lock().unwrap().concat().len()).unwrap();
        });
    };
    tokio::join!(bench.sandbox.init(), subscribe);
    bench.sandbox.invoke("{}").await;
    assert_eq!(bench.listener.types(), [""; 0], "the time is not over");
    let recording = bench.sandbox.shutdown_with_recording().await;
    assert_eq!(at_shutdown.await.unwrap(), recording.journal.len());
    assert!(recording.journal.iter().all(|entry| entry.accepted));
}

#[tokio::test]
async fn lines_are_objects_only_for_a_json_function_and_a_schema_that_knows_it() {
    let line = r#"{"level":"INFO","message":"hello"}"#;
    for (format, schema, expected) in [
        (LogFormat::Json, "2022-12-13", json!({ "level": "INFO", "message": "hello" })),
        (LogFormat::Json, "2022-07-01", json!(line)),
        (LogFormat::Text, "2025-01-29", json!(line)),
    ] {
        let mut bench = bench(|options| options.log_format = format).await;
        let (api, port) = (bench.api.clone(), bench.listener.port);
        api.run_function();
        let subscribe = async {
            let id = api.register("extension", &["INVOKE", "SHUTDOWN"]).await;
            let answer =
                api.subscribe(&id, port, |body| body["schemaVersion"] = schema.into()).await;
            assert_eq!(answer.status, 200);
            let api = api.clone();
            tokio::spawn(async move { while api.extension_next(&id).await.status == 200 {} });
        };
        tokio::join!(bench.sandbox.init(), subscribe);
        for text in [line, "not json", "17"] {
            bench.sandbox.remote().print(text);
        }
        bench.sandbox.shutdown().await;
        let records: Vec<_> = bench
            .listener
            .events()
            .into_iter()
            .filter(|event| event["type"] == "function")
            .map(|event| event["record"].clone())
            .collect();
        let number = if expected.is_object() { json!(17) } else { json!("17") };
        assert_eq!(records, [expected, json!("not json"), number]);
    }
}

#[tokio::test]
async fn subscribing_twice_is_answered_and_delivers_once() {
    let mut bench = bench(|_| ()).await;
    let (api, port) = (bench.api.clone(), bench.listener.port);
    api.run_function();
    let twice = async {
        let id = api.register("extension", &["INVOKE", "SHUTDOWN"]).await;
        assert_eq!(api.subscribe(&id, port, |_| ()).await.body, "\"OK\"");
        assert_eq!(api.subscribe(&id, port, |_| ()).await.body, "\"AlreadySubscribed\"");
        let api = api.clone();
        tokio::spawn(async move { while api.extension_next(&id).await.status == 200 {} });
    };
    tokio::join!(bench.sandbox.init(), twice);
    bench.sandbox.invoke("{}").await;
    bench.sandbox.shutdown().await;
    let starts = bench.listener.types().iter().filter(|it| *it == "platform.start").count();
    assert_eq!(starts, 1);
}
