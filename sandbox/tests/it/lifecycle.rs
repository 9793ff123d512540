//! Init, invocations and ends, as extensions and functions see them.

use std::time::{Duration, Instant};

use extension_sandbox::{Options, Program, Sandbox, Status};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::client::Api;
use crate::folder::{Folder, until};

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
    // It began to wait when the function did.
    let lasted = invocation.function_ms + invocation.extension_ms;
    assert!(lasted >= 99.0, "{invocation:?}");
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
    assert_eq!(
        (invocation.status, invocation.error_type.as_deref()),
        (Status::Timeout, Some("Sandbox.Timeout"))
    );
    assert_eq!(events.await.unwrap().json()["shutdownReason"], "timeout");
}

#[tokio::test]
async fn the_runtime_starts_only_when_every_extension_has_registered() {
    let folder = Folder::new();
    let options = Options {
        extensions: ["first", "second"].map(|name| Program::Driven(name.to_owned())).to_vec(),
        function: folder.program("function", "#!/bin/sh\nsleep 1000\n").into(),
        ..Options::default()
    };
    let mut sandbox = Sandbox::new(options).await.unwrap();
    let remote = sandbox.remote();
    let api = Api::new(remote.address());
    let register = async {
        api.register("first", &[]).await;
        // By then every ready task has run.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert!(remote.process_ids().is_empty(), "one has not registered");
        api.register("second", &[]).await;
        until("the runtime runs", || !remote.process_ids().is_empty()).await;
    };
    // The function never asks for an invocation, so init does not end by itself.
    tokio::select! {
        init = sandbox.init() => panic!("{init:?}"),
        () = register => {}
    }
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
    // Lambda repeats the init within the invocation. This time no extension registers.
    let invocation = sandbox.invoke("{}").await;
    assert_eq!(invocation.status, Status::Timeout);
}

#[tokio::test]
async fn a_file_that_cannot_be_started_fails_the_init() {
    let options = Options { extensions: vec!["/nowhere/extension".into()], ..Options::default() };
    let init = Sandbox::new(options).await.unwrap().init().await;
    assert_eq!(init.error_type.as_deref(), Some("Extension.LaunchError"));
    let message = init.message.unwrap();
    assert!(message.starts_with("cannot start /nowhere/extension: No such file"), "{message}");
}

#[tokio::test]
async fn eleven_external_extensions_fail_the_init() {
    let extensions = (0..11).map(|n| Program::Driven(format!("extension-{n}"))).collect();
    let options = Options { extensions, ..Options::default() };
    let init = Sandbox::new(options).await.unwrap().init().await;
    assert_eq!(init.error_type.as_deref(), Some("Extension.TooManyExtensions"));
}

#[tokio::test]
#[cfg(target_os = "linux")] // Elsewhere there is no `setsid`.
async fn the_end_of_a_process_is_noticed_though_another_holds_its_pipes() {
    let folder = Folder::new();
    // A process with a session of its own is in none of the killed groups.
    let script = "#!/bin/sh\nsetsid sleep 5 &\necho last words\nexit 1\n";
    let extensions = vec![folder.program("extension", script).into()];
    let mut sandbox = Sandbox::new(Options { extensions, ..Options::default() }).await.unwrap();
    let start = Instant::now();
    let init = sandbox.init().await;
    assert_eq!(init.error_type.as_deref(), Some("Extension.Crash"));
    assert!(start.elapsed() < Duration::from_secs(4), "{init:?}");
    assert_eq!(sandbox.remote().printed_by("extension"), ["last words"]);
}

#[tokio::test]
async fn without_extensions_the_runtime_is_killed_at_once() {
    let folder = Folder::new();
    let script = "#!/bin/sh\ntrap '' TERM\necho ready > \"$READY\"\nwhile :; do sleep 1; done\n";
    let ready = folder.path().join("ready");
    let options = Options {
        function: folder.program("function", script).into(),
        environment: vec![("READY".to_owned(), ready.display().to_string())],
        ..Options::default()
    };
    let mut sandbox = Sandbox::new(options).await.unwrap();
    tokio::select! {
        init = sandbox.init() => panic!("{init:?}"),
        () = until("the function runs", || ready.exists()) => {}
    }
    let shutdown = sandbox.shutdown().await;
    assert!(shutdown.duration_ms < 300.0, "SIGTERM would have been ignored: {shutdown:?}");
}

#[tokio::test]
async fn header_names_are_sent_in_title_case() {
    let (_sandbox, api) = driven(Duration::from_secs(3)).await;
    let mut stream = tokio::net::TcpStream::connect(api.address()).await.unwrap();
    let request = b"GET /2018-06-01/ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("\r\nContent-Type: "), "{answer}");
}

#[tokio::test]
async fn only_paths_of_the_runtime_api_are_answered() {
    let (_sandbox, api) = driven(Duration::from_secs(3)).await;
    for path in ["x/response", "runtime/invocation/x/y/response", "runtime/invocation/response"] {
        let answer = api.call("POST", &format!("/2018-06-01/{path}"), &[], "{}").await;
        assert_eq!(answer.status, 404, "{path}");
    }
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
