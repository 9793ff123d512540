//! Paths that cannot lead out of the repository.

use std::fmt;

/// A path below the repository's root, its parts separated by `/`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RepoPath(String);

impl RepoPath {
    /// Refuses a path that could lead outside, or into git's own folder. The error states the reason.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("it is empty");
        }
        if text.contains('\\') {
            return Err("it holds a backslash; parts are separated by /");
        }
        // `#` separates a file from its region in the manifest, the others mean something to git.
        if text.contains(['#', '"', '*', '?', '[', '!']) || text.trim() != text {
            return Err("it holds one of # \" * ? [ ! or begins or ends with a blank");
        }
        if text.chars().any(char::is_control) {
            return Err("it holds a control character");
        }
        let drive = text.as_bytes().get(1) == Some(&b':');
        if text.starts_with('/') || drive {
            return Err("it is absolute; paths begin at the root of the repository");
        }
        for part in text.split('/') {
            match part {
                "" => return Err("one of its parts is empty"),
                "." | ".." => return Err("it holds . or .., and might lead out of the repository"),
                part if part.eq_ignore_ascii_case(".git") => {
                    return Err("it leads into git's own folder");
                }
                _ => {}
            }
        }
        Ok(Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns true if the other path lies in the folder that this one would have to be.
    pub(crate) fn is_parent_of(&self, other: &Self) -> bool {
        other.0.strip_prefix(&self.0).is_some_and(|rest| rest.starts_with('/'))
    }

    /// Returns the path as a case-insensitive file system sees it.
    pub(crate) fn folded(&self) -> String {
        self.0.to_lowercase()
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::RepoPath;

    #[test]
    fn a_path_below_the_root_is_taken() {
        for path in ["a", ".gitignore", "a/b/c.json", "a/..b", "a b/ü", ".github/workflows/ci.yml"]
        {
            assert_eq!(RepoPath::parse(path).unwrap().as_str(), path);
        }
    }

    #[test]
    fn a_path_that_might_lead_outside_is_refused() {
        for path in [
            "",
            "/etc/passwd",
            "C:/x",
            "c:x",
            "..",
            "a/../../b",
            "./a",
            "a//b",
            "a/",
            "a\\..\\b",
            ".git/hooks/pre-commit",
            "a/.GIT/config",
            "a\nb",
            "a#b",
            "*.yml",
            " a",
            "a ",
            "a\0",
        ] {
            assert!(RepoPath::parse(path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn a_file_cannot_be_a_folder_too() {
        let path = |text| RepoPath::parse(text).unwrap();
        assert!(path("a").is_parent_of(&path("a/b")));
        assert!(!path("a").is_parent_of(&path("ab")) && !path("a").is_parent_of(&path("a")));
    }
}
