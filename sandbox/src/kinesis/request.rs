//! A `PutRecords` request, checked against the limits of the service.
//!
//! Pure. Source: Kinesis API reference, `PutRecords`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;

const MAX_RECORDS: usize = 500;
const MAX_REQUEST: usize = 10 * 1024 * 1024;
/// The default `MaxRecordSizeInKiB` of a stream.
pub(super) const MAX_RECORD: usize = 1024 * 1024;
/// The largest value to which it can be changed.
pub(super) const LARGEST_RECORD: usize = 10 * 1024 * 1024;

/// A valid request.
#[derive(Debug)]
pub(super) struct PutRecords {
    pub(super) records: Vec<Record>,
}

/// A record of a valid request.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) data: Bytes,
    pub(super) partition_key: String,
    pub(super) explicit_hash_key: Option<u128>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Body {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    records: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    data: String,
    partition_key: String,
    explicit_hash_key: Option<String>,
}

impl PutRecords {
    /// Reads a request to this stream, which takes records of this size. The error is a code and a message of the
    /// service.
    pub(super) fn parse(
        body: &[u8],
        stream: &str,
        max_record: usize,
    ) -> Result<Self, (&'static str, String)> {
        let invalid = |message: String| ("InvalidArgumentException", message);
        let body: Body = serde_json::from_slice(body)
            .map_err(|error| ("SerializationException", error.to_string()))?;
        let name = body.stream_arn.as_deref().and_then(|arn| arn.split(":stream/").nth(1));
        let name = name.or(body.stream_name.as_deref()).unwrap_or_default();
        if name != stream {
            let message = format!("Stream {name} under account 111122223333 not found.");
            return Err(("ResourceNotFoundException", message));
        }
        if !(1..=MAX_RECORDS).contains(&body.records.len()) {
            return Err(invalid(format!(
                "{} records: must be 1 to {MAX_RECORDS}",
                body.records.len()
            )));
        }
        let mut total = 0;
        let mut records = Vec::with_capacity(body.records.len());
        for Entry { data, partition_key, explicit_hash_key } in body.records {
            let data = STANDARD
                .decode(data)
                .map_err(|error| ("SerializationException", error.to_string()))?;
            if !(1..=256).contains(&partition_key.chars().count()) {
                return Err(invalid(format!(
                    "partition key {partition_key:?}: must be 1 to 256 characters"
                )));
            }
            let size = data.len() + partition_key.len();
            if size > max_record {
                return Err(invalid(format!("a record of {size} bytes: at most {max_record}")));
            }
            total += size;
            let explicit_hash_key = match explicit_hash_key.as_deref().map(hash_key) {
                None => None,
                Some(Some(hash)) => Some(hash),
                Some(None) => return Err(invalid("an explicit hash key that is none".to_owned())),
            };
            records.push(Record { data: data.into(), partition_key, explicit_hash_key });
        }
        if total > MAX_REQUEST {
            return Err(invalid(format!("a request of {total} bytes: at most {MAX_REQUEST}")));
        }
        Ok(Self { records })
    }
}

/// An explicit hash key: a decimal number without leading zeros.
fn hash_key(text: &str) -> Option<u128> {
    let is_plain = text.bytes().all(|it| it.is_ascii_digit());
    (is_plain && (text == "0" || !text.starts_with('0'))).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The code of the refusal of these records, given as data lengths.
    fn refusal(stream: &str, lengths: &[usize], key: &str) -> Option<&'static str> {
        refusal_by(MAX_RECORD, stream, lengths, key)
    }

    /// Reads a request to a stream that accepts records of this size.
    fn refusal_by(
        max_record: usize,
        stream: &str,
        lengths: &[usize],
        key: &str,
    ) -> Option<&'static str> {
        let records: Vec<_> = lengths
            .iter()
            .map(|len| serde_json::json!({ "Data": STANDARD.encode(vec![b'x'; *len]), "PartitionKey": key }))
            .collect();
        let body = serde_json::json!({ "StreamName": stream, "Records": records }).to_string();
        PutRecords::parse(body.as_bytes(), "telemetry", max_record).err().map(|(code, _)| code)
    }

    #[test]
    fn limits_are_exact_to_the_byte() {
        let invalid = Some("InvalidArgumentException");
        assert_eq!(refusal("telemetry", &[MAX_RECORD - 1], "k"), None);
        assert_eq!(refusal("telemetry", &[MAX_RECORD], "k"), invalid);
        assert_eq!(refusal("telemetry", &[0; 500], "k"), None);
        assert_eq!(refusal("telemetry", &[0; 501], "k"), invalid);
        assert_eq!(refusal("telemetry", &[], "k"), invalid);
        assert_eq!(refusal("telemetry", &[MAX_RECORD - 1; 10], "k"), None);
        assert_eq!(refusal("telemetry", &[MAX_RECORD - 1; 11], "k"), invalid);
        assert_eq!(refusal("telemetry", &[1], ""), invalid);
        assert_eq!(refusal("telemetry", &[1], &"k".repeat(257)), invalid);
    }

    #[test]
    fn another_stream_is_not_found_by_name_or_arn() {
        assert_eq!(refusal("orders", &[1], "k"), Some("ResourceNotFoundException"));
        let arn = br#"{"StreamARN":"arn:aws:kinesis:eu-central-1:111122223333:stream/telemetry","Records":[{"Data":"","PartitionKey":"k"}]}"#;
        assert!(PutRecords::parse(arn, "telemetry", MAX_RECORD).is_ok());
        assert!(PutRecords::parse(arn, "other", MAX_RECORD).is_err());
    }

    #[test]
    fn a_stream_that_takes_larger_records_counts_them_with_their_keys_to_the_byte() {
        let invalid = Some("InvalidArgumentException");
        for max in [2 << 20, LARGEST_RECORD] {
            assert_eq!(refusal_by(max, "telemetry", &[max - 2], "ab"), None);
            assert_eq!(refusal_by(max, "telemetry", &[max - 1], "ab"), invalid);
            // Bytes are counted, not characters.
            assert_eq!(refusal_by(max, "telemetry", &[max - 1], "ä"), invalid);
        }
        assert_eq!(refusal_by(LARGEST_RECORD, "telemetry", &[LARGEST_RECORD - 1, 0], "k"), invalid);
    }

    #[test]
    fn an_explicit_hash_key_is_a_decimal_number_of_128_bits() {
        assert_eq!(hash_key("0"), Some(0));
        assert_eq!(hash_key("340282366920938463463374607431768211455"), Some(u128::MAX));
        for text in ["340282366920938463463374607431768211456", "", "00", "+1", "1e3", "-1"] {
            assert_eq!(hash_key(text), None, "{text:?}");
        }
    }
}
