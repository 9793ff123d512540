//! Findings as lines for people. Pure.

use kinesis_telemetry_terminal::{Style, Styles, Text, plain};
use textwrap::WordSplitter::NoHyphenation;

use super::finding::{Finding, Verdict};

/// Columns before the text of a finding.
const INDENT: usize = 22;
/// Columns that the text of a finding has at least.
const LEAST: usize = 30;

/// Output that is wrapped, if it has a width: a pipe has none, so that lines stay whole for `grep`.
pub(super) struct Page {
    text: Text,
    columns: Option<usize>,
}

impl Page {
    pub(super) fn new(styles: Styles, columns: Option<usize>) -> Self {
        Self { text: styles.text(), columns }
    }

    /// Adds a line for each finding, and the remedy of what is broken.
    pub(super) fn findings<'a>(
        &mut self,
        findings: impl IntoIterator<Item = &'a Finding>,
        indent: &str,
    ) {
        for finding in findings {
            let (Verdict::Well { that: said }
            | Verdict::Note { that: said }
            | Verdict::Broken { why: said, .. }
            | Verdict::Unknown { why: said }) = &finding.verdict;
            let word = finding.word();
            self.text.push(indent).push_in(style(word), &format!("{word:<8}"));
            self.text.push(&format!("{:<14}", finding.what));
            self.wrapped(&[], said, indent.len() + INDENT);
            if let Verdict::Broken { remedy, .. } = &finding.verdict
                && !remedy.is_empty()
            {
                self.text.push(&" ".repeat(indent.len() + INDENT));
                // A command is copied as a whole, which a line break would prevent.
                self.text.push("fix: ").push_in(&[Style::Bold], remedy).end_line();
            }
        }
    }

    /// Adds a line that begins with the word of a finding, such as `ok`.
    pub(super) fn line(&mut self, word: &'static str, said: &str) {
        let start = format!("{word:<8}");
        self.text.push_in(style(word), &start);
        self.wrapped(&[], said, start.len());
    }

    /// Adds an empty line, and a line in bold after it.
    pub(super) fn verdict(&mut self, said: &str) {
        self.text.end_line();
        self.wrapped(&[Style::Bold], said, 0);
    }

    /// Adds an empty line.
    pub(super) fn gap(&mut self) {
        self.text.end_line();
    }

    pub(super) fn into_text(self) -> Text {
        self.text
    }

    /// Ends a line with this text, and continues on further lines after so many columns.
    fn wrapped(&mut self, styles: &[Style], said: &str, indent: usize) {
        let said = plain(said);
        let Some(columns) = self.columns else {
            self.text.push_in(styles, &said).end_line();
            return;
        };
        let width = columns.saturating_sub(indent).max(LEAST);
        let options = textwrap::Options::new(width).word_splitter(NoHyphenation);
        // An ARN or a URL is copied as a whole, even if it does not fit.
        for (index, line) in textwrap::wrap(&said, options.break_words(false)).iter().enumerate() {
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
