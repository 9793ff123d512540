//! `redrive` on letters that every principal with `sqs:SendMessage` can write (`consumers/letters.json`).

use std::collections::BTreeSet;

use extension_spec::limits;
use serde_json::Value;

use crate::queue::Queue;
use crate::redrive::{REDRIVE, server, takes_all_but};
use crate::server::STREAM;

/// The letters of all cases, with a good letter after each case.
struct Letters {
    queue: Queue,
    /// Data that must be in the stream.
    put: BTreeSet<String>,
    /// IDs of the messages that must be in the queue afterwards.
    kept: Vec<String>,
}

impl Letters {
    fn of_every_case() -> Self {
        let file: Value =
            serde_json::from_str(include_str!("../../../consumers/letters.json")).unwrap();
        assert_eq!(file["own"], STREAM);
        let mut it = Self { queue: Queue::default(), put: BTreeSet::new(), kept: Vec::new() };
        for (number, case) in file["cases"].as_array().unwrap().iter().enumerate() {
            it.case(&format!("{number:03}"), case, &file["letter"]);
        }
        it
    }

    fn case(&mut self, number: &str, case: &Value, sample: &Value) {
        let mut deleted = Vec::new();
        for (data, letters) in case["put"].as_object().unwrap() {
            self.put.insert(data.clone());
            deleted.extend(letters.as_array().unwrap().iter().map(|it| it.as_u64().unwrap()));
        }
        for (index, letter) in (0..).zip(case["letters"].as_array().unwrap()) {
            let values: Vec<(&str, String)> = sample
                .as_object()
                .unwrap()
                .iter()
                .filter_map(|(name, usual)| {
                    let value = text(letter.get(name).unwrap_or(usual))?;
                    // Each case has its own record.
                    let is_named = name == "Record" && !value.is_empty();
                    Some((
                        name.as_str(),
                        if is_named { format!("{number}-{value}") } else { value },
                    ))
                })
                .collect();
            let body = values.iter().find(|it| it.0 == "body").map(|it| it.1.as_str());
            let attributes: Vec<(&str, &str)> = values
                .iter()
                .filter(|it| it.0 != "body")
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            for copy in 0..letter["copies"].as_u64().unwrap_or(1) {
                let id = format!("{number}-{index:02}-{copy:02}");
                self.queue.hostile(&id, body, &attributes);
                if !deleted.contains(&index) {
                    self.kept.push(id);
                }
            }
        }
        self.queue.letter(&format!("{number}-good"), STREAM);
        self.put.insert("{}\n".to_owned());
    }
}

/// Returns the text of a value; `null` has none.
fn text(value: &Value) -> Option<String> {
    if let Some(text) = value["repeat"].as_str() {
        return Some(text.repeat(usize::try_from(value["times"].as_u64().unwrap()).unwrap()));
    }
    value.as_str().map(str::to_owned)
}

#[test]
fn the_python_consumer_has_the_same_limits() {
    let python = include_str!("../../../consumers/python/dead_letters.py");
    let mebibytes = limits::RECORD_BYTES_MAX / 1024 / 1024;
    for line in [
        format!("MOST_PIECES = {}\n", limits::DEAD_LETTER_PIECES),
        format!("MOST_RECORD_BYTES = {mebibytes} * 1024 * 1024\n"),
        format!("MOST_KEY_CHARS = {}\n", limits::PARTITION_KEY_CHARS),
    ] {
        assert!(python.contains(&line), "{line}");
    }
}

#[test]
fn hostile_letters_stay_and_good_ones_are_written() {
    let letters = Letters::of_every_case();
    let server = server(&letters.queue, |call| takes_all_but(call, &[]));
    let (code, text) = server.types(&REDRIVE);
    assert_eq!(code, 1, "{text}");
    let mut put = BTreeSet::new();
    for call in server.calls("PutRecords") {
        assert_eq!((&call["StreamARN"], &call["StreamName"]), (&STREAM.into(), &Value::Null));
        for record in call["Records"].as_array().unwrap() {
            use base64::Engine as _;
            let data = base64::prelude::BASE64_STANDARD.decode(record["Data"].as_str().unwrap());
            put.insert(String::from_utf8(data.unwrap()).unwrap());
        }
    }
    assert_eq!(put, letters.put);
    let (visible, hidden) = letters.queue.state();
    assert_eq!((visible, hidden), (letters.kept, Vec::new()), "{text}");
    let is_hostile =
        |c: char| c != '\n' && (c.is_control() || ('\u{202a}'..='\u{2069}').contains(&c));
    assert!(!text.contains(is_hostile), "{text:?}");
    assert!(text.len() < 20_000, "{} bytes", text.len());
}
