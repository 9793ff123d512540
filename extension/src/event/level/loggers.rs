//! A table of lines that common loggers write: each with its source, and the level that a reader would assign.

use extension_spec::LogLevel::{self, Debug, Error, Fatal, Info, Trace, Warn};

use super::level_of;

type Row = (&'static str, &'static str, Option<LogLevel>);

/// Records in JSON, as the Telemetry API delivers them.
const LINES: &[Row] = &[
    // Lambda Developer Guide, "Log formats": JSON and text of the managed runtimes.
    (
        "lambda, json",
        r#"{"timestamp":"t","level":"WARN","message":"m","requestId":"r"}"#,
        Some(Warn),
    ),
    ("lambda, json, python", r#"{"timestamp":"t","level":"CRITICAL","message":"m"}"#, Some(Fatal)),
    ("lambda, node", r#""2026-11-28T12:00:00.000Z\t6d68ca91\tERROR\tboom\n""#, Some(Error)),
    ("lambda, node, in init", r#""2026-11-28T12:00:00.000Z\tundefined\tINFO\tx\n""#, Some(Info)),
    ("lambda, node, json inside", r#""t\tid\tINFO\t{\"level\":\"error\"}\n""#, Some(Info)),
    ("lambda, python", r#""[DEBUG]\t2026-11-28T12:00:00.000Z\t6d68ca91\tmessage""#, Some(Debug)),
    // Powertools for AWS Lambda, "Logger": Python, TypeScript and Java; .NET.
    (
        "powertools",
        r#""{\"level\":\"INFO\",\"location\":\"f:1\",\"message\":\"x\"}\n""#,
        Some(Info),
    ),
    ("powertools, .net", r#"{"Level":"Information","Message":"x"}"#, Some(Info)),
    ("powertools, .net, error", r#"{"Level":"Error","Message":"x"}"#, Some(Error)),
    // pino, docs/api.md, "levels"; bunyan, README, "Levels".
    ("pino", r#"{"level":30,"time":1,"pid":8,"hostname":"h","msg":"x"}"#, Some(Info)),
    ("pino, trace", r#"{"level":10,"msg":"x"}"#, Some(Trace)),
    ("pino, a custom level", r#"{"level":35,"msg":"x"}"#, Some(Warn)),
    ("bunyan", r#"{"name":"a","level":60,"v":0,"msg":"x"}"#, Some(Fatal)),
    // winston, README, "Logging Levels" (npm and syslog).
    ("winston", r#"{"level":"error","message":"x"}"#, Some(Error)),
    ("winston, http", r#"{"level":"http","message":"x"}"#, Some(Info)),
    ("winston, silly", r#"{"level":"silly","message":"x"}"#, Some(Trace)),
    ("winston, syslog", r#"{"level":"emerg","message":"x"}"#, Some(Fatal)),
    ("nestjs and others", r#"{"logLevel":"debug","message":"x"}"#, Some(Debug)),
    // log4j2, JsonTemplateLayout (EcsLayout, GelfLayout); logback with logstash-logback-encoder.
    ("log4j2", r#"{"instant":{"epochSecond":1},"level":"WARN","message":"x"}"#, Some(Warn)),
    (
        "logback, logstash",
        r#"{"@timestamp":"t","@version":"1","level":"ERROR","level_value":40000}"#,
        Some(Error),
    ),
    ("java.util.logging", r#"{"level":"SEVERE","message":"x"}"#, Some(Error)),
    ("java.util.logging, fine", r#"{"level":"FINE","message":"x"}"#, Some(Debug)),
    // Serilog, formatting-compact; Serilog, JsonFormatter; NLog, JsonLayout; Microsoft.Extensions.Logging, JSON console.
    ("serilog, compact", r#"{"@t":"t","@mt":"x","@l":"Error"}"#, Some(Error)),
    ("serilog, compact, information", r#"{"@t":"t","@mt":"x"}"#, None),
    ("serilog", r#"{"Timestamp":"t","Level":"Verbose","MessageTemplate":"x"}"#, Some(Trace)),
    ("nlog", r#"{"time":"t","level":"Fatal","message":"x"}"#, Some(Fatal)),
    (
        "microsoft.extensions.logging",
        r#"{"EventId":1,"LogLevel":"Critical","Message":"x"}"#,
        Some(Fatal),
    ),
    // zap, zerolog, log/slog, logrus.
    ("zap", r#"{"level":"dpanic","ts":1.5,"msg":"x"}"#, Some(Fatal)),
    ("zerolog", r#"{"level":"debug","time":1,"message":"x"}"#, Some(Debug)),
    ("slog", r#"{"time":"t","level":"ERROR+4","msg":"x"}"#, Some(Error)),
    ("slog, between", r#"{"time":"t","level":"DEBUG-4","msg":"x"}"#, Some(Debug)),
    ("logrus", r#"{"level":"warning","msg":"x","time":"t"}"#, Some(Warn)),
    ("logrus, text", r#""time=\"t\" level=warning msg=\"x\"\n""#, Some(Warn)),
    ("slog, text", r#""time=2026-11-28T12:00:00Z level=INFO msg=x""#, Some(Info)),
    // tracing-subscriber, Json.
    (
        "tracing",
        r#"{"timestamp":"t","level":"TRACE","fields":{"message":"x"},"target":"a"}"#,
        Some(Trace),
    ),
    // Monolog, JsonFormatter: RFC 5424 in hundreds.
    (
        "monolog, debug",
        r#"{"message":"x","level":100,"level_name":"DEBUG","channel":"a"}"#,
        Some(Debug),
    ),
    ("monolog, notice", r#"{"message":"x","level":250,"level_name":"NOTICE"}"#, Some(Info)),
    ("monolog, warning", r#"{"message":"x","level":300}"#, Some(Warn)),
    ("monolog, error", r#"{"message":"x","level":400}"#, Some(Error)),
    ("monolog, critical", r#"{"message":"x","level":500}"#, Some(Fatal)),
    ("monolog, emergency", r#"{"message":"x","level":600}"#, Some(Fatal)),
    // GELF 1.1, payload specification: the levels of syslog.
    (
        "gelf, emergency",
        r#"{"version":"1.1","host":"h","short_message":"x","level":0}"#,
        Some(Fatal),
    ),
    ("gelf, error", r#"{"version":"1.1","host":"h","short_message":"x","level":3}"#, Some(Error)),
    ("gelf, warning", r#"{"short_message":"x","level":4}"#, Some(Warn)),
    ("gelf, notice", r#"{"level":5,"version":"1.1"}"#, Some(Info)),
    ("gelf, debug", r#"{"level":7,"short_message":"x"}"#, Some(Debug)),
    // Elastic Common Schema, "log.level": as one name, and nested.
    ("ecs", r#"{"@timestamp":"t","log.level":"debug","message":"x"}"#, Some(Debug)),
    (
        "ecs, nested",
        r#"{"@timestamp":"t","log":{"level":"error","logger":"a"},"message":"x"}"#,
        Some(Error),
    ),
    // python-json-logger; structlog, JSONRenderer.
    ("python-json-logger", r#"{"levelname":"CRITICAL","name":"a","message":"x"}"#, Some(Fatal)),
    ("structlog", r#"{"event":"x","level":"warning","timestamp":"t"}"#, Some(Warn)),
    // OpenTelemetry, logs data model, "SeverityText" and "SeverityNumber".
    ("otel", r#"{"severityText":"ERROR","severityNumber":17,"body":"x"}"#, Some(Error)),
    ("otel, number", r#"{"severity_number":5,"body":"x"}"#, Some(Debug)),
    ("otel, no number", r#"{"severityNumber":0,"body":"x"}"#, None),
    // Google Cloud, LogSeverity; Ruby, Logger::Formatter.
    ("google cloud", r#"{"severity":"NOTICE","message":"x"}"#, Some(Info)),
    ("ruby", r#""E, [2026-11-28T12:00:00.000000 #8] ERROR -- : x\n""#, Some(Error)),
    ("ruby, debug", r#""D, [2026-11-28T12:00:00.000000 #8] DEBUG -- : x\n""#, Some(Debug)),
];

/// Lines that state their level twice, or in an unknown way.
const ODD: &[Row] = &[
    ("two members", r#"{"severity":"INFO","level":"ERROR"}"#, Some(Error)),
    ("two members, the other way round", r#"{"severity":"ERROR","level":"INFO"}"#, Some(Error)),
    ("one member twice", r#"{"level":"info","level":"error"}"#, Some(Error)),
    ("a word and a number", r#"{"level":30,"severity":"ERROR"}"#, Some(Error)),
    ("blanks", r#"{"level":" error "}"#, Some(Error)),
    ("possibly a syslog number", r#"{"level":3}"#, None),
    ("zero", r#"{"level":0}"#, None),
    ("a number outside every scale", r#"{"level":75}"#, None),
    ("beyond every scale", r#"{"level":40000}"#, None),
    ("beyond 64 bits", r#"{"level":18446744073709551615}"#, None),
    ("negative", r#"{"level":-1}"#, None),
    ("a fraction", r#"{"level":50.5}"#, None),
    ("no scalar", r#"{"level":{"name":"debug"}}"#, None),
    ("true", r#"{"level":true}"#, None),
    ("unknown", r#"{"level":"audit"}"#, None),
    ("an escaped name", r#"{"le\u0076el":"debug"}"#, Some(Debug)),
    ("none", r#"{"message":"no level"}"#, None),
    ("deeper than the schema allows", r#"{"log":{"log":{"level":"debug"}}}"#, None),
    ("text", r#""plain""#, None),
    ("text that mentions a level", r#""user has set level=debug in time""#, None),
    ("text in brackets", r#""[orders] 3 left""#, None),
    ("an uncaught exception", r#""Traceback (most recent call last):\n""#, None),
    ("a number", "17", None),
    ("no json", "{", None),
];

#[test]
fn lines_of_every_common_logger_have_their_level() {
    for (logger, record, expected) in LINES {
        assert_eq!(level_of(record), *expected, "{logger}: {record}");
    }
}

#[test]
fn the_most_severe_of_several_levels_counts() {
    for (what, record, expected) in ODD {
        assert_eq!(level_of(record), *expected, "{what}: {record}");
    }
}

#[test]
fn an_extremely_nested_line_has_no_level_and_is_harmless() {
    let depth = 200_000;
    let nested = format!("{}1{}", r#"{"log":"#.repeat(depth), "}".repeat(depth));
    assert_eq!(level_of(&nested), None);
}
