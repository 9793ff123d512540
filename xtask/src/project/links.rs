//! The places in the documents to which alarms, the dashboard and messages of the constructs link.

/// The file that lists them, as the compiler names it.
pub(super) const DECLARED_IN: &str = file!();

/// Where this repository is published (`repository` in Cargo.toml).
pub(crate) const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

/// A section of a document.
pub(super) struct Link {
    /// Name of the link in TypeScript.
    pub(super) key: &'static str,
    /// Path of the document in the repository.
    document: &'static str,
    /// Heading of the section, without its number signs.
    heading: &'static str,
}

/// Every section that is linked to.
pub(super) const LINKS: [Link; 8] = [
    Link { key: "alarms", document: "docs/deploying.md", heading: "Alarms" },
    Link { key: "byHand", document: "docs/deploying.md", heading: "In the CDK, by ARN" },
    Link { key: "codeSigning", document: "docs/deploying.md", heading: "Code signing" },
    Link { key: "cost", document: "docs/cost.md", heading: "How Kinesis bills" },
    Link { key: "images", document: "docs/deploying.md", heading: "Container images" },
    Link { key: "operating", document: "docs/operating.md", heading: "Operating" },
    Link {
        key: "ownLines",
        document: "docs/operating.md",
        heading: "What does the extension log?",
    },
    Link { key: "upgrade", document: "docs/deploying.md", heading: "Upgrade and rollback" },
];

impl Link {
    /// Returns the address of the section, as GitHub shows the newest document.
    pub(super) fn url(&self) -> String {
        format!("{REPOSITORY}/blob/main/{}#{}", self.document, anchor(self.heading))
    }
}

/// Returns the anchor that GitHub makes of a heading: lower case, hyphens for spaces, no punctuation.
pub(crate) fn anchor(heading: &str) -> String {
    let kept = |c: char| match c {
        ' ' => Some('-'),
        '-' | '_' => Some(c),
        _ => c.is_alphanumeric().then(|| c.to_ascii_lowercase()),
    };
    heading.chars().filter_map(kept).collect()
}

/// Returns a Markdown document with absolute links, to the files of a release, for readers elsewhere than in the repository.
///
/// `folder` is that of the document, to which its links are relative.
pub(crate) fn absolute(document: &str, folder: &str, version: &str) -> String {
    let mut parts = document.split("](");
    let mut absolute = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let target = part.split([')', '#']).next().unwrap_or_default();
        absolute.push_str("](");
        if !target.is_empty() && !target.contains("://") {
            let mut path: Vec<&str> = folder.split('/').collect();
            for step in target.split('/') {
                match step {
                    ".." => drop(path.pop()),
                    step => path.push(step),
                }
            }
            absolute.extend([REPOSITORY, "/blob/v", version, "/", &path.join("/")]);
            absolute.push_str(&part[target.len()..]);
        } else {
            absolute.push_str(part);
        }
    }
    absolute
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{LINKS, REPOSITORY, absolute, anchor};
    use crate::support::workspace;

    #[test]
    fn every_link_leads_to_one_heading_of_a_document() {
        for link in &LINKS {
            let text = fs::read_to_string(workspace::root().join(link.document)).unwrap();
            let mut is_code = false;
            let headings = text.lines().filter(|line| {
                is_code ^= line.starts_with("```");
                let heading = line.trim_start_matches('#');
                !is_code && heading != *line && anchor(heading.trim_start()) == anchor(link.heading)
            });
            let found = headings.count();
            assert_eq!(
                found, 1,
                "{} has the heading {:?} {found} times",
                link.document, link.heading
            );
        }
    }

    #[test]
    fn relative_links_of_a_document_lead_to_the_release() {
        let document = "[a](../../docs/a.md#b), [c](c.md), [d](#d), [e](https://example.com/e)";
        let expected = "[a](R/blob/v1.2.3/docs/a.md#b), [c](R/blob/v1.2.3/consumers/python/c.md), [d](#d), [e](https://example.com/e)";
        let found = absolute(document, "consumers/python", "1.2.3");
        assert_eq!(found, expected.replace("(R/", &format!("({REPOSITORY}/")));
    }

    #[test]
    fn links_are_absolute_and_on_the_published_repository() {
        assert!(REPOSITORY.starts_with("https://") && !REPOSITORY.ends_with('/'), "{REPOSITORY}");
        let url = LINKS.iter().find(|it| it.key == "ownLines").unwrap().url();
        let path = "/blob/main/docs/operating.md#what-does-the-extension-log";
        assert_eq!(url, format!("{REPOSITORY}{path}"));
    }
}
