//! Constant members of every event's `source`.

use crate::value::{Kind, Value};

/// The path of this file, as the compiler states it.
pub(crate) const DECLARED_IN: &str = file!();

/// Labels of a function's events, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels(Vec<Label>);

/// One label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Label {
    /// The function's account, as Lambda states it when the extension registers.
    Account,
    /// The region of the function.
    Region,
    /// A custom name with a value.
    Custom(String, String),
}

impl Labels {
    /// A regular expression for one label that [`parse`](Value::parse) accepts, for other languages.
    pub const PATTERN: &str = r"^(account|region|(?!(function|version|instance|seq|requestId|tenantId|part|parts|events|account|region)=)[A-Za-z][A-Za-z0-9_-]{0,62}=[^,\x00-\x1f\x7f]{1,256})$";

    /// Members that `source` has or may have anyway.
    const RESERVED: [&str; 11] = [
        "function",
        "version",
        "instance",
        "seq",
        "requestId",
        "tenantId",
        "part",
        "parts",
        "events",
        Self::ACCOUNT,
        Self::REGION,
    ];
    /// The word that selects the account, and the name of its member.
    pub const ACCOUNT: &str = "account";
    /// The word that selects the region, and the name of its member.
    pub const REGION: &str = "region";

    /// Returns names and values. A label whose value is unknown is left out.
    pub fn resolve(&self, account: Option<&str>, region: Option<&str>) -> Vec<(String, String)> {
        let value = |label: &Label| match label {
            Label::Account => Some((Self::ACCOUNT.to_owned(), account?.to_owned())),
            Label::Region => Some((Self::REGION.to_owned(), region?.to_owned())),
            Label::Custom(name, value) => Some((name.clone(), value.clone())),
        };
        self.0.iter().filter_map(value).collect()
    }
}

impl Label {
    fn parse(text: &str) -> Option<Self> {
        match text.split_once('=') {
            None if text == Labels::ACCOUNT => Some(Self::Account),
            None if text == Labels::REGION => Some(Self::Region),
            None => None,
            Some((name, value)) => {
                let is_part = |it: u8| it.is_ascii_alphanumeric() || b"_-".contains(&it);
                let is_name = name.bytes().next().is_some_and(|it| it.is_ascii_alphabetic())
                    && name.len() <= 63
                    && name.bytes().all(is_part)
                    && !Labels::RESERVED.contains(&name);
                let is_value = (1..=256).contains(&value.chars().count())
                    && !value.chars().any(char::is_control);
                (is_name && is_value).then(|| Self::Custom(name.to_owned(), value.to_owned()))
            }
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Account => Labels::ACCOUNT,
            Self::Region => Labels::REGION,
            Self::Custom(name, _) => name,
        }
    }
}

impl Value for Labels {
    const KIND: Kind = Kind::Labels;
    const EXPECTED: &'static str = "account, region, or NAME=VALUE with a name of letters, digits, _ and - that is not yet a member of source; each once, separated by commas";
    fn parse(text: &str) -> Option<Self> {
        let labels: Option<Vec<Label>> =
            text.split(',').map(|label| Label::parse(label.trim())).collect();
        let labels = labels?;
        let is_new = |(index, label): (usize, &Label)| {
            labels[..index].iter().all(|other| other.name() != label.name())
        };
        labels.iter().enumerate().all(is_new).then_some(Self(labels))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_known_names_or_names_with_values_each_once() {
        let labels = Labels::parse("account, region,team=payments,cost-center=a=b é").unwrap();
        let own = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let custom = [own("team", "payments"), own("cost-center", "a=b é")];
        let all =
            [&[own("account", "111122223333"), own("region", "eu-west-1")][..], &custom].concat();
        assert_eq!(labels.resolve(Some("111122223333"), Some("eu-west-1")), all);
        assert_eq!(labels.resolve(None, None), custom, "unknown values are left out");
        for bad in [
            "",
            "team",
            "team=",
            "=x",
            "seq=1",
            "instance=x",
            "account=1",
            "1=x",
            "a b=c",
            "a=\u{1}",
            "team=a,team=b",
            "account,account",
            "a=b,,c=d",
        ] {
            assert_eq!(Labels::parse(bad), None, "{bad:?}");
        }
    }
}
