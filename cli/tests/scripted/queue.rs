//! A fake of SQS for `redrive`: messages are visible, hidden or deleted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::server::{Answer, Call, STREAM, ok};

/// The state of messages by ID; the ID is also the receipt handle.
#[derive(Clone, Default)]
pub(crate) struct Queue(Arc<Mutex<BTreeMap<String, Message>>>);

struct Message {
    hidden: bool,
    body: Value,
}

impl Queue {
    /// Adds records of text in one piece each, for the same stream.
    pub(crate) fn letters(&self, records: &[&str]) {
        for record in records {
            self.letter(record, STREAM);
        }
    }

    pub(crate) fn letter(&self, record: &str, stream: &str) {
        self.message(record, record, stream, ("1", "1"));
    }

    pub(crate) fn message(&self, id: &str, record: &str, stream: &str, piece: (&str, &str)) {
        let values = [
            ("Stream", stream),
            ("PartitionKey", record),
            ("Record", record),
            ("Encoding", "text"),
            ("Piece", piece.0),
            ("Pieces", piece.1),
        ];
        self.hostile(id, Some("{}\n"), &values);
    }

    /// Adds a message with only the given attributes.
    pub(crate) fn hostile(&self, id: &str, body: Option<&str>, values: &[(&str, &str)]) {
        let attribute = |(name, value): &(&str, &str)| {
            ((*name).to_owned(), json!({ "DataType": "String", "StringValue": value }))
        };
        let attributes: serde_json::Map<_, _> = values.iter().map(attribute).collect();
        let mut message =
            json!({ "MessageId": id, "ReceiptHandle": id, "MessageAttributes": attributes });
        if let Some(body) = body {
            message["Body"] = body.into();
        }
        self.0.lock().unwrap().insert(id.to_owned(), Message { hidden: false, body: message });
    }

    /// Hides a message, as another reader does.
    pub(crate) fn hide(&self, id: &str) {
        self.0.lock().unwrap().get_mut(id).unwrap().hidden = true;
    }

    /// Returns the visible messages, and the hidden ones.
    pub(crate) fn state(&self) -> (Vec<String>, Vec<String>) {
        let messages = self.0.lock().unwrap();
        let of = |hidden| {
            messages.iter().filter(|it| it.1.hidden == hidden).map(|it| it.0.clone()).collect()
        };
        (of(false), of(true))
    }

    /// Answers the call if it is one to SQS.
    pub(crate) fn answer(&self, call: &Call) -> Option<Answer> {
        let mut messages = self.0.lock().unwrap();
        let handles: Vec<(String, String)> = call.body["Entries"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|it| [&it["Id"], &it["ReceiptHandle"]].map(|it| it.as_str().unwrap().to_owned()))
            .map(|[id, handle]| (id, handle))
            .collect();
        let done = || {
            let done: Vec<_> = handles.iter().map(|(id, _)| json!({ "Id": id })).collect();
            ok(&json!({ "Successful": done, "Failed": [] }))
        };
        Some(match call.operation.as_str() {
            "ReceiveMessage" => {
                let given: Vec<Value> = messages
                    .values_mut()
                    .filter(|it| !it.hidden)
                    .take(10)
                    .map(|it| {
                        it.hidden = true;
                        it.body.clone()
                    })
                    .collect();
                ok(&json!({ "Messages": given }))
            }
            "DeleteMessageBatch" => {
                for (_, handle) in &handles {
                    messages.remove(handle);
                }
                done()
            }
            "ChangeMessageVisibilityBatch" => {
                for (_, handle) in &handles {
                    if let Some(message) = messages.get_mut(handle) {
                        message.hidden = false;
                    }
                }
                done()
            }
            "GetQueueAttributes" => {
                let count =
                    |hidden| messages.values().filter(|it| it.hidden == hidden).count().to_string();
                ok(&json!({ "Attributes": {
                    "ApproximateNumberOfMessages": count(false),
                    "ApproximateNumberOfMessagesNotVisible": count(true),
                } }))
            }
            _ => return None,
        })
    }
}
