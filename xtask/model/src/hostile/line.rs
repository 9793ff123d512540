//! Lines: good ones with numbers of their own, and hostile ones.

use extension_spec::event_type::{LEDGER, PART, RECORD};
use fastrand::Rng;

use super::{GOOD, value};

/// The lines of a record, without their line breaks.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub(super) all: Vec<Vec<u8>>,
    /// The numbers of the good ones.
    pub(super) good: Vec<u64>,
    /// The hostile productions.
    pub(super) names: Vec<&'static str>,
}

/// A name, and a function that makes a line.
type Production = (&'static str, fn(&mut Rng) -> Vec<u8>);

impl Lines {
    pub(super) fn add_good(&mut self, rng: &mut Rng) {
        let seq = self.good.last().copied().unwrap_or_default() + rng.u64(1..5);
        let record = if rng.bool() { value::any(rng) } else { value::text(rng) };
        let source = format!(r#"{{"function":"f","version":"1","instance":"{GOOD}","seq":{seq}}}"#);
        self.all.push(event("function", &record, &source).into_bytes());
        self.good.push(seq);
    }

    pub(super) fn add_hostile(&mut self, rng: &mut Rng) {
        if rng.u8(0..10) == 0 {
            return self.add_headed(rng);
        }
        let productions: &[Production] = &[
            ("bytes", bytes),
            ("shape", shape),
            ("source", source),
            ("source name", source_name),
            ("source member", source_member),
            ("ledger", ledger),
            ("part", part),
            ("large part", large_part),
            ("head", head),
            ("cut", cut),
            ("flip", flip),
        ];
        let (name, make) = rng.choice(productions).expect("there are productions");
        let mut line = make(rng);
        // A line break inside would split it into two lines, of which the second might be good.
        line.retain(|byte| *byte != b'\n');
        self.all.push(line);
        self.names.push(name);
    }
}

impl Lines {
    /// Adds a first line of a record with the lines that it announces: it must not take good lines for its own.
    fn add_headed(&mut self, rng: &mut Rng) {
        let count = rng.usize(1..6);
        let labels = match rng.u8(0..3) {
            0 => String::new(),
            1 => format!(",\"label\":\"{}\"", "x".repeat(rng.usize(1..16_000))),
            _ => value::many_labels(rng),
        };
        let source =
            format!(r#"{{"instance":"evil","seq":{},"events":{count}{labels}}}"#, rng.u32(1..100));
        self.all.push(format!(r#"{{"type":"{RECORD}","source":{source}}}"#).into_bytes());
        for _ in 0..count {
            // Not empty: such lines are skipped.
            let mut line = if rng.bool() { shape(rng) } else { bytes(rng) };
            line.retain(|byte| *byte != b'\n');
            self.all.push([&line[..], b"."].concat());
        }
        self.names.push("headed");
    }
}

fn event(kind: &str, record: &str, source: &str) -> String {
    format!(
        r#"{{"time":"2026-11-22T21:52:50.275Z","type":"{kind}","record":{record},"source":{source}}}"#
    )
}

fn identity(rng: &mut Rng) -> String {
    format!(r#"{{"function":"f","version":"1","instance":"evil","seq":{}}}"#, rng.u64(1..1_000))
}

fn bytes(rng: &mut Rng) -> Vec<u8> {
    let length = rng.usize(0..300);
    std::iter::repeat_with(|| rng.u8(..)).take(length).collect()
}

/// JSON that is no event, and text that is no JSON.
fn shape(rng: &mut Rng) -> Vec<u8> {
    let value = value::any(rng);
    let lines = [
        value.clone(),
        format!("{{\"record\":{value}}}"),
        format!("{{\"source\":{value}}}"),
        "{\"record\":NaN}".to_owned(),
        "{\"a\":1} {\"b\":2}".to_owned(),
        "\u{feff}{}".to_owned(),
        "{\"a\":\"\t\"}".to_owned(),
        "{}\r".to_owned(),
        " ".to_owned(),
    ];
    rng.choice(lines).expect("there are lines").into_bytes()
}

/// A source of another shape.
fn source(rng: &mut Rng) -> Vec<u8> {
    let identity = identity(rng);
    let value = value::any(rng);
    let lines = [
        event("function", "1", &value),
        event("function", "1", "{\"instance\":\"evil\"}"),
        event("function", "1", "{\"seq\":1}"),
        event("function", "1", &format!("{{\"x\":{identity}}}")),
        event("function", &format!("{{\"source\":{identity}}}"), &value),
        format!("{{\"source\":{identity},\"record\":1}}"),
        format!("{{\"source\": {identity}}}"),
        format!("{{,\"source\":{identity}}}"),
        format!("{{\"a\":1 \"source\":{identity}}}"),
        format!("{{\"a\":1,,\"source\":{identity}}}"),
        format!("{{\"source\":{identity}}}"),
        format!("[{{\"source\":{identity}}}]"),
        format!("{{\"a\":1,\"source\":{identity}}}}}"),
    ];
    rng.choice(lines).expect("there are lines").into_bytes()
}

/// A source with a member whose name is odd.
fn source_name(rng: &mut Rng) -> Vec<u8> {
    let name = value::text(rng);
    let source = format!(r#"{{"instance":"evil","seq":7,{name}:"x"}}"#);
    event("function", "1", &source).into_bytes()
}

/// A source of which one member has another value, is missing or comes in addition.
fn source_member(rng: &mut Rng) -> Vec<u8> {
    let names = [
        "function",
        "version",
        "instance",
        "seq",
        "requestId",
        "part",
        "parts",
        "events",
        "account",
        "__proto__",
    ];
    let wrong = *rng.choice(&names).expect("there are names");
    let value = value::any(rng);
    let mut members = vec![format!("\"{wrong}\":{value}")];
    for (name, value) in [("function", "\"f\""), ("instance", "\"evil\""), ("seq", "7")] {
        if name != wrong {
            members.push(format!("\"{name}\":{value}"));
        }
    }
    event("function", "1", &format!("{{{}}}", members.join(","))).into_bytes()
}

fn ledger(rng: &mut Rng) -> Vec<u8> {
    let [up_to, first, last, events] = std::array::from_fn(|_| value::number(rng));
    let range = format!("{{\"first\":{first},\"last\":{last},\"events\":{events}}}");
    let ranges = if rng.bool() { format!("[{range}]") } else { value::any(rng) };
    let many = format!(
        "[{}{range}]",
        "{\"first\":1,\"last\":9007199254740991,\"events\":1},".repeat(2_000)
    );
    let ranges = if rng.u8(0..4) == 0 { many } else { ranges };
    let ranges = if rng.u8(0..20) == 0 { format!("[{}1]", "[],".repeat(4 << 20)) } else { ranges };
    let record = format!("{{\"upTo\":{up_to},\"shedRanges\":{ranges}}}");
    let seq = if rng.bool() { "9007199254740991".to_owned() } else { rng.u64(1..100).to_string() };
    let source = format!("{{\"function\":\"f\",\"instance\":\"evil\",\"seq\":{seq}}}");
    event(LEDGER, &record, &source).into_bytes()
}

fn part(rng: &mut Rng) -> Vec<u8> {
    let [part, parts] =
        std::array::from_fn(
            |_| if rng.bool() { value::number(rng) } else { rng.u8(1..4).to_string() },
        );
    let record = if rng.bool() { value::text(rng) } else { value::any(rng) };
    part_of(&part, &parts, &record)
}

/// A part that is too long to be parsed with all of its members.
fn large_part(rng: &mut Rng) -> Vec<u8> {
    let record = format!("\"{}\"", "\\\"a\\\":[],".repeat(rng.usize(40_000..60_000)));
    part_of("1", "2", &record)
}

fn part_of(part: &str, parts: &str, record: &str) -> Vec<u8> {
    let source =
        format!(r#"{{"function":"f","instance":"evil","seq":3,"part":{part},"parts":{parts}}}"#);
    format!(r#"{{"type":"{PART}","record":{record},"source":{source}}}"#).into_bytes()
}

/// The first line of a record, which must not take good lines for its own: it announces no line, or is bad.
fn head(rng: &mut Rng) -> Vec<u8> {
    let lines = [
        format!(r#"{{"type":"{RECORD}"}}"#),
        format!(r#"{{"type":"{RECORD}","source":{}}}"#, identity(rng)),
        format!(r#"{{"type":"{RECORD}","source":{{"instance":"evil","seq":1,"events":"3"}}}}"#),
        format!(r#"{{"type":"{RECORD}","source":{{"instance":"evil","seq":1,"events":0}}}}"#),
        format!(r#"{{"type":"{RECORD}","source":{{"instance":"evil","seq":1,"events":50001}}}}"#),
        format!(
            r#"{{"type":"{RECORD}","source":{{"instance":"evil","seq":1,"events":1000000000000}}}}"#
        ),
        format!(
            r#"{{"type":"{RECORD}","source":{{"instance":"evil","seq":9007199254740991,"events":2}}}}"#
        ),
        format!(r#"{{"type":"{RECORD}","source":{{"events":2}}}}"#),
    ];
    rng.choice(lines).expect("there are lines").into_bytes()
}

/// A good line that breaks off.
fn cut(rng: &mut Rng) -> Vec<u8> {
    let line = event("function", &value::text(rng), &identity(rng));
    let mut line = line.into_bytes();
    line.truncate(rng.usize(0..line.len()));
    line
}

/// A good line of which one byte outside its identity has changed.
fn flip(rng: &mut Rng) -> Vec<u8> {
    let mut line = event("function", "\"hello\"", &identity(rng)).into_bytes();
    let at = rng.usize(0..70);
    line[at] = rng.u8(..);
    line
}
