//! The tool that deploys a function, according to its tags. Pure.
//!
//! `CloudFormation` sets tags that only it can set, and SAM adds its own tag. Terraform, the console and the AWS CLI set no tag,
//! so any of them may manage a function without these tags.

use std::collections::HashMap;

use serde::Serialize;

/// Tag with the name of the stack (`CloudFormation` template reference, "Resource tags").
const STACK: &str = "aws:cloudformation:stack-name";
/// Tag that SAM sets.
const CREATED_BY: (&str, &str) = ("lambda:createdBy", "SAM");

/// The name of the tool if no tag identifies it.
const UNKNOWN: &str = "unknown";

/// The tool that deploys a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Managed {
    /// `CloudFormation`, `SAM`, or `unknown` if no tag identifies the tool.
    pub(crate) managed_by: &'static str,
    /// The stack that the function belongs to.
    pub(crate) stack: Option<String>,
}

impl Managed {
    pub(crate) fn of(tags: &HashMap<String, String>) -> Self {
        let stack = tags.get(STACK).cloned();
        let is_sam = tags.get(CREATED_BY.0).is_some_and(|it| it == CREATED_BY.1);
        let managed_by = match &stack {
            _ if is_sam => "SAM",
            Some(_) => "CloudFormation",
            None => UNKNOWN,
        };
        Self { managed_by, stack }
    }

    /// Returns true if a tag identifies the tool.
    pub(crate) fn is_known(&self) -> bool {
        self.managed_by != UNKNOWN
    }

    /// Describes the tool in a few words.
    pub(crate) fn words(&self) -> String {
        match &self.stack {
            Some(stack) if self.managed_by == "SAM" => format!("SAM {stack}"),
            Some(stack) => format!("stack {stack}"),
            None => self.managed_by.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stack_and_sam_are_told_by_tags() {
        let of = |tags: &[(&str, &str)]| {
            let tags = tags.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            Managed::of(&tags).words()
        };
        assert_eq!(of(&[(STACK, "orders")]), "stack orders");
        assert_eq!(of(&[(STACK, "orders"), CREATED_BY]), "SAM orders");
        assert_eq!(of(&[("team", "shop"), ("lambda:createdBy", "me")]), "unknown");
    }
}
