//! The initialization types other than on-demand.

use std::time::Duration;

use extension_sandbox::{Mode, Options, Program, Sandbox, Status};
use serde_json::Value;

use crate::client::{Api, Listener};

async fn environment(change: impl FnOnce(&mut Options)) -> (Sandbox, Api, Listener) {
    let mut options =
        Options { extensions: vec![Program::Driven("extension".to_owned())], ..Options::default() };
    change(&mut options);
    let sandbox = Sandbox::new(options).await.unwrap();
    let api = Api::new(sandbox.remote().address());
    (sandbox, api, Listener::start().await)
}

fn records<'a>(events: &'a [Value], event_type: &str) -> Vec<&'a Value> {
    events.iter().filter(|it| it["type"] == event_type).map(|it| &it["record"]).collect()
}

#[tokio::test]
async fn every_mode_says_in_its_telemetry_how_it_was_initialised() {
    for mode in [Mode::OnDemand, Mode::ProvisionedConcurrency, Mode::SnapStart] {
        let (mut sandbox, api, listener) = environment(|it| it.mode = mode).await;
        api.run_function();
        api.run_extension("extension", Some(listener.port));
        assert_eq!(sandbox.init().await.status, Status::Success);
        sandbox.invoke("{}").await;
        sandbox.shutdown().await;
        let events = listener.events();
        for event_type in ["platform.initStart", "platform.initReport"] {
            let record = records(&events, event_type)[0];
            assert_eq!(record["initializationType"], mode.initialization_type());
        }
    }
}

#[tokio::test]
async fn a_snapshot_is_restored_before_its_first_invocation_with_keys_of_its_own() {
    let (mut sandbox, api, listener) = environment(|it| it.mode = Mode::SnapStart).await;
    api.run_function();
    api.run_extension("extension", Some(listener.port));
    sandbox.init().await;
    // The init was delivered before the snapshot was taken.
    assert_eq!(listener.types().last().unwrap(), "platform.initReport");
    let before = sandbox.credentials().unwrap().keys().access_key_id;
    sandbox.invoke("{}").await;
    sandbox.invoke("{}").await;
    let after = sandbox.credentials().unwrap().keys().access_key_id;
    assert_ne!(before, after);
    sandbox.shutdown().await;
    let events = listener.events();
    let types = listener.types();
    let at = |event_type: &str| types.iter().position(|it| it == event_type).unwrap();
    assert!(at("platform.initReport") < at("platform.restoreStart"));
    assert!(at("platform.restoreReport") < at("platform.start"));
    let streams = |event_type| records(&events, event_type)[0]["instanceId"].clone();
    assert_ne!(streams("platform.initStart"), streams("platform.restoreStart"));
    let reports = records(&events, "platform.report");
    let has_restore = |it: &&Value| it["metrics"]["restoreDurationMs"].is_number();
    assert_eq!((has_restore(&reports[0]), has_restore(&reports[1])), (true, false));
    assert!(reports[0]["metrics"]["initDurationMs"].is_null());
}

#[tokio::test]
async fn a_tenant_is_named_to_the_runtime_and_in_the_telemetry_and_to_no_extension() {
    let tenant = Some("blue".to_owned());
    let (mut sandbox, api, listener) = environment(|it| it.tenant = tenant).await;
    let function = {
        let api = api.clone();
        tokio::spawn(async move {
            let answer = api.call("GET", "/2018-06-01/runtime/invocation/next", &[], "").await;
            let request_id = answer.header("Lambda-Runtime-Aws-Request-Id").unwrap();
            api.respond(&request_id, "{}").await;
            tokio::spawn(async move { api.runtime_next().await });
            answer.header("Lambda-Runtime-Aws-Tenant-Id")
        })
    };
    let extension = {
        let (api, port) = (api.clone(), listener.port);
        tokio::spawn(async move {
            let id = api.register("extension", &["INVOKE"]).await;
            api.subscribe(&id, port, |_| ()).await;
            let invoke = api.extension_next(&id).await.json();
            tokio::spawn(async move { api.extension_next(&id).await });
            invoke
        })
    };
    sandbox.init().await;
    assert_eq!(sandbox.invoke("{}").await.status, Status::Success);
    sandbox.shutdown().await;
    assert!(extension.await.unwrap()["tenantId"].is_null());
    assert_eq!(function.await.unwrap().as_deref(), Some("blue"));
    let events = listener.events();
    for event_type in ["platform.start", "platform.runtimeDone", "platform.report"] {
        assert_eq!(records(&events, event_type)[0]["tenantId"], "blue", "{event_type}");
    }
}

