//! The generated part of a file that people write.

use std::ops::Range;

use crate::comments::Comments;

/// The lines between two fences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fenced {
    /// Bytes of the lines between the fences, without them.
    pub(crate) inner: Range<usize>,
    /// The line ending of the file.
    pub(crate) newline: &'static str,
}

/// The lines that fence a region in.
pub(crate) fn fences(name: &str, comments: Comments) -> [String; 2] {
    [comments.line(&format!("region:{name}")), comments.line(&format!("endregion:{name}"))]
}

/// Finds the region. An error states the problem with its fences.
pub(crate) fn find(text: &str, name: &str, comments: Comments) -> Result<Fenced, String> {
    let [open, close] = fences(name, comments);
    let lines = |fence: &str| -> Vec<Range<usize>> {
        let mut begin = 0;
        let mut found = Vec::new();
        for line in text.split_inclusive('\n') {
            let end = begin + line.len();
            if line.trim() == fence {
                found.push(begin..end);
            }
            begin = end;
        }
        found
    };
    let (opens, closes) = (lines(&open), lines(&close));
    match (opens.as_slice(), closes.as_slice()) {
        ([open], [close]) if open.end <= close.start => {
            let newline = if text[open.clone()].ends_with("\r\n") { "\r\n" } else { "\n" };
            Ok(Fenced { inner: open.end..close.start, newline })
        }
        ([_], [_]) => Err(format!("the line {close} stands above {open}")),
        ([], _) => Err(format!("it has no line {open}")),
        (_, []) => Err(format!("it has no line {close}")),
        _ => Err(format!("it has the lines {open} and {close} more than once")),
    }
}

/// Names of the regions in this text whose first line satisfies `is_generated`.
pub(crate) fn names(
    text: &str,
    comments: Comments,
    is_generated: impl Fn(&str) -> bool,
) -> Vec<&str> {
    let [open, _] = fences("", comments);
    let [_, close] = comments.signs();
    let open = open.strip_suffix(close).unwrap_or(&open).to_owned();
    let lines = text.lines().zip(text.lines().skip(1));
    lines
        .filter(|(_, next)| is_generated(next))
        .filter_map(|(line, _)| line.trim().strip_prefix(&open)?.strip_suffix(close))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::comments::Comments;

    fn inner(text: &str) -> Result<&str, String> {
        find(text, "x", Comments::HASH).map(|fenced| &text[fenced.inner])
    }

    #[test]
    fn a_region_is_what_stands_between_its_fences() {
        assert_eq!(inner("a\n# region:x\nb\nc\n# endregion:x\nd\n"), Ok("b\nc\n"));
        assert_eq!(inner("  # region:x\n\t# endregion:x"), Ok(""), "indented, and at the end");
    }

    #[test]
    fn regions_of_other_names_are_others() {
        assert!(inner("# region:xy\n# endregion:xy\n").is_err());
        assert_eq!(inner("# region:x\n# region:y\n# endregion:x\n"), Ok("# region:y\n"));
    }

    #[test]
    fn fences_that_do_not_fence_are_named() {
        let wrong = |text| inner(text).unwrap_err();
        assert_eq!(wrong(""), "it has no line # region:x");
        assert_eq!(wrong("# region:x\n"), "it has no line # endregion:x");
        assert_eq!(
            wrong("# endregion:x\n# region:x\n"),
            "the line # endregion:x stands above # region:x"
        );
        assert!(wrong("# region:x\n# endregion:x\n# region:x\n").ends_with("more than once"));
    }
}
