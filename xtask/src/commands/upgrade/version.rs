//! Versions, compared. Pure.

/// Returns the numbers of a version: `v1.2.3` is 1, 2, 3. A version with letters (a release candidate, for example) is
/// never pinned.
pub(super) fn numbers(version: &str) -> Option<Vec<u64>> {
    let version = version.strip_prefix('v').unwrap_or(version);
    version.split('.').map(|part| part.parse().ok()).collect()
}

/// Returns true if `one` is a newer version than `other`.
pub(super) fn is_newer(one: &str, other: &str) -> bool {
    numbers(one) > numbers(other)
}

/// Returns the newest version that begins with `within`. A tag such as `v1` moves, so a version with fewer numbers than `like`
/// does not count.
pub(super) fn newest<'a>(
    versions: impl IntoIterator<Item = &'a str>,
    within: &str,
    like: &str,
) -> Option<&'a str> {
    let parts = numbers(like)?.len();
    versions
        .into_iter()
        .filter(|version| {
            version.starts_with(within) && version.starts_with('v') == like.starts_with('v')
        })
        .filter(|version| numbers(version).is_some_and(|numbers| numbers.len() >= parts))
        .max_by_key(|version| numbers(version))
}

#[cfg(test)]
mod tests {
    use super::{is_newer, newest};

    #[test]
    fn versions_are_compared_by_number() {
        assert!(is_newer("10.0.0", "9.9.9") && is_newer("v1.2.10", "v1.2.9"));
        assert!(!is_newer("1.2.3", "1.2.3") && !is_newer("2.0.0-rc.1", "1.0.0"));
    }

    #[test]
    fn the_newest_is_stable_within_bounds_and_no_tag_that_moves() {
        let versions = ["2.9.0", "2.10.0", "3.0.0", "3.1.0-alpha.1", "v9.9.9"];
        assert_eq!(newest(versions, "", "2.0.0"), Some("3.0.0"));
        assert_eq!(newest(versions, "2.", "2.0.0"), Some("2.10.0"));
        assert_eq!(newest(["v8", "v7.1.0", "v7"], "", "v7.0.0"), Some("v7.1.0"));
        assert_eq!(newest([], "", "1.0.0"), None);
    }
}
