//! An event as a line for a person. Pure.

use kinesis_telemetry_consumer::Event;
use kinesis_telemetry_terminal::plain;
use serde_json::Value;

use super::filter;

/// Time, function, type, and what the event says.
pub(super) fn pretty(event: &Event) -> String {
    let parsed: Value = serde_json::from_str(&event.text).unwrap_or_default();
    // `2026-11-22T20:00:00.123Z`: who follows a stream knows the day.
    let time = parsed["time"].as_str().and_then(|it| it.get(11..23)).unwrap_or("-");
    let function = event.source.function.as_deref().unwrap_or("-");
    let said = match (&parsed["record"], &parsed["record"]["message"]) {
        (Value::String(text), _) => text.trim_end().to_owned(),
        (_, Value::String(message)) => {
            let level = filter::level(event).map(|it| format!("{} ", it.word().to_uppercase()));
            level.unwrap_or_default() + message.trim_end()
        }
        (Value::Null, _) => String::new(),
        (record, _) => record.to_string(),
    };
    plain(&format!("{time:<12}  {function}  {:<20}  {said}", event.kind)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::pretty;

    fn shown(event: &str) -> String {
        let open = event.strip_suffix('}').unwrap();
        let line = format!(
            "{open},\"source\":{{\"function\":\"orders\",\"instance\":\"a\",\"seq\":1}}}}\n"
        );
        pretty(&kinesis_telemetry_consumer::record(line.as_bytes()).pop().unwrap().unwrap())
    }

    #[test]
    fn lines_of_text_and_of_json_and_platform_events_are_told_in_a_line_each() {
        let time = "\"time\":\"2026-11-22T20:00:00.123Z\"";
        assert_eq!(
            shown(&format!(
                "{{{time},\"type\":\"function\",\"record\":\"[INFO] a\\nb\\u001b[31m\"}}"
            )),
            "20:00:00.123  orders  function              [INFO] a b\u{fffd}[31m"
        );
        assert_eq!(
            shown(&format!(
                "{{{time},\"type\":\"function\",\"record\":{{\"level\":\"warn\",\"message\":\"m\"}}}}"
            )),
            "20:00:00.123  orders  function              WARN m"
        );
        assert_eq!(
            shown("{\"type\":\"platform.start\",\"record\":{\"requestId\":\"r\"}}"),
            "-             orders  platform.start        {\"requestId\":\"r\"}"
        );
    }
}
