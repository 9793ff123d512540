//! Init, invocations and ends, as extensions and functions see them.

use std::time::Duration;

use extension_sandbox::{Options, Program, Sandbox, Status};

use crate::client::Api;

async fn driven(timeout: Duration) -> (Sandbox, Api) {
    let options = Options {
        extensions: vec![Program::Driven("extension".to_owned())],
        timeout,
        ..Options::default()
    };
    let sandbox = Sandbox::new(options).await.unwrap();
    let api = Api::new(sandbox.remote().address());
    (sandbox, api)
}

#[tokio::test]
async fn invoke_and_shutdown_events_look_as_captured() {
    let (mut sandbox, api) = driven(Duration::from_secs(3)).await;
    api.run_function();
    let events = {
        let api = api.clone();
        tokio::spawn(async move {
            let id = api.register("extension", &["INVOKE", "SHUTDOWN"]).await;
            (api.extension_next(&id).await, api.extension_next(&id).await)
        })
    };
    sandbox.init().await;
    let invocation = sandbox.invoke("{}").await;
    let shutdown = sandbox.shutdown().await;
    let (invoke, end) = events.await.unwrap();
    assert_eq!(invoke.header("content-type").as_deref(), Some("application/json"));
    assert!(invoke.header("lambda-extension-event-identifier").is_some());
    assert_eq!(invoke.json()["requestId"], invocation.request_id.as_str());
    assert_eq!(invoke.json()["eventType"], "INVOKE");
    assert_eq!(end.header("content-type").as_deref(), Some("text/plain; charset=utf-8"));
    assert_eq!(end.header("lambda-extension-event-identifier"), None);
    assert_eq!(end.json()["shutdownReason"], "spindown");
    assert_eq!((invocation.status, shutdown.reason.as_str()), (Status::Success, "spindown"));
}

#[tokio::test]
async fn an_invocation_lasts_until_every_extension_has_called_next() {
    let (mut sandbox, api) = driven(Duration::from_secs(3)).await;
    api.run_function();
    let extension = {
        let api = api.clone();
        tokio::spawn(async move {
            let id = api.register("extension", &["INVOKE"]).await;
            api.extension_next(&id).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
            api.extension_next(&id).await;
        })
    };
    sandbox.init().await;
    let invocation = sandbox.invoke("{}").await;
    assert!(invocation.extension_ms >= 99.0, "{invocation:?}");
    assert_eq!(invocation.response, invocation.request_id);
    extension.abort();
}

#[tokio::test]
async fn an_extension_that_keeps_working_makes_the_invocation_time_out() {
    let (mut sandbox, api) = driven(Duration::from_millis(200)).await;
    api.run_function();
    let events = {
        let api = api.clone();
        tokio::spawn(async move {
            let id = api.register("extension", &["INVOKE", "SHUTDOWN"]).await;
            api.extension_next(&id).await;
            tokio::time::sleep(Duration::from_millis(300)).await;
            api.extension_next(&id).await
        })
    };
    sandbox.init().await;
    let invocation = sandbox.invoke("{}").await;
    assert_eq!(invocation.status, Status::Timeout);
    assert_eq!(events.await.unwrap().json()["shutdownReason"], "timeout");
}

#[tokio::test]
async fn the_runtime_starts_only_when_every_extension_has_registered() {
    let (mut sandbox, api) = driven(Duration::from_secs(3)).await;
    let init = async {
        let id = api.register("extension", &[]).await;
        let (extension, runtime) = (api.clone(), api.clone());
        tokio::spawn(async move { extension.extension_next(&id).await });
        tokio::spawn(async move { runtime.runtime_next().await });
    };
    let (init, ()) = tokio::join!(sandbox.init(), init);
    assert_eq!(init.status, Status::Success);
}

#[tokio::test]
async fn an_extension_that_reports_an_error_in_init_fails_it() {
    let (mut sandbox, api) = driven(Duration::from_millis(300)).await;
    let fail = async {
        let id = api.register("extension", &["INVOKE"]).await;
        let headers = [
            ("Lambda-Extension-Identifier", id.as_str()),
            ("Lambda-Extension-Function-Error-Type", "Extension.ConfigInvalid"),
        ];
        let answer = api.call("POST", "/2020-01-01/extension/init/error", &headers, "{}").await;
        assert_eq!((answer.status, answer.json()["status"].as_str()), (202, Some("OK")));
    };
    let (init, ()) = tokio::join!(sandbox.init(), fail);
    assert_eq!(
        (init.status, init.error_type.as_deref()),
        (Status::Error, Some("Extension.InitError"))
    );
    // Lambda tries again within the invocation; nobody registers this time.
    let invocation = sandbox.invoke("{}").await;
    assert_eq!(invocation.status, Status::Timeout);
}

#[tokio::test]
async fn a_file_that_cannot_be_started_fails_the_init() {
    let options = Options { extensions: vec!["/nowhere/extension".into()], ..Options::default() };
    let init = Sandbox::new(options).await.unwrap().init().await;
    assert_eq!(init.error_type.as_deref(), Some("Extension.LaunchError"));
}

#[tokio::test]
async fn a_response_to_another_request_is_refused() {
    let (mut sandbox, api) = driven(Duration::from_secs(3)).await;
    let function = {
        let api = api.clone();
        tokio::spawn(async move {
            let request_id = api.runtime_next().await;
            let wrong = api.respond("another", "{}").await;
            let right = api.respond(&request_id, "{}").await;
            let twice = api.respond(&request_id, "{}").await;
            tokio::spawn(async move { api.runtime_next().await });
            [wrong.status, right.status, twice.status]
        })
    };
    api.run_extension("extension", None);
    sandbox.init().await;
    sandbox.invoke("{}").await;
    assert_eq!(function.await.unwrap(), [400, 202, 400]);
}
