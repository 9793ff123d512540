//! Remedies for errors of the CDK and AWS. Pure.

/// Words of theirs, and what helps. The first that occurs counts: what is more special stands first.
const REMEDIES: [(&str, &str); 15] = [
    ("ExpiredToken", EXPIRED),
    ("expired AWS credentials", EXPIRED),
    ("The SSO session associated with this profile has expired", EXPIRED),
    (
        "InvalidClientTokenId",
        "AWS does not know these credentials: are they of another partition or deleted? aws sts get-caller-identity says whose they are",
    ),
    (
        "SignatureDoesNotMatch",
        "AWS does not take the signature: the secret key does not belong to the access key, or this machine's clock is wrong",
    ),
    (
        "ENOTFOUND",
        "the region's address cannot be found: is AWS_REGION the name of a region, and the network there?",
    ),
    ("UPDATE_ROLLBACK_FAILED", STUCK),
    ("ROLLBACK_FAILED", STUCK),
    (
        "DELETE_FAILED",
        "a stack could not be deleted entirely: mend what is named above, then run cargo xtask destroy again",
    ),
    ("already exists", TAKEN),
    ("AlreadyExists", TAKEN),
    (
        "ROLLBACK_COMPLETE",
        "AWS has taken everything back, for the reason above; mend it and deploy again, nothing has to be cleaned up",
    ),
    (
        "Has the environment been bootstrapped",
        "the account is not prepared for the CDK in this region: run cargo xtask bootstrap STAGE, once",
    ),
    ("is not authorized to perform", DENIED),
    ("AccessDenied", DENIED),
];

const EXPIRED: &str =
    "the credentials have expired: get new ones, with aws sso login for example, and run it again";
const STUCK: &str = "a stack is stuck between two states: cargo xtask cdk STAGE -- rollback takes it back, then deploy again";
const TAKEN: &str = "something of that name exists already: find out whose it is, and delete it, or deploy with --name";
const DENIED: &str =
    "these credentials may not do this: have what is named above allowed to them, or use others";

/// Returns the remedy, if the message is a known one.
pub(super) fn of(said: &str) -> Option<&'static str> {
    REMEDIES.iter().find(|(words, _)| said.contains(words)).map(|(_, remedy)| *remedy)
}

#[cfg(test)]
mod tests {
    use super::{REMEDIES, of};

    #[test]
    fn a_stack_that_is_stuck_is_not_taken_for_one_that_was_taken_back() {
        assert!(of("stack is in UPDATE_ROLLBACK_FAILED state").unwrap().contains("-- rollback"));
        assert!(of("failed creation, ROLLBACK_COMPLETE").unwrap().contains("deploy again"));
        assert!(of("x already exists; ROLLBACK_COMPLETE").unwrap().contains("--name"));
        assert_eq!(of("all is well"), None);
    }

    #[test]
    fn no_remedy_is_hidden_by_a_more_general_one() {
        for (index, (words, _)) in REMEDIES.iter().enumerate() {
            let before = REMEDIES[..index].iter().find(|(it, _)| words.contains(it));
            assert!(before.is_none(), "{words} after {before:?}");
        }
    }
}
