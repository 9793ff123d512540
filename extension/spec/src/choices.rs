//! Parameters that are one word of a list: the words, and what each stands for.

use crate::value::{Kind, Value};

/// This file, as the compiler names it.
pub(crate) const DECLARED_IN: &str = file!();

macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident { $(#[doc = $variant_doc:literal] $variant:ident = $word:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $(#[doc = $variant_doc] $variant,)* }

        impl $name {
            /// All of them, in the order in which documents show them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word.
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
    /// When waiting events are sent.
    Flush {
        /// Like `end` while invocations are rare; once they come often, beside the next ones, when a record is full or an event has reached its age.
        Adaptive = "adaptive",
        /// After the function has finished, before the invocation ends.
        End = "end",
        /// At the beginning of the next invocation, beside the function.
        Start = "start",
    }
    /// How events are packed into records.
    RecordFormat {
        /// A record holds many events, a line of JSON each.
        Ndjson = "ndjson",
        /// A record holds one event. Every consumer reads that, and it costs the most by far.
        Event = "event",
        /// A record is an aggregate of the Kinesis Producer Library, which KCL and Firehose unpack by themselves.
        Kpl = "kpl",
    }
    /// How the data of a record is compressed.
    Compression {
        /// Not at all.
        None = "none",
        /// One gzip member a record (RFC 1952).
        Gzip = "gzip",
        /// One Zstandard frame a record (RFC 8878), for less CPU than gzip.
        Zstd = "zstd",
    }
    /// How much of its identity an event carries.
    Envelope {
        /// Each event has a `source` of its own.
        Event = "event",
        /// The first line of a record says it once for all events of the record, which cannot be parted from it then.
        Record = "record",
        /// No identity: nobody can tell duplicates, order or losses, nor which function an event is of.
        None = "none",
    }
    /// What the partition key of a record is.
    PartitionKey {
        /// The extension process. Spreads environments over the shards; managed instances, which make more than others, record by record.
        Instance = "instance",
        /// The invocation, so that all its events are in one shard. Records hold events of one invocation only.
        Request = "request",
        /// The name of the function, so that all its events are in one shard as long as that can take them.
        Function = "function",
        /// A new one for each record. Spreads best, and keeps nothing together.
        Random = "random",
    }
    /// Metrics of the extension in CloudWatch, through lines of its own (EMF).
    Metrics {
        /// None.
        Off = "off",
        /// Four for all functions together, because none has a dimension: `Received`, `Delivered`, `Shed` and `DeliveryLag`.
        Basic = "basic",
        /// All there are.
        All = "all",
    }
    /// How much the extension says about itself.
    Level {
        /// Only what loses events or keeps the extension from working.
        Error = "error",
        /// Also what a person should mend.
        Warn = "warn",
        /// Also the beginning and the end of its life.
        Info = "info",
        /// Also every delivery.
        Debug = "debug",
    }
}
