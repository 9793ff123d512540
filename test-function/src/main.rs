//! A Lambda function that follows its payload: it logs, takes memory, sleeps, and ends in a chosen way.
//!
//! It uses the same runtime crate as real functions, so its output and its end are those of a real function.

mod payload;

use std::io::Write as _;
use std::time::Duration;

use lambda_runtime::{Diagnostic, Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

use payload::{End, Format, Payload};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    // One invocation at a time, or up to `AWS_LAMBDA_MAX_CONCURRENCY` on managed instances.
    lambda_runtime::run_concurrent(service_fn(handle)).await
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Diagnostic> {
    let request_id = event.context.request_id;
    let payload =
        Payload::parse(event.payload).map_err(|error| fail("Function.BadPayload", error))?;
    log(&payload, &request_id).map_err(|error| fail("Function.CannotLog", error.to_string()))?;
    let memory = filled(payload.allocate_mb);
    tokio::time::sleep(Duration::from_millis(payload.sleep_ms)).await;
    drop(memory);
    match payload.end {
        End::Success => Ok(json!({ "requestId": request_id, "lines": payload.lines })),
        End::Fail => Err(fail("Function.Failed", "failed, as the payload asked".to_owned())),
        End::Panic => panic!("panicked, as the payload asked"),
        End::Exit => std::process::exit(1),
        End::Timeout => std::future::pending().await,
    }
}

/// Returns an error for the runtime to report. Lambda keeps types that begin with `Function.`, and renames others.
fn fail(error_type: &str, error_message: String) -> Diagnostic {
    Diagnostic { error_type: error_type.to_owned(), error_message }
}

/// Allocates this many MB of memory, and writes to every page, because the system provides a page only on the first write.
fn filled(megabytes: usize) -> Vec<Vec<u8>> {
    (0..megabytes).map(|_| std::hint::black_box(vec![1; 1024 * 1024])).collect()
}

/// Prints the requested lines. Each has its number, so that a reader can name a missing one.
fn log(payload: &Payload, request_id: &str) -> std::io::Result<()> {
    let format = payload.format.unwrap_or_else(|| {
        let is_json = std::env::var("AWS_LAMBDA_LOG_FORMAT")
            .is_ok_and(|format| format.eq_ignore_ascii_case("json"));
        if is_json { Format::Json } else { Format::Text }
    });
    let mut stdout = std::io::stdout().lock();
    for n in 1..=payload.lines {
        let message = format!("line {n} of {}", payload.lines);
        let line = match format {
            Format::Text => format!("[{}] {request_id} {message}", payload.level),
            Format::Json => {
                json!({ "level": payload.level, "requestId": request_id, "message": message })
                    .to_string()
            }
        };
        writeln!(stdout, "{}", padded(line, format, payload.bytes))?;
    }
    stdout.flush()
}

/// Pads a line to this length; in JSON, within the object.
fn padded(line: String, format: Format, bytes: usize) -> String {
    match format {
        Format::Text if line.len() < bytes => {
            format!("{line} {}", "x".repeat(bytes - line.len() - 1))
        }
        Format::Json => {
            const PADDING: &str = r#","padding":"""#;
            let missing = bytes.saturating_sub(line.len() + PADDING.len());
            match line.strip_suffix('}') {
                Some(open) if missing > 0 => {
                    format!(r#"{open},"padding":"{}"}}"#, "x".repeat(missing))
                }
                _ => line,
            }
        }
        Format::Text => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_requested_memory_is_filled() {
        assert!(filled(0).is_empty());
        let memory = filled(2);
        assert_eq!(memory.iter().map(Vec::len).sum::<usize>(), 2 * 1024 * 1024);
        assert!(memory.iter().flatten().all(|byte| *byte == 1));
    }

    #[test]
    fn a_line_has_the_requested_length_unless_it_needs_more() {
        for bytes in [0, 10, 33, 34, 100] {
            let text = padded("[INFO] id line 1 of 3".into(), Format::Text, bytes);
            assert_eq!(text.len(), bytes.max(21));
        }
        let line = json!({ "message": "line 1 of 3" }).to_string();
        let json = padded(line.clone(), Format::Json, 100);
        assert_eq!(json.len(), 100);
        assert!(serde_json::from_str::<Value>(&json).is_ok());
        assert_eq!(padded(line.clone(), Format::Json, 0), line);
    }
}
