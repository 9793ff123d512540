//! The types of parameters, the text that they accept, and their form in other languages.

use std::time::Duration;

/// The path of this file, as the compiler states it.
pub(crate) const DECLARED_IN: &str = file!();

/// The kind of a parameter's value, for other languages and documents.
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
    /// One word of a list. Each word comes with a sentence that describes it.
    Choice(&'static [(&'static str, &'static str)]),
    /// Name or ARN of a Kinesis data stream.
    Stream,
    /// Event types, separated by commas.
    Types,
    /// A decimal number from 0 to 1.
    Share,
    /// Conditions that make an invocation remarkable, separated by commas.
    Conditions,
    /// URL of an SQS queue.
    Queue,
    /// Labels, separated by commas.
    Labels,
}

/// A type that a parameter can have.
pub trait Value: Sized {
    /// The kind of value, for other languages.
    const KIND: Kind;
    /// A description of the accepted text for people, such as "a whole number".
    const EXPECTED: &'static str;
    /// Reads the value from text. Returns none if the text is not acceptable.
    fn parse(text: &str) -> Option<Self>;
    /// Returns the number to compare with the parameter's range; none if the value is not a number.
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
            const EXPECTED: &'static str = $expected;
            fn parse(text: &str) -> Option<Self> {
                // `u64::from_str` would accept a leading `+`.
                let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
                text.parse().ok().filter(|_| is_number).map(Self)
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
    /// Returns the duration as the standard library's type.
    pub const fn duration(self) -> Duration {
        Duration::from_millis(self.0)
    }
}

impl Bytes {
    /// Returns the size as an index into memory. It saturates if memory addresses are smaller than the number.
    pub fn size(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl Value for bool {
    const KIND: Kind = Kind::Flag;
    const EXPECTED: &'static str = "true or false";
    fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }
}

/// An empty text stands for no value.
impl<T: Value> Value for Option<T> {
    const KIND: Kind = T::KIND;
    const EXPECTED: &'static str = T::EXPECTED;
    fn parse(text: &str) -> Option<Self> {
        if text.is_empty() { Some(None) } else { T::parse(text).map(Some) }
    }
    fn number(&self) -> Option<u64> {
        self.as_ref().and_then(Value::number)
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
    /// A regular expression for the text that [`parse`](Value::parse) accepts, for other languages.
    pub const PATTERN: &str =
        r"^(arn:aws(-[a-z]+)*:kinesis:[a-z0-9-]+:[0-9]{12}:stream\/)?[A-Za-z0-9_.-]{1,128}$";

    /// Returns the text as it was set.
    pub fn as_str(&self) -> &str {
        let (Self::Name(text) | Self::Arn(text)) = self;
        text
    }

    /// Returns the region that an ARN names; none for a name.
    pub fn region(&self) -> Option<&str> {
        match self {
            Self::Name(_) => None,
            Self::Arn(arn) => arn.split(':').nth(3),
        }
    }
}

impl Value for Stream {
    const KIND: Kind = Kind::Stream;
    const EXPECTED: &'static str = "the name of a stream (1 to 128 of a-z A-Z 0-9 _ . -) or its ARN \
         (arn:aws:kinesis:REGION:ACCOUNT:stream/NAME)";
    fn parse(text: &str) -> Option<Self> {
        let is_name = |name: &str| {
            (1..=128).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
        };
        if is_name(text) {
            return Some(Self::Name(text.to_owned()));
        }
        let mut fields = text.splitn(6, ':');
        let mut field = || fields.next().unwrap_or_default();
        let (arn, partition, service, region, account, resource) =
            (field(), field(), field(), field(), field(), field());
        // Partitions are, for example, `aws`, `aws-cn`, `aws-us-gov` and `aws-iso-b`.
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
        let is_arn = arn == "arn"
            && is_partition(partition)
            && service == "kinesis"
            && is_region(region)
            && is_account
            && resource.strip_prefix("stream/").is_some_and(is_name);
        is_arn.then(|| Self::Arn(text.to_owned()))
    }
}

/// An SQS queue, by its URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueUrl(String);

impl QueueUrl {
    /// A regular expression for the text that [`parse`](Value::parse) accepts, for other languages.
    pub const PATTERN: &str =
        r"^https?:\/\/[A-Za-z0-9.:-]+\/[0-9]{12}\/[A-Za-z0-9_-]{1,80}(\.fifo)?$";

    /// Returns the URL as it was set.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True if it is a FIFO queue, which keeps messages in order and drops duplicates.
    pub fn is_fifo(&self) -> bool {
        self.0.strip_suffix(".fifo").is_some()
    }

    /// Returns the region that the URL names in AWS's current format; none for other URLs.
    pub fn region(&self) -> Option<&str> {
        let host = self.0.split("://").nth(1)?;
        host.strip_prefix("sqs.").or_else(|| host.strip_prefix("sqs-fips."))?.split('.').next()
    }
}

impl Value for QueueUrl {
    const KIND: Kind = Kind::Queue;
    const EXPECTED: &'static str =
        "the URL of a queue (https://sqs.REGION.amazonaws.com/ACCOUNT/NAME)";
    fn parse(text: &str) -> Option<Self> {
        let is_url = || {
            let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
            let mut fields = rest.splitn(3, '/');
            let (host, account, name) = (fields.next()?, fields.next()?, fields.next()?);
            let is_host = |it: u8| it.is_ascii_alphanumeric() || b".:-".contains(&it);
            let is_name = |it: u8| it.is_ascii_alphanumeric() || b"_-".contains(&it);
            let name = name.strip_suffix(".fifo").unwrap_or(name);
            Some(
                !host.is_empty()
                    && host.bytes().all(is_host)
                    && account.len() == 12
                    && account.bytes().all(|it| it.is_ascii_digit())
                    && (1..=80).contains(&name.len())
                    && name.bytes().all(is_name),
            )
        };
        (is_url() == Some(true)).then(|| Self(text.to_owned()))
    }
}
