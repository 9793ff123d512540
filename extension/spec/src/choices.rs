//! Parameters whose value is one word of a list, with the meaning of each word.

use crate::value::{Kind, Value};

/// The path of this file, as the compiler states it.
pub(crate) const DECLARED_IN: &str = file!();

macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident { $(#[doc = $variant_doc:literal] $variant:ident = $word:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $(#[doc = $variant_doc] $variant,)* }

        impl $name {
            /// All words, in the order in which documents show them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Returns the word as it is written in the variable.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl Value for $name {
            const KIND: Kind = Kind::Choice(&[$(($word, $variant_doc.trim_ascii_start())),*]);
            const EXPECTED: &'static str = concat!("one of ", choices!(@listed $($word,)*));
            fn parse(text: &str) -> Option<Self> {
                match text.to_ascii_lowercase().as_str() {
                    $($word => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    )*};
    (@listed $first:literal, $($word:literal,)*) => { concat!($first $(, ", ", $word)*) };
}

choices! {
    /// When queued events are sent.
    Flush {
        /// Like `end` while invocations are rare. While they are frequent, events are sent during the next invocations, when a record is full or an event has reached its maximum age.
        Adaptive = "adaptive",
        /// After the function has finished, before the invocation ends.
        End = "end",
        /// At the beginning of the next invocation, while the function runs.
        Start = "start",
    }
    /// How events are packed into records.
    RecordFormat {
        /// A record holds many events, one line of JSON each.
        Ndjson = "ndjson",
        /// A record holds one event. Every consumer can read it, but it costs by far the most.
        Event = "event",
        /// A record is an aggregate of the Kinesis Producer Library. KCL and Firehose de-aggregate it.
        Kpl = "kpl",
    }
    /// How the data of a record is compressed.
    Compression {
        /// No compression.
        None = "none",
        /// One gzip member per record (RFC 1952).
        Gzip = "gzip",
        /// One Zstandard frame per record (RFC 8878). It takes less CPU time than gzip.
        Zstd = "zstd",
    }
    /// How much identity an event carries.
    Envelope {
        /// Each event has its own `source`.
        Event = "event",
        /// The first line of a record states the identity of all its events, so events cannot be separated from their record.
        Record = "record",
        /// No identity. Consumers cannot detect duplicates, order or losses, nor tell which function an event comes from.
        None = "none",
    }
    /// The source of a record's partition key.
    PartitionKey {
        /// The extension process. Environments spread over the shards; managed instances, which produce more, spread record by record.
        Instance = "instance",
        /// The invocation, so all its events are in one shard. A record holds events of one invocation only.
        Request = "request",
        /// The name of the function, so all its events are in one shard as long as that shard has capacity.
        Function = "function",
        /// A new key for each record. It spreads the load best, and keeps no events together.
        Random = "random",
    }
    /// Metrics of the extension in CloudWatch, printed as log lines in the embedded metric format (EMF).
    Metrics {
        /// No metrics.
        Off = "off",
        /// Four metrics without dimensions, which all functions share: `Received`, `Delivered`, `Shed` and `DeliveryLag`.
        Basic = "basic",
        /// All metrics.
        All = "all",
    }
    /// How much the extension logs about itself.
    Level {
        /// Only problems that lose events or keep the extension from working.
        Error = "error",
        /// Also problems that a person should fix.
        Warn = "warn",
        /// Also the start and the end of the process.
        Info = "info",
        /// Also every delivery.
        Debug = "debug",
    }
}
