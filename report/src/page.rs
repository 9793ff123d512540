//! Assembles the page.

use crate::data;
use crate::model::Report;
use crate::sections;
use crate::summary::Summary;
use crate::text::escape;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
/// The script of the page. Its files share one scope, in this order.
const SCRIPT: &str = concat!(
    include_str!("script/core.js"),
    include_str!("script/draw.js"),
    include_str!("script/timeline.js"),
    include_str!("script/charts.js"),
    include_str!("script/lists.js"),
    include_str!("script/start.js"),
);
/// The SHA-256 of [`SCRIPT`] in base64. A test compares it: `UPDATE_EXPECT=1 cargo test -p kinesis-telemetry-report` updates it.
const SCRIPT_HASH: &str = include_str!("script/sha256.txt");

/// Returns the page for a report as one HTML document, which refers to no other file.
///
/// A page of 10,000 invocations has about 2 MB. Log lines of failures add at most 3 MB.
pub fn html(report: &Report) -> String {
    let summary = Summary::of(report);
    filled(PAGE, |name| match name {
        "policy" => format!(
            "default-src 'none'; script-src 'sha256-{}'; style-src 'unsafe-inline'; img-src data:; \
             base-uri 'none'; form-action 'none'",
            SCRIPT_HASH.trim()
        ),
        "title" => escape(&report.title),
        "style" => STYLE.to_owned(),
        "origin" => sections::origin(report),
        "verdict" => sections::verdict(report, &summary),
        "tiles" => sections::tiles(report, &summary),
        "empty" => sections::empty(report),
        "instances_count" => sections::instances_count(report, &summary),
        "instances" => sections::instances(report),
        "contents" => sections::contents(report),
        "range" => sections::range(report),
        "data" => data::of(report),
        "script" => SCRIPT.to_owned(),
        other => unreachable!("the page has no part {other}"),
    })
}

/// Returns the template with a text for each `{{name}}`. Braces in these texts have no effect.
fn filled(template: &str, text: impl Fn(&str) -> String) -> String {
    let mut page = String::new();
    let mut rest = template;
    while let Some((before, (name, after))) =
        rest.split_once("{{").and_then(|(before, open)| Some((before, open.split_once("}}")?)))
    {
        page.push_str(before);
        page.push_str(&text(name));
        rest = after;
    }
    page.push_str(rest);
    page
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    use expect_test::expect_file;
    use sha2::{Digest as _, Sha256};

    use super::{SCRIPT, filled};

    #[test]
    fn the_policy_names_the_hash_of_the_script() {
        let hash = BASE64_STANDARD.encode(Sha256::digest(SCRIPT));
        expect_file!["script/sha256.txt"].assert_eq(&format!("{hash}\n"));
    }

    #[test]
    fn the_script_cannot_end_its_element() {
        assert!(!SCRIPT.contains("</") && !SCRIPT.contains("<!--"));
    }

    #[test]
    fn the_script_never_writes_markup() {
        for way in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
            assert!(!SCRIPT.contains(way), "{way}");
        }
    }

    #[test]
    fn braces_in_a_filled_text_have_no_effect() {
        assert_eq!(filled("a {{b}} c {{d}}", |name| format!("{{{{{name}}}}}")), "a {{b}} c {{d}}");
        assert_eq!(filled("{{open", |_| String::new()), "{{open");
    }
}
