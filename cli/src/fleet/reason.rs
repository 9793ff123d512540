//! The reasons why a function is not changed. docs/fleet.md lists every reason with the remedy.

/// A reason, with details from the function or the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Why {
    pub(crate) reason: Reason,
    /// The details of this case; may be empty if the reason alone is clear.
    pub(crate) detail: String,
}

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal, $words:literal;)+) => {
        /// The documented reasons.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Reason { $($(#[doc = $doc])+ $name,)+ }

        impl Reason {
            /// All reasons, in the order of docs/fleet.md.
            #[cfg(test)]
            pub(crate) const ALL: &[Self] = &[$(Self::$name,)+];

            /// Returns the code that `--json` prints. Codes do not change between releases.
            pub(crate) const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// Returns the reason as text.
            pub(crate) const fn words(self) -> &'static str {
                match self { $(Self::$name => $words,)+ }
            }
        }
    };
}

reasons! {
    /// Functions that are container images have no layers.
    Image = "image", "it is a container image, which has no layers";
    /// Replicas of Lambda@Edge have no layers.
    EdgeReplica = "edge-replica", "it is a replica of Lambda@Edge, which has no layers";
    /// The deployment publishes no layer for the architecture.
    Architecture = "architecture", "the deployment publishes no layer for its architecture";
    /// A function has at most five layers.
    FiveLayers = "five-layers", "it already has five layers";
    /// The variables of a function have at most 4 KB.
    VariablesTooLarge = "variables-too-large", "its variables would exceed Lambda's limit of 4 KB";
    /// The variables cannot be read, so a write would remove those of others.
    VariablesUnreadable = "variables-unreadable", "its variables cannot be read";
    /// The settings are invalid.
    Settings = "settings", "these settings are invalid";
    /// The function's code signing configuration rejects the layer.
    CodeSigning = "code-signing", "its code signing configuration refuses the layer";
    /// The function, or its last update, has failed.
    Failed = "failed", "the function or its last update has failed";
    /// The function is being created, updated or deleted.
    Busy = "busy", "another update of it is in progress";
    /// Lambda refuses updates of the runtime.
    Runtime = "runtime", "Lambda does not update functions of its deprecated runtime";
    /// The role has as many policies as IAM allows.
    RoleFull = "role-full", "its role has as many policies as IAM allows";
    /// `CloudFormation` manages the role.
    RoleManaged = "role-managed", "CloudFormation manages its role, and would remove the policy";
    /// A layer of another deployment or account holds the extension.
    AnotherCopy = "another-copy", "it has the extension from a layer of another deployment";
    /// `CloudFormation` or SAM manages the function.
    Managed = "managed", "a stack manages it";
    /// Without tags it is unknown if a stack manages the function.
    TagsUnreadable = "tags-unreadable", "its tags cannot be read, so a stack may manage it";
    /// The function does not exist.
    NotFound = "not-found", "the function does not exist";
    /// The function does not have the layer.
    NotAttached = "not-attached", "it does not have the layer";
    /// Aliases or provisioned concurrency run published versions with the layer.
    InUse = "in-use", "published versions with the layer are in use";
    /// Others have changed the same layer or variable since.
    ChangedSince = "changed-since", "others have changed it since";
    /// Others keep changing the function.
    Contended = "contended", "others kept changing it at the same time";
    /// Function and layers are larger than Lambda allows.
    TooLarge = "too-large", "function and layers would exceed Lambda's limit of 250 MB";
    /// The credentials lack a permission.
    Denied = "denied", "a permission is missing";
    /// A service rejects the change.
    Refused = "refused", "the change was rejected";
    /// A service does not answer.
    NoAnswer = "no-answer", "a service does not answer";
}

impl Reason {
    /// Returns the reason with the values of a case.
    pub(crate) fn with(self, detail: impl Into<String>) -> Why {
        Why { reason: self, detail: detail.into() }
    }

    /// Returns true if the function has reached its goal.
    pub(crate) const fn is_fine(self) -> bool {
        matches!(self, Self::NotAttached)
    }
}

impl From<Reason> for Why {
    fn from(reason: Reason) -> Self {
        reason.with("")
    }
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.detail.as_str() {
            "" => f.write_str(self.reason.words()),
            detail => write!(f, "{}: {detail}", self.reason.words()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Reason;

    #[test]
    fn every_reason_is_documented() {
        let page = include_str!("../../../docs/fleet.md");
        let codes: BTreeSet<_> = Reason::ALL.iter().map(|it| it.code()).collect();
        assert_eq!(codes.len(), Reason::ALL.len(), "codes are unique");
        for code in codes {
            assert!(page.contains(&format!("| `{code}` |")), "{code}");
        }
    }
}
