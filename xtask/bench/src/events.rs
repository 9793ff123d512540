//! Telemetry as Lambda words it, for a function that logs text.

/// A body as Lambda posts it.
pub(crate) fn batch(events: &[String]) -> String {
    format!("[{}]", events.join(","))
}

/// The start of the environment.
pub(crate) fn init() -> String {
    r#"{"time":"2026-01-02T03:00:00.678Z","type":"platform.initStart","record":{"initializationType":"on-demand","phase":"init","functionName":"bench","functionVersion":"$LATEST"}}"#.to_owned()
}

/// An invocation by its number, from 1. Each begins a second after the one before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Invocation(pub(crate) usize);

impl Invocation {
    pub(crate) fn request_id(self) -> String {
        format!("{:08x}-98ba-4c83-a1f0-0a4c6f2f8e11", self.0)
    }

    fn time(self) -> String {
        let (minutes, seconds) = (self.0 / 60, self.0 % 60);
        format!("2026-01-02T{:02}:{:02}:{seconds:02}.678Z", 3 + minutes / 60, minutes % 60)
    }

    pub(crate) fn start(self) -> String {
        format!(
            r#"{{"time":"{}","type":"platform.start","record":{{"requestId":"{}","version":"$LATEST"}}}}"#,
            self.time(),
            self.request_id()
        )
    }

    /// Log lines of 300 bytes each, with what is around them.
    pub(crate) fn lines(self, count: usize) -> impl Iterator<Item = String> {
        let (time, request_id) = (self.time(), self.request_id());
        let padding = "x".repeat(160);
        (1..=count).map(move |n| {
            format!(
                r#"{{"time":"{time}","type":"function","record":"[INFO] {time} {request_id} line {n:06} {padding}"}}"#
            )
        })
    }

    /// The end of the function.
    pub(crate) fn runtime_done(self) -> String {
        format!(
            r#"{{"time":"{}","type":"platform.runtimeDone","record":{{"requestId":"{}","status":"success","metrics":{{"durationMs":12.3,"producedBytes":20}}}}}}"#,
            self.time(),
            self.request_id()
        )
    }

    /// A whole invocation, as one batch.
    pub(crate) fn whole(self, lines: usize) -> String {
        let mut events = vec![self.start()];
        events.extend(self.lines(lines));
        events.push(self.runtime_done());
        batch(&events)
    }
}

#[cfg(test)]
mod tests {
    use super::{Invocation, batch, init};

    #[test]
    fn every_event_is_json_with_time_type_and_record() {
        let bodies = [batch(&[init()]), Invocation(7_200).whole(2)];
        let events = bodies.map(|body| serde_json::from_str::<Vec<serde_json::Value>>(&body));
        let events: Vec<_> = events.into_iter().flat_map(Result::unwrap).collect();
        assert_eq!(events.len(), 5);
        for event in events {
            assert!(event["time"].is_string() && event["type"].is_string(), "{event}");
            assert!(!event["record"].is_null());
        }
        let line = Invocation(1).lines(1).next().unwrap();
        assert!((290..310).contains(&line.len()), "{}", line.len());
    }
}
