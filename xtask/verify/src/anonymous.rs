//! Texts without the account that they come from. Pure.

/// The account of AWS's own examples.
const EXAMPLE: &str = "111122223333";

/// Returns a sample with the account of AWS's examples in place of the account.
pub(crate) fn sample(text: &str, account: &str) -> String {
    text.replace(account, EXAMPLE)
}

/// Returns a sentence without the account, and without ARNs, which may name people.
pub(crate) fn prose(text: &str, account: &str) -> String {
    let mut rest = sample(text, account);
    let mut safe = String::new();
    while let Some(at) = rest.find("arn:") {
        safe += &rest[..at];
        safe += "an ARN";
        let is_end = |c: char| c.is_whitespace() || "\"'`()<>,;".contains(c);
        let end = rest[at..].find(is_end).map_or(rest.len(), |it| at + it);
        rest = rest.split_off(end);
    }
    safe + &rest
}

#[cfg(test)]
mod tests {
    use super::{prose, sample};

    #[test]
    fn neither_account_nor_arn_remains() {
        let account = "210987654321";
        let text = "User: arn:aws:iam::210987654321:user/alice may not invoke (arn:aws:lambda:eu-west-1:210987654321:function:f) in 210987654321";
        assert_eq!(prose(text, account), "User: an ARN may not invoke (an ARN) in 111122223333");
        let event = r#"{"functionArn":"arn:aws:lambda:eu-west-1:210987654321:function:f"}"#;
        assert_eq!(
            sample(event, account),
            r#"{"functionArn":"arn:aws:lambda:eu-west-1:111122223333:function:f"}"#
        );
    }
}
