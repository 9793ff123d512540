//! The sandbox as a program: it initialises, invokes and shuts down, and prints each report as one line of JSON at
//! once.

mod cli;

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;
use extension_sandbox::{JournalEntry, Mode, Recording, Report, Sandbox, Status};
use tokio::signal::unix::{SignalKind, signal};

use cli::Cli;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    // Whichever ends first; dropping the run kills the processes.
    let result = tokio::select! {
        result = run(&cli) => result,
        () = interrupted() => return ExitCode::from(130),
        () = stdin_closed(), if cli.until_stdin_closes => return ExitCode::from(130),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        // The problem has been reported.
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "a program says why it fails")]
            {
                eprintln!("error: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}

/// True if the environment was initialized, by its init or by that of an invocation.
async fn run(cli: &Cli) -> anyhow::Result<bool> {
    let mut sandbox = Sandbox::new(cli.options()).await.context("cannot listen on loopback")?;
    let init = sandbox.init().await;
    let mut is_alive = init.status == Status::Success;
    print(&Report::Init(init))?;
    let mut begun = 0;
    while begun < cli.invocations {
        if begun > 0 {
            tokio::time::sleep(cli.interval).await;
        }
        let invocations = if cli.mode == Mode::ManagedInstances && is_alive {
            let together = u64::from(cli.concurrency.max(1)).min(cli.invocations - begun);
            let payloads = (begun..begun + together).map(|n| cli.payload(n));
            sandbox.invoke_together(payloads).await
        } else {
            vec![sandbox.invoke(cli.payload(begun)).await]
        };
        begun += invocations.len() as u64;
        for invocation in invocations {
            is_alive |= invocation.status == Status::Success;
            print(&Report::Invocation(invocation))?;
        }
    }
    let Recording { shutdown, journal, .. } = sandbox.shutdown_with_recording().await;
    print(&Report::Shutdown(shutdown))?;
    if let Some(path) = &cli.journal {
        write(path, &journal)
            .with_context(|| format!("cannot write the journal to {}", path.display()))?;
    }
    Ok(is_alive)
}

fn print(report: &Report) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{}", serde_json::to_string(report)?)?;
    Ok(stdout.flush()?)
}

fn write(path: &Path, journal: &[JournalEntry]) -> anyhow::Result<()> {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    for entry in journal {
        writeln!(file, "{}", serde_json::to_string(entry)?)?;
    }
    Ok(file.flush()?)
}

async fn interrupted() {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

/// A pipe from the parent closes when the parent ends, however it ends.
async fn stdin_closed() {
    let (closed, is_closed) = tokio::sync::oneshot::channel();
    // A thread of its own, because the runtime would wait for a read that never ends.
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        let _ = closed.send(());
    });
    let _ = is_closed.await;
}