#[tokio::test]
async fn invocations_of_a_managed_instance_run_side_by_side_and_a_timeout_fails_one_only() {
    let change = |it: &mut Options| {
        (it.mode, it.max_concurrency) = (Mode::ManagedInstances, 3);
        it.timeout = Duration::from_millis(300);
    };
    let (mut sandbox, api, listener) = environment(change).await;
    // Of three workers, two answer once all three are busy, and one hangs.
    let barrier = std::sync::Arc::new(tokio::sync::Barrier::new(3));
    for worker in 0..3 {
        let (api, barrier) = (api.clone(), barrier.clone());
        tokio::spawn(async move {
            let request_id = api.runtime_next().await;
            barrier.wait().await;
            if worker < 2 {
                api.respond(&request_id, "{}").await;
            }
            api.runtime_next().await;
        });
    }
    let id = tokio::spawn({
        let (api, port) = (api.clone(), listener.port);
        async move {
            let id = api.register("extension", &["SHUTDOWN"]).await;
            api.subscribe(&id, port, |_| ()).await;
            api.extension_next(&id).await
        }
    });
    assert_eq!(sandbox.init().await.status, Status::Success);
    let invocations = sandbox.invoke_together(["{}", "{}", "{}"]).await;
    assert_eq!(invocations.iter().map(|it| it.n).collect::<Vec<_>>(), [1, 2, 3]);
    let count = |status| invocations.iter().filter(|it| it.status == status).count();
    assert_eq!((count(Status::Success), count(Status::Timeout)), (2, 1), "{invocations:?}");
    sandbox.shutdown().await;
    assert_eq!(id.await.unwrap().json()["eventType"], "SHUTDOWN");
    let events = listener.events();
    let reports = records(&events, "platform.report");
    assert_eq!((reports.len(), records(&events, "platform.runtimeDone").len()), (3, 0));
    for report in reports {
        let metrics = report["metrics"].as_object().unwrap();
        assert_eq!(metrics.keys().collect::<Vec<_>>(), ["durationMs"]);
    }
}

#[tokio::test]
async fn a_runtime_that_asks_for_the_restore_hears_of_it_then_and_not_before() {
    let (mut sandbox, api, listener) = environment(|it| it.mode = Mode::SnapStart).await;
    api.run_extension("extension", Some(listener.port));
    let (is_restored, restored) = tokio::sync::watch::channel(false);
    tokio::spawn({
        let api = api.clone();
        async move {
            let path = "/2018-06-01/runtime/restore/next";
            assert_eq!(api.call("GET", path, &[], "").await.status, 200);
            is_restored.send_replace(true);
            api.run_function();
        }
    });
    assert_eq!(sandbox.init().await.status, Status::Success);
    assert!(!*restored.borrow());
    assert_eq!(sandbox.invoke("{}").await.status, Status::Success);
    assert!(*restored.borrow());
}

#[tokio::test]
async fn a_runtime_that_cannot_be_restored_fails_the_invocation_and_says_so() {
    let (mut sandbox, api, listener) = environment(|it| it.mode = Mode::SnapStart).await;
    api.run_extension("extension", Some(listener.port));
    tokio::spawn({
        let api = api.clone();
        async move {
            api.call("GET", "/2018-06-01/runtime/restore/next", &[], "").await;
            let headers = [("Lambda-Runtime-Function-Error-Type", "Runtime.HookFailed")];
            api.call("POST", "/2018-06-01/runtime/restore/error", &headers, "{}").await;
        }
    });
    sandbox.init().await;
    let invocation = sandbox.invoke("{}").await;
    assert_eq!(invocation.error_type.as_deref(), Some("Runtime.HookFailed"));
    let record = &records(&listener.events(), "platform.restoreReport")[0].clone();
    assert_eq!(record["errorType"], "Runtime.HookFailed");
}
