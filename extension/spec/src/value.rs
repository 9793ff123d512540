//! The types of parameters: what text they accept, and how other languages should see them.

use std::time::Duration;

/// This file, as the compiler names it.
pub(crate) const DECLARED_IN: &str = file!();

/// What a value is, for readers in other languages and documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A whole number of milliseconds.
    Millis,
    /// A whole number of bytes.
    Bytes,
    /// A whole number.
    Count,
    /// `true` or `false`.
    Flag,
    /// One word of a list, each with a sentence that says what it stands for.
    Choice(&'static [(&'static str, &'static str)]),
    /// Name or ARN of a Kinesis data stream.
    Stream,
    /// Event types, separated by commas.
    Types,
}

/// A type that a parameter can have.
pub trait Value: Sized {
    /// How other languages see it.
    const KIND: Kind;
    /// Reads it from text; the error says what the text should be ("a whole number", say).
    fn parse(text: &str) -> Result<Self, String>;
    /// The number to hold against the parameter's range, where it is one.
    fn number(&self) -> Option<u64> {
        None
    }
}

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident: $expected:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(pub u64);

        impl Value for $name {
            const KIND: Kind = Kind::$name;
            fn parse(text: &str) -> Result<Self, String> {
                // `u64::from_str` would take a leading `+`.
                if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err($expected.to_owned());
                }
                text.parse().map(Self).map_err(|_| $expected.to_owned())
            }
            fn number(&self) -> Option<u64> {
                Some(self.0)
            }
        }
    )*};
}

numbers! {
    /// A duration in milliseconds.
    Millis: "a whole number of milliseconds";
    /// A size in bytes.
    Bytes: "a whole number of bytes";
    /// A number of things.
    Count: "a whole number";
}

impl Millis {
    /// As the standard library's type.
    pub const fn duration(self) -> Duration {
        Duration::from_millis(self.0)
    }
}

impl Bytes {
    /// As an index into memory; saturates where memory is smaller than the number.
    pub fn size(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl Value for bool {
    const KIND: Kind = Kind::Flag;
    fn parse(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("true or false".to_owned()),
        }
    }
}

/// An empty text is the absence of the value.
impl<T: Value> Value for Option<T> {
    const KIND: Kind = T::KIND;
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() { Ok(None) } else { T::parse(text).map(Some) }
    }
    fn number(&self) -> Option<u64> {
        self.as_ref().and_then(Value::number)
    }
}

macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident { $(#[doc = $variant_doc:literal] $variant:ident = $word:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $(#[doc = $variant_doc] $variant,)* }

        impl Value for $name {
            const KIND: Kind = Kind::Choice(&[$(($word, $variant_doc.trim_ascii_start())),*]);
            fn parse(text: &str) -> Result<Self, String> {
                match text.to_ascii_lowercase().as_str() {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(format!("one of {}", [$($word),*].join(", "))),
                }
            }
        }
    )*};
}

choices! {
    /// When waiting events are sent.
    Flush {
        /// After the function has finished, before the invocation ends.
        End = "end",
        /// At the beginning of the next invocation, beside the function.
        Start = "start",
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

/// A Kinesis data stream, by name or by ARN. Only an ARN can name a stream of another account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stream {
    /// 1 to 128 characters of `a-zA-Z0-9_.-` (Kinesis API reference, `StreamName`).
    Name(String),
    /// `arn:PARTITION:kinesis:REGION:ACCOUNT:stream/NAME`.
    Arn(String),
}

impl Stream {
    /// What [`parse`](Value::parse) accepts, as a regular expression for other languages.
    pub const PATTERN: &str =
        r"^(arn:aws(-[a-z]+)*:kinesis:[a-z0-9-]+:[0-9]{12}:stream\/)?[A-Za-z0-9_.-]{1,128}$";

    /// The same in words.
    pub const EXPECTED: &str = "the name of a stream (1 to 128 of a-z A-Z 0-9 _ . -) or its ARN \
         (arn:aws:kinesis:REGION:ACCOUNT:stream/NAME)";

    /// As it was set.
    pub fn as_str(&self) -> &str {
        let (Self::Name(text) | Self::Arn(text)) = self;
        text
    }

    /// The region that an ARN names.
    pub fn region(&self) -> Option<&str> {
        match self {
            Self::Name(_) => None,
            Self::Arn(arn) => arn.split(':').nth(3),
        }
    }
}

impl Value for Stream {
    const KIND: Kind = Kind::Stream;
    fn parse(text: &str) -> Result<Self, String> {
        let is_name = |name: &str| {
            (1..=128).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
        };
        if is_name(text) {
            return Ok(Self::Name(text.to_owned()));
        }
        let mut fields = text.splitn(6, ':');
        let mut field = || fields.next().unwrap_or_default();
        let (arn, partition, service, region, account, resource) =
            (field(), field(), field(), field(), field(), field());
        // `aws`, `aws-cn`, `aws-us-gov`, `aws-iso-b`.
        let is_partition = |text: &str| {
            let mut words = text.split('-');
            words.next() == Some("aws")
                && words
                    .all(|word| !word.is_empty() && word.bytes().all(|it| it.is_ascii_lowercase()))
        };
        let is_region = |text: &str| {
            let is_part = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
            !text.is_empty() && text.bytes().all(is_part)
        };
        let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        if arn == "arn"
            && is_partition(partition)
            && service == "kinesis"
            && is_region(region)
            && is_account
            && resource.strip_prefix("stream/").is_some_and(is_name)
        {
            return Ok(Self::Arn(text.to_owned()));
        }
        Err(Self::EXPECTED.to_owned())
    }
}

/// Which events are delivered: categories (`platform`, `function`, `extension`) and single types (`platform.report`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Types(Vec<String>);

impl Types {
    /// A word of the list that [`parse`](Value::parse) accepts, as a regular expression for other languages.
    pub const PATTERN: &str = r"^(platform(\.[A-Za-z0-9]+)?|function|extension)$";

    /// The whole list in words.
    pub const EXPECTED: &str = "platform, function, extension or single types such as platform.report, separated by commas";

    /// The categories that Lambda knows. What precedes the dot in a type is one of them.
    pub const CATEGORIES: [&'static str; 3] = ["platform", "function", "extension"];

    /// The categories to subscribe to. `platform` is always among them: the extension itself needs its events.
    pub fn subscription(&self) -> Vec<&'static str> {
        Self::CATEGORIES
            .into_iter()
            .filter(|category| {
                *category == "platform" || self.0.iter().any(|word| word == category)
            })
            .collect()
    }

    /// Whether an event of this type is delivered. A type of no known category is: what the platform invents next must
    /// not be lost.
    pub fn include(&self, event_type: &str) -> bool {
        let category = event_type.split('.').next().unwrap_or_default();
        !Self::CATEGORIES.contains(&category)
            || self.0.iter().any(|word| word == event_type || word == category)
    }
}

impl Value for Types {
    const KIND: Kind = Kind::Types;
    fn parse(text: &str) -> Result<Self, String> {
        let words: Vec<String> = text.split(',').map(|word| word.trim().to_owned()).collect();
        let is_known = |word: &String| {
            let single = word.strip_prefix("platform.").is_some_and(|rest| {
                !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
            });
            single || Self::CATEGORIES.contains(&word.as_str())
        };
        if words.iter().all(is_known) {
            return Ok(Self(words));
        }
        Err(Self::EXPECTED.to_owned())
    }
}
