//! A `SendMessageBatch` request, checked against the limits of the service.
//!
//! Pure. Source: SQS API reference, `SendMessageBatch`; SQS Developer Guide, "Message quotas" and "Calculating the MD5
//! message digest for message attributes".

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::Message;
use crate::aws::md5;

const MAX_ENTRIES: usize = 10;
const MAX_ATTRIBUTES: usize = 10;
const MAX_ID: usize = 80;
/// The default `MaximumMessageSize` of a queue, which is also its maximum and that of a batch.
pub(super) const MAX_BYTES: usize = 1024 * 1024;

/// A request that is valid as a whole. Its entries are checked one by one.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Batch {
    queue_url: String,
    pub(super) entries: Vec<Entry>,
}

/// An entry of a batch, which may become a message.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Entry {
    pub(super) id: String,
    #[serde(rename = "MessageBody")]
    pub(super) body: String,
    #[serde(rename = "MessageAttributes", default)]
    attributes: BTreeMap<String, Attribute>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attribute {
    data_type: String,
    string_value: Option<String>,
    binary_value: Option<String>,
}

impl Batch {
    /// Reads a request to the queue of this name. The error is a code and a message of the service.
    pub(super) fn parse(
        body: &[u8],
        queue: &str,
        max_bytes: usize,
    ) -> Result<Self, (&'static str, String)> {
        let batch: Self = serde_json::from_slice(body)
            .map_err(|error| ("SerializationException", error.to_string()))?;
        let entries = &batch.entries;
        if batch.queue_url.rsplit('/').next() != Some(queue) {
            return Err(("QueueDoesNotExist", "The specified queue does not exist.".to_owned()));
        }
        if entries.is_empty() {
            let message =
                "There should be at least one SendMessageBatchRequestEntry in the request.";
            return Err(("EmptyBatchRequest", message.to_owned()));
        }
        if entries.len() > MAX_ENTRIES {
            let message = format!(
                "Maximum number of entries per request are {MAX_ENTRIES}. You have sent {}.",
                entries.len()
            );
            return Err(("TooManyEntriesInBatchRequest", message));
        }
        if !entries.iter().all(|entry| is_id(&entry.id)) {
            let message = format!(
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. \
                 It can be at most {MAX_ID} letters long."
            );
            return Err(("InvalidBatchEntryId", message));
        }
        let mut ids = BTreeSet::new();
        if let Some(double) = entries.iter().find(|entry| !ids.insert(entry.id.as_str())) {
            return Err(("BatchEntryIdsNotDistinct", format!("Id {} repeated.", double.id)));
        }
        let bytes: usize = entries.iter().map(Entry::size).sum();
        if bytes > max_bytes {
            let message = format!(
                "Batch requests cannot be longer than {max_bytes} bytes. You have sent {bytes} bytes."
            );
            return Err(("BatchRequestTooLong", message));
        }
        Ok(batch)
    }
}

impl Entry {
    /// Returns the size as the service counts it: the body, and the name, type and value of every attribute.
    fn size(&self) -> usize {
        let attribute = |(name, attribute): (&String, &Attribute)| {
            name.len() + attribute.data_type.len() + attribute.value().map_or(0, |it| it.len())
        };
        self.body.len() + self.attributes.iter().map(attribute).sum::<usize>()
    }

    /// Returns the error code if this entry alone is rejected.
    pub(super) fn refusal(&self) -> Option<&'static str> {
        let strings = self.attributes.values().filter_map(|it| it.string_value.as_deref());
        let is_complete = |(name, attribute): (&String, &Attribute)| {
            !name.is_empty() && attribute.value().is_some_and(|value| !value.is_empty())
        };
        if self.body.is_empty() {
            Some("MissingParameter")
        } else if !strings.chain([self.body.as_str()]).all(|text| text.chars().all(is_xml)) {
            Some("InvalidMessageContents")
        } else if self.attributes.len() > MAX_ATTRIBUTES || !self.attributes.iter().all(is_complete)
        {
            Some("InvalidParameterValue")
        } else {
            None
        }
    }

    /// Returns the digest of the attributes as the service has read them; none without attributes.
    pub(super) fn digest_of_attributes(&self) -> Option<String> {
        let mut bytes = Vec::new();
        // In the order of their names, which the map has.
        for (name, attribute) in &self.attributes {
            put(&mut bytes, name.as_bytes());
            put(&mut bytes, attribute.data_type.as_bytes());
            bytes.push(if attribute.is_binary() { 2 } else { 1 });
            put(&mut bytes, &attribute.value().unwrap_or_default());
        }
        (!self.attributes.is_empty()).then(|| md5(&bytes))
    }

    pub(super) fn message(self) -> Message {
        let text = |(name, attribute): (String, Attribute)| Some((name, attribute.string_value?));
        Message {
            body: self.body,
            attributes: self.attributes.into_iter().filter_map(text).collect(),
        }
    }
}

impl Attribute {
    fn is_binary(&self) -> bool {
        self.data_type.split('.').next() == Some("Binary")
    }

    /// Returns nothing if the value is missing, or not of its type.
    fn value(&self) -> Option<Vec<u8>> {
        if self.is_binary() {
            STANDARD.decode(self.binary_value.as_ref()?).ok()
        } else {
            self.string_value.as_ref().map(|text| text.clone().into_bytes())
        }
    }
}

/// Appends a part of the digest's input: its length, then its bytes.
fn put(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
    bytes.extend(part);
}

