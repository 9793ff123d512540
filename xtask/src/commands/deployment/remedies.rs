//! Remedies for errors of the CDK and AWS. Pure.

/// Words of the CDK or AWS, and the remedy. The first one that occurs counts, so the more specific ones come first.
const REMEDIES: [(&str, &str); 15] = [
    ("ExpiredToken", EXPIRED),
    ("expired AWS credentials", EXPIRED),
    ("The SSO session associated with this profile has expired", EXPIRED),
    (
        "InvalidClientTokenId",
        "AWS does not know these credentials: they may be deleted, or belong to another partition; aws sts get-caller-identity shows their owner",
    ),
    (
        "SignatureDoesNotMatch",
        "AWS rejects the signature: the secret key does not belong to the access key, or this machine's clock is wrong",
    ),
    ("ENOTFOUND", "the region's host name cannot be resolved: check AWS_REGION and the network"),
    ("UPDATE_ROLLBACK_FAILED", STUCK),
    ("ROLLBACK_FAILED", STUCK),
    (
        "DELETE_FAILED",
        "a stack was not deleted completely: repair what is named above, then run cargo xtask destroy again",
    ),
    ("already exists", TAKEN),
    ("AlreadyExists", TAKEN),
    (
        "ROLLBACK_COMPLETE",
        "CloudFormation has rolled everything back, for the reason above: repair it and deploy again; nothing needs cleaning up",
    ),
    (
        "Has the environment been bootstrapped",
        "the account is not bootstrapped for the CDK in this region: run cargo xtask bootstrap STAGE once",
    ),
    ("is not authorized to perform", DENIED),
    ("AccessDenied", DENIED),
];

const EXPIRED: &str = "the credentials have expired: get new ones, for example with aws sso login, and run the command again";
const STUCK: &str = "a stack is stuck in a failed rollback: run cargo xtask cdk STAGE -- rollback, then deploy again";
const TAKEN: &str =
    "a resource of that name exists already: find its owner and delete it, or deploy with --name";
const DENIED: &str =
    "access denied: grant the permission that is named above to these credentials, or use others";

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
