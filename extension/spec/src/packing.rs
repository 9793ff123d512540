//! Defines which format, compression and envelope go together, and who can read the result.

use crate::choices::{Compression, Envelope, RecordFormat};

/// The path of this file, as the compiler states it.
pub const DECLARED_IN: &str = file!();

/// The compressions and envelopes that a format allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Combination {
    /// The format.
    pub format: RecordFormat,
    /// The compressions that the format allows.
    pub compressions: &'static [Compression],
    /// The envelopes that the format allows.
    pub envelopes: &'static [Envelope],
    /// Readers that need no code of their own for it.
    pub readers: &'static str,
    /// Why the format allows no others.
    pub why: &'static str,
}

/// Every format once.
pub const COMBINATIONS: [Combination; 3] = [
    Combination {
        format: RecordFormat::Ndjson,
        compressions: Compression::ALL,
        envelopes: Envelope::ALL,
        readers: "Uncompressed, with a `source` in each line: Firehose, which writes records to S3 unchanged, and every reader of lines. Compressed: the consumers of docs/consuming.md.",
        why: "It allows every combination.",
    },
    Combination {
        format: RecordFormat::Event,
        compressions: &[Compression::None],
        envelopes: &[Envelope::Event, Envelope::None],
        readers: "Every reader: a record is one line.",
        why: "One event hardly compresses, and a record is billed as at least 1 KB or 25 KB. The record is the event, so an identity line per record gains nothing.",
    },
    Combination {
        format: RecordFormat::Kpl,
        compressions: &[Compression::None],
        envelopes: &[Envelope::Event, Envelope::None],
        readers: "KCL and Firehose, which de-aggregate it; Lambda with AWS's de-aggregation libraries.",
        why: "KCL and Firehose must be able to read the inner records, each of which is one event. Do not use it with streams that distribute records automatically: KCL drops aggregates there.",
    },
];

impl Combination {
    /// Returns the combination for this format.
    pub fn of(format: RecordFormat) -> Self {
        let is_it = |it: &Self| it.format == format;
        COMBINATIONS.into_iter().find(is_it).expect("a test proves that every format is there")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_works_with_the_other_defaults() {
        for format in RecordFormat::ALL {
            let combination = Combination::of(*format);
            assert!(combination.compressions.contains(&Compression::None));
            assert!(combination.envelopes.contains(&Envelope::Event));
        }
    }
}
