//! The log of a typical function as Lambda posts it: bodies of the Telemetry API, the same in every run.
//!
//! An event of a log line is 400 to 500 bytes long as Lambda words it, before the extension adds anything. Two lines of
//! three name their request, as those of the runtimes for Node and Python do. The values in the lines differ as those of
//! a shop would, so that compression finds what it would find there: words and names repeat, ids and amounts do not.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use fastrand::Rng;

/// The format of the function's lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logs {
    /// Text: a record is a string.
    Text,
    /// JSON: a record is an object.
    Json,
}

/// A function that keeps logging.
#[derive(Debug)]
pub struct Typical {
    logs: Logs,
    rng: Rng,
    now: SystemTime,
}

const LEVELS: [&str; 10] =
    ["INFO", "INFO", "INFO", "INFO", "INFO", "DEBUG", "DEBUG", "DEBUG", "WARN", "ERROR"];
const MESSAGES: [&str; 8] = [
    "order accepted and handed over to the warehouse",
    "payment authorised, waiting for its confirmation",
    "item was found in the cache of prices",
    "customer is known, address taken from the last order",
    "request to the stock service answered",
    "retrying the call to the carrier after a timeout",
    "discount applied to the basket",
    "message published to the queue of invoices",
];
const AGENTS: [&str; 4] = [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X)",
    "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101",
    "okhttp/4.12.0",
    "shop-app/8.14.2 (Android 14)",
];
const PLACES: [&str; 5] = ["Bern", "Lyon", "Graz", "Porto", "Gdansk"];

impl Typical {
    /// Returns a log that begins with its first line.
    pub fn new(logs: Logs) -> Self {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_786_278_896_789);
        Self { logs, rng: Rng::with_seed(1), now }
    }

    /// Returns the body of one invocation with this many lines: the lines, and the platform's events around them.
    pub fn invocation(&mut self, lines: usize) -> Vec<u8> {
        self.invocation_ending(lines, "success")
    }

    /// Returns the body of an invocation that ends with this status.
    pub fn invocation_ending(&mut self, lines: usize, status: &str) -> Vec<u8> {
        let request = self.uuid();
        let mut events = vec![self.platform("start", &request, r#""version":"$LATEST""#)];
        events.extend((0..lines).map(|_| self.line(&request)));
        let ms = self.rng.u32(20..900);
        let time = self.time();
        let done = format!(
            r#""status":"{status}","spans":[{{"name":"responseLatency","start":"{time}","durationMs":{ms}.7}},{{"name":"responseDuration","start":"{time}","durationMs":0.05}},{{"name":"runtimeOverhead","start":"{time}","durationMs":0.41}}],"metrics":{{"durationMs":{ms}.913,"producedBytes":{}}}"#,
            ms / 3
        );
        events.push(self.platform("runtimeDone", &request, &done));
        let report = format!(
            r#""status":"{status}","metrics":{{"durationMs":{ms}.913,"billedDurationMs":{},"memorySizeMB":512,"maxMemoryUsedMB":{}}},"spans":[{{"name":"extensionOverhead","start":"{time}","durationMs":2.31}}]"#,
            ms + 1,
            80 + ms / 20
        );
        events.push(self.platform("report", &request, &report));
        format!("[{}]", events.join(",\n")).into_bytes()
    }

    fn platform(&mut self, name: &str, request: &str, more: &str) -> String {
        let time = self.time();
        format!(
            r#"{{"time":"{time}","type":"platform.{name}","record":{{"requestId":"{request}",{more}}}}}"#
        )
    }

    fn line(&mut self, request: &str) -> String {
        let time = self.time();
        let record = match self.logs {
            Logs::Text => self.text(&time, request),
            Logs::Json => self.json(&time, request),
        };
        format!(r#"{{"time":"{time}","type":"function","record":{record}}}"#)
    }

    /// A string of JSON, quotes included.
    fn text(&mut self, time: &str, request: &str) -> String {
        let len = self.rng.usize(340..=425);
        let (level, message) = (self.one(&LEVELS), self.one(&MESSAGES));
        let mut text = if self.rng.u8(0..3) > 0 {
            format!("{time}\\t{request}\\t{level}\\t{message}")
        } else {
            format!("{level} [main] shop.checkout: {message}")
        };
        self.fill(&mut text, len, |out, name, value| write!(out, " {name}={value}"));
        format!("\"{text}\\n\"")
    }

    fn json(&mut self, time: &str, request: &str) -> String {
        let len = self.rng.usize(340..=425);
        let (level, message) = (self.one(&LEVELS), self.one(&MESSAGES));
        let mut text = format!(r#"{{"timestamp":"{time}","level":"{level}","message":"{message}""#);
        if self.rng.u8(0..3) > 0 {
            write!(text, r#","requestId":"{request}""#).expect("a string takes all");
        }
        self.fill(&mut text, len, |out, name, value| write!(out, r#","{name}":"{value}""#));
        text + "}"
    }

    /// Adds what a line says about its subject, up to about this length.
    fn fill(
        &mut self,
        out: &mut String,
        len: usize,
        add: impl Fn(&mut String, &str, &str) -> std::fmt::Result,
    ) {
        let first = self.rng.usize(..);
        for number in first.. {
            let (name, value) = self.detail(number % 9);
            let before = out.len();
            add(out, name, &value).expect("a string takes all");
            if out.len() > len {
                // The rest is one word of the remaining length.
                out.truncate(before);
                let rest = (len - before).saturating_sub(r#","note":"""#.len());
                let word: String = (0..rest).map(|_| self.rng.lowercase()).collect();
                return add(out, "note", &word).expect("a string takes all");
            }
        }
    }

    fn detail(&mut self, number: usize) -> (&'static str, String) {
        match number {
            0 => ("orderId", format!("o-{:08}", self.rng.u32(0..90_000_000))),
            1 => ("customerId", format!("c-{:06}", self.rng.u32(0..400_000))),
            2 => ("durationMs", format!("{}.{:02}", self.rng.u32(1..400), self.rng.u8(0..100))),
            3 => ("traceId", format!("1-{:08x}-{:024x}", self.rng.u32(..), self.rng.u64(..))),
            4 => ("path", format!("/v1/orders/{}/items", self.rng.u32(0..90_000_000))),
            5 => ("userAgent", self.one(&AGENTS).to_owned()),
            6 => ("amount", format!("{}.{:02} EUR", self.rng.u32(3..900), self.rng.u8(0..100))),
            7 => ("address", format!("{} {}", self.one(&PLACES), self.rng.u16(1000..9999))),
            _ => ("sku", format!("{:x}-{}", self.rng.u16(..), self.rng.u8(1..9))),
        }
    }

    fn one(&mut self, of: &[&'static str]) -> &'static str {
        of[self.rng.usize(..of.len())]
    }

    fn uuid(&mut self) -> String {
        let (high, low) = (self.rng.u64(..), self.rng.u64(..));
        let (a, b, c) = (high >> 32, high >> 16 & 0xFFFF, high & 0xFFF);
        format!("{a:08x}-{b:04x}-4{c:03x}-{:04x}-{:012x}", low >> 48, low & 0xFFFF_FFFF_FFFF)
    }

    /// Advances the time a little.
    fn time(&mut self) -> String {
        self.now += Duration::from_micros(self.rng.u64(200..6_000));
        humantime::format_rfc3339_millis(self.now).to_string()
    }
}
