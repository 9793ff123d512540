//! Formats findings as lines for people. Pure.

use kinesis_telemetry_terminal::{Style, Styles, Text, plain};
use textwrap::WordSplitter::NoHyphenation;

use super::finding::{Finding, Verdict};

/// Number of columns before the text of a finding.
const INDENT: usize = 22;
/// Smallest number of columns for the text of a finding.
const LEAST: usize = 30;

/// The output. It is wrapped if it has a width; a pipe has none, so that lines stay whole for `grep`.
pub(super) struct Page {
    text: Text,
    columns: Option<usize>,
}

impl Page {
    pub(super) fn new(styles: Styles, columns: Option<usize>) -> Self {
        Self { text: styles.text(), columns }
    }

    /// Adds a line for each finding, and the remedy of each problem.
    pub(super) fn findings<'a>(
        &mut self,
        findings: impl IntoIterator<Item = &'a Finding>,
        indent: &str,
    ) {
        for finding in findings {
            let (Verdict::Well { that: text }
            | Verdict::Note { that: text }
            | Verdict::Broken { why: text, .. }
            | Verdict::Unknown { why: text }) = &finding.verdict;
            let word = finding.word();
            self.text.push(indent).push_in(style(word), &format!("{word:<8}"));
            self.text.push(&format!("{:<14}", finding.what));
            self.wrapped(&[], text, indent.len() + INDENT);
            if let Verdict::Broken { remedy, .. } = &finding.verdict
                && !remedy.is_empty()
            {
                self.text.push(&" ".repeat(indent.len() + INDENT));
                // People copy the whole command, so it is not wrapped.
                self.text.push("fix: ").push_in(&[Style::Bold], remedy).end_line();
            }
        }
    }

    /// Adds a line that begins with the word of a finding, such as `ok`.
    pub(super) fn line(&mut self, word: &'static str, text: &str) {
        let start = format!("{word:<8}");
        self.text.push_in(style(word), &start);
        self.wrapped(&[], text, start.len());
    }

    /// Adds an empty line, and a line in bold after it.
    pub(super) fn verdict(&mut self, text: &str) {
        self.text.end_line();
        self.wrapped(&[Style::Bold], text, 0);
    }

    /// Adds an empty line.
    pub(super) fn gap(&mut self) {
        self.text.end_line();
    }

    pub(super) fn into_text(self) -> Text {
        self.text
    }

    /// Ends a line with this text. Further lines are indented by `indent` columns.
    fn wrapped(&mut self, styles: &[Style], text: &str, indent: usize) {
        let text = plain(text);
        let Some(columns) = self.columns else {
            self.text.push_in(styles, &text).end_line();
            return;
        };
        let width = columns.saturating_sub(indent).max(LEAST);
        let options = textwrap::Options::new(width).word_splitter(NoHyphenation);
        // People copy whole ARNs and URLs, so they are not split even if they do not fit.
        for (index, line) in textwrap::wrap(&text, options.break_words(false)).iter().enumerate() {
            if index > 0 {
                self.text.push(&" ".repeat(indent));
            }
            self.text.push_in(styles, line).end_line();
        }
    }
}

fn style(word: &str) -> &'static [Style] {
    match word {
        "ok" => &[Style::Green],
        "BROKEN" => &[Style::Bold, Style::Red],
        "unknown" => &[Style::Yellow],
        _ => &[Style::Dim],
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn page(is_colored: bool, columns: Option<usize>) -> String {
        let findings = [
            Finding::new("credentials", Verdict::well("me")),
            Finding::new("network", Verdict::note("in a VPC")),
            Finding::new(
                "policy",
                Verdict::broken(
                    "not attached to the role orders, which has others",
                    "aws iam attach-role-policy --policy-arn arn:aws:iam::111122223333:policy/shop-telemetry",
                ),
            ),
            Finding::new("key", Verdict::unknown("not allowed\u{1b}[2J\nok      forged")),
        ];
        let mut page = Page::new(Styles::new(is_colored), columns);
        page.findings(&findings, "");
        page.verdict("1 problem found");
        page.into_text().as_str().to_owned()
    }

    #[test]
    fn a_pipe_gets_a_line_for_each_finding() {
        expect![[r"
            ok      credentials   me
            note    network       in a VPC
            BROKEN  policy        not attached to the role orders, which has others
                                  fix: aws iam attach-role-policy --policy-arn arn:aws:iam::111122223333:policy/shop-telemetry
            unknown key           not allowed�[2J ok      forged

            1 problem found
        "]].assert_eq(&page(false, None));
    }

    #[test]
    fn long_lines_are_wrapped_behind_the_names() {
        expect![[r"
            ok      credentials   me
            note    network       in a VPC
            BROKEN  policy        not attached to the role orders, which
                                  has others
                                  fix: aws iam attach-role-policy --policy-arn arn:aws:iam::111122223333:policy/shop-telemetry
            unknown key           not allowed�[2J ok      forged

            1 problem found
        "]]
        .assert_eq(&page(false, Some(60)));
    }

    #[test]
    fn colours_do_not_change_the_text() {
        let colored = page(true, None);
        assert!(colored.starts_with("\u{1b}[32mok      \u{1b}[0mcredentials"), "{colored:?}");
        let mut plain = colored;
        for sequence in
            ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m", "\u{1b}[31m", "\u{1b}[32m", "\u{1b}[33m"]
        {
            plain = plain.replace(sequence, "");
        }
        assert_eq!(plain, page(false, None));
    }
}
