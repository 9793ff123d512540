//! Runs a function with an extension: init, two invocations with a busy stream, shutdown.
//!
//! `cargo run --package extension-sandbox --example lifecycle`, or with programs of your own: `… -- EXTENSION FUNCTION`.

#![allow(clippy::print_stdout, reason = "this example prints what happened")]

use std::path::PathBuf;
use std::time::Duration;

use extension_sandbox::kinesis::faults::{Fault, Faults};
use extension_sandbox::{Kinesis, Options, Program, Sandbox};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let examples = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut programs = std::env::args_os().skip(1).map(PathBuf::from);
    let extension = programs.next().unwrap_or_else(|| examples.join("extension.sh"));
    let function = programs.next().unwrap_or_else(|| examples.join("function.sh"));

    // A stream that rejects the first request, and answers every request after 10 ms.
    let kinesis = Kinesis::start("telemetry").await?;
    kinesis.set_faults(Faults::script([Fault::throttled()]).slow(Duration::from_millis(10)));

    let mut sandbox = Sandbox::new(Options {
        extensions: vec![Program::from(std::path::absolute(extension)?)],
        function: Program::from(std::path::absolute(function)?),
        environment: vec![("AWS_ENDPOINT_URL_KINESIS".to_owned(), kinesis.url())],
        kinesis: Some(kinesis.clone()),
        ..Options::default()
    })
    .await?;
    println!("init: {:?}", sandbox.init().await);
    for payload in [r#"{"order":1}"#, r#"{"order":2}"#] {
        println!("invocation: {:?}", sandbox.invoke(payload).await);
    }
    let recording = sandbox.shutdown_with_recording().await;
    println!("shutdown: {:?}", recording.shutdown);
    for (extension, line) in &recording.printed {
        println!("{extension} printed: {line}");
    }
    // The telemetry that the platform generated, if the extension subscribed to it.
    for entry in &recording.journal {
        println!("acknowledged: {}, event: {}", entry.accepted, entry.event);
    }
    println!("records in the stream: {}", kinesis.records().len());
    Ok(())
}
