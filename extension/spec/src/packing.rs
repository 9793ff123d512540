//! Which format, compression and envelope go together, and who can read the result.

use crate::choices::{Compression, Envelope, RecordFormat};

/// The file in which all this is said, as the compiler names it.
pub const DECLARED_IN: &str = file!();

/// What can be set together with a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Combination {
    /// The format.
    pub format: RecordFormat,
    /// Compressions that it can have.
    pub compressions: &'static [Compression],
    /// Envelopes that it can have.
    pub envelopes: &'static [Envelope],
    /// Who reads it without code of its own.
    pub readers: &'static str,
    /// Why it has no more than these.
    pub why: &'static str,
}

/// Every format once.
pub const COMBINATIONS: [Combination; 3] = [
    Combination {
        format: RecordFormat::Ndjson,
        compressions: Compression::ALL,
        envelopes: Envelope::ALL,
        readers: "Uncompressed and with a `source` in each line: Firehose, to S3 as it is, and whatever reads lines. Compressed: the consumers of docs/consuming.md.",
        why: "Everything goes with it.",
    },
    Combination {
        format: RecordFormat::Event,
        compressions: &[Compression::None],
        envelopes: &[Envelope::Event, Envelope::None],
        readers: "Everything: a record is a line.",
        why: "One event hardly compresses, and a record is billed as 1 KB or 25 KB anyway. Its record is its event, so the identity is said in one place.",
    },
    Combination {
        format: RecordFormat::Kpl,
        compressions: &[Compression::None],
        envelopes: &[Envelope::Event, Envelope::None],
        readers: "KCL and Firehose, by themselves; Lambda with the published de-aggregation libraries.",
        why: "The aggregate's own records must stay readable for KCL and Firehose, and are one event each. Not for streams that distribute records automatically: KCL drops aggregates there.",
    },
];

impl Combination {
    /// What goes together with this format.
    pub fn of(format: RecordFormat) -> Self {
        let is_it = |it: &Self| it.format == format;
        COMBINATIONS.into_iter().find(is_it).expect("a test proves that every format is there")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_can_be_had_with_the_defaults_of_the_others() {
        for format in RecordFormat::ALL {
            let combination = Combination::of(*format);
            assert!(combination.compressions.contains(&Compression::None));
            assert!(combination.envelopes.contains(&Envelope::Event));
        }
    }
}
