//! Telemetry as Lambda words it, for a function that logs text.

/// The invocation that they are of.
pub(crate) const REQUEST: &str = "3d2a7f5e-98ba-4c83-a1f0-0a4c6f2f8e11";

const TIME: &str = "2026-01-02T03:04:05.678Z";

/// A body as Lambda posts it.
pub(crate) fn batch(events: &[String]) -> String {
    format!("[{}]", events.join(","))
}

pub(crate) fn init() -> Vec<String> {
    vec![format!(
        r#"{{"time":"{TIME}","type":"platform.initStart","record":{{"initializationType":"on-demand","phase":"init","functionName":"bench","functionVersion":"$LATEST"}}}}"#
    )]
}

/// A whole short invocation.
pub(crate) fn invocation() -> Vec<String> {
    let start = format!(
        r#"{{"time":"{TIME}","type":"platform.start","record":{{"requestId":"{REQUEST}","version":"$LATEST"}}}}"#
    );
    vec![start, line(1), runtime_done()]
}

/// The end of the function.
pub(crate) fn runtime_done() -> String {
    format!(
        r#"{{"time":"{TIME}","type":"platform.runtimeDone","record":{{"requestId":"{REQUEST}","status":"success","metrics":{{"durationMs":12.3,"producedBytes":20}}}}}}"#
    )
}

/// A line of text, 300 bytes long with what is around it.
pub(crate) fn line(n: usize) -> String {
    let padding = "x".repeat(160);
    format!(
        r#"{{"time":"{TIME}","type":"function","record":"[INFO] {TIME} {REQUEST} line {n:06} {padding}"}}"#
    )
}

#[cfg(test)]
mod tests {
    use super::{batch, init, invocation, line};

    #[test]
    fn every_event_is_json_with_time_type_and_record() {
        let events = [init(), invocation()].concat();
        let events: Vec<serde_json::Value> = serde_json::from_str(&batch(&events)).unwrap();
        assert_eq!(events.len(), 4);
        for event in events {
            assert!(event["time"].is_string() && event["type"].is_string(), "{event}");
            assert!(!event["record"].is_null());
        }
        assert!((290..310).contains(&line(1).len()), "{}", line(1).len());
    }
}