fn is_id(id: &str) -> bool {
    let is_allowed = |it: u8| it.is_ascii_alphanumeric() || it == b'-' || it == b'_';
    (1..=MAX_ID).contains(&id.len()) && id.bytes().all(is_allowed)
}

/// Returns true if XML 1.0 allows this character.
fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn entry(id: &str, body: &str) -> Value {
        json!({ "Id": id, "MessageBody": body })
    }

    /// Returns the error code if a request with these entries is rejected as a whole.
    fn refusal(entries: &[Value]) -> Option<&'static str> {
        let url = "https://sqs.eu-central-1.amazonaws.com/111122223333/letters";
        let body = json!({ "QueueUrl": url, "Entries": entries }).to_string();
        Batch::parse(body.as_bytes(), "letters", MAX_BYTES).err().map(|(code, _)| code)
    }

    fn parsed(entry: Value) -> Entry {
        serde_json::from_value(entry).unwrap()
    }

    #[test]
    fn a_batch_has_one_to_ten_entries_with_distinct_and_plain_ids() {
        let ids: Vec<_> = (0..11).map(|it| entry(&format!("id-_{it}"), "x")).collect();
        assert_eq!(refusal(&ids[..10]), None);
        assert_eq!(refusal(&ids), Some("TooManyEntriesInBatchRequest"));
        assert_eq!(refusal(&[]), Some("EmptyBatchRequest"));
        let double = [entry("a", "x"), entry("b", "x"), entry("a", "x")];
        assert_eq!(refusal(&double), Some("BatchEntryIdsNotDistinct"));
        assert_eq!(refusal(&[entry(&"a".repeat(80), "x")]), None);
        for id in ["", "a.b", "a b", "ä", &"a".repeat(81)] {
            assert_eq!(refusal(&[entry(id, "x")]), Some("InvalidBatchEntryId"), "{id:?}");
        }
    }

    #[test]
    fn bodies_and_attributes_together_have_a_mebibyte_to_the_byte() {
        let half = "x".repeat(MAX_BYTES / 2);
        let mut full = [entry("a", &half), entry("b", &half)];
        assert_eq!(refusal(&full), None);
        full[1] = entry("b", &format!("{half}y"));
        assert_eq!(refusal(&full), Some("BatchRequestTooLong"));
        let attributes = json!({ "why": { "DataType": "String", "StringValue": "é" } });
        let with_room = |room: usize| {
            let mut last = entry("b", &half[room..]);
            last["MessageAttributes"] = attributes.clone();
            refusal(&[entry("a", &half), last])
        };
        assert_eq!(with_room("whyStringé".len()), None);
        assert_eq!(with_room("whyStringé".len() - 1), Some("BatchRequestTooLong"));
    }

    #[test]
    fn an_entry_with_characters_that_xml_lacks_is_refused_alone() {
        for (body, expected) in [
            ("plain \t\r\n \u{d7ff}\u{e000}\u{fffd}\u{10000}\u{10ffff}", None),
            ("\0", Some("InvalidMessageContents")),
            ("\u{1f}", Some("InvalidMessageContents")),
            ("\u{b}", Some("InvalidMessageContents")),
            ("\u{fffe}", Some("InvalidMessageContents")),
            ("\u{ffff}", Some("InvalidMessageContents")),
            ("", Some("MissingParameter")),
        ] {
            assert_eq!(parsed(entry("a", body)).refusal(), expected, "{body:?}");
        }
        let mut attribute = entry("a", "x");
        attribute["MessageAttributes"] =
            json!({ "why": { "DataType": "String", "StringValue": "\u{1}" } });
        assert_eq!(parsed(attribute).refusal(), Some("InvalidMessageContents"));
    }

    #[test]
    fn attributes_are_ten_at_most_and_have_a_value_of_their_type() {
        let with = |attributes: Value| {
            let mut it = entry("a", "x");
            it["MessageAttributes"] = attributes;
            parsed(it).refusal()
        };
        let many = |count: usize| {
            let one =
                |it: usize| (it.to_string(), json!({ "DataType": "Number", "StringValue": "1" }));
            Value::Object((0..count).map(one).collect())
        };
        assert_eq!((with(many(10)), with(many(11))), (None, Some("InvalidParameterValue")));
        for attribute in [
            json!({ "DataType": "String" }),
            json!({ "DataType": "String", "StringValue": "" }),
            json!({ "DataType": "Binary", "StringValue": "x" }),
            json!({ "DataType": "Binary", "BinaryValue": "no base64" }),
        ] {
            assert_eq!(with(json!({ "a": attribute })), Some("InvalidParameterValue"));
        }
    }

    #[test]
    fn the_digest_of_attributes_is_that_of_the_guide() {
        assert_eq!(parsed(entry("a", "x")).digest_of_attributes(), None);
        let digest = |attributes: Value| {
            let mut it = entry("a", "x");
            it["MessageAttributes"] = attributes;
            parsed(it).digest_of_attributes().unwrap()
        };
        let number = json!({ "DataType": "Number", "StringValue": "1493147359900" });
        assert_eq!(digest(json!({ "timestamp": number })), "235c5c510d26fb653d073faed50ae77c");
        let two = json!({
            "b": { "DataType": "Binary", "BinaryValue": "AQI=" },
            "a": { "DataType": "String", "StringValue": "v" },
        });
        assert_eq!(digest(two), "35bbfe343ea0990c2dcb69f287640254");
    }
}
