//! Reports what a plan would change, for a check that must not write.

use std::io::{self, Write};

use similar::{ChangeTag, TextDiff};

use crate::plan::{Change, Plan};

/// The number of lines of a diff that are shown. More would hide the next file.
const MOST_LINES: usize = 20;
/// Unchanged lines shown around a changed one.
const CONTEXT: usize = 2;

impl Plan {
    /// Prints the files that differ from their description: for each the reason, where it is described, and a diff of at most 20
    /// lines from what is on the disk (`-`) to what should be (`+`); at the end the command that fixes it. If everything is up to
    /// date, it prints only the notices.
    pub fn report(&self, out: &mut dyn Write) -> io::Result<()> {
        for notice in &self.notices {
            writeln!(out, "note: {notice}")?;
        }
        let visible: Vec<&Change> = self.changes.iter().filter(|it| it.is_visible()).collect();
        for change in &visible {
            report(change, out)?;
        }
        if !visible.is_empty() {
            let are = if visible.len() == 1 { "file is" } else { "files are" };
            writeln!(
                out,
                "{} generated {are} not as described; run: {}",
                visible.len(),
                self.command
            )?;
        }
        Ok(())
    }

    /// Prints what [`apply`](Self::apply) has done, a line a file.
    pub fn summary(&self, out: &mut dyn Write) -> io::Result<()> {
        for notice in &self.notices {
            writeln!(out, "note: {notice}")?;
        }
        let mut counts = [0; 2];
        for change in &self.changes {
            match change {
                Change::Write { path, .. } => {
                    counts[0] += 1;
                    writeln!(out, "wrote {path}")?;
                }
                Change::Delete { path, .. } => {
                    counts[1] += 1;
                    writeln!(out, "deleted {path}, which nothing describes any more")?;
                }
                Change::Protect { .. } => {}
            }
        }
        let Self { files, .. } = self;
        match counts {
            [0, 0] => writeln!(out, "{files} files are as described; nothing to do"),
            [written, 0] => writeln!(out, "{files} files are as described; {written} written"),
            [written, deleted] => {
                writeln!(
                    out,
                    "{files} files are as described; {written} written, {deleted} deleted"
                )
            }
        }
    }
}

fn report(change: &Change, out: &mut dyn Write) -> io::Result<()> {
    match change {
        Change::Write { path, before: None, source, .. } => {
            writeln!(out, "{path} is missing (described in {source})\n")
        }
        Change::Write { path, before: Some(before), after, source, .. } => {
            writeln!(out, "{path} differs from its description (to change it, edit {source})")?;
            writeln!(out, "{}", diff(before, after))
        }
        Change::Delete { path, .. } => {
            writeln!(out, "{path} is left over: nothing describes it any more\n")
        }
        Change::Protect { .. } => Ok(()),
    }
}

fn diff(before: &str, after: &str) -> String {
    let diff = TextDiff::from_lines(before, after);
    let mut lines = Vec::new();
    for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
        lines.push(format!("  {}", hunk.header().to_string().trim_end()));
        for change in hunk.iter_changes() {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            lines.push(format!("  {sign}{}", change.value().trim_end_matches(['\n', '\r'])));
        }
    }
    let same = |text: &str| {
        text.trim_start_matches('\u{feff}').replace("\r\n", "\n").trim_end().to_owned()
    };
    if before.contains('\u{fffd}') {
        lines.push("  what is not UTF-8 is shown as \u{fffd}".to_owned());
    } else if same(before) == same(after) {
        let invisible = "  only what cannot be seen differs: line ends (CR LF), a byte order mark, or the last line end";
        lines = vec![invisible.to_owned()];
    }
    let more = lines.len().saturating_sub(MOST_LINES);
    if more > 0 {
        lines.truncate(MOST_LINES);
        lines.push(format!("  … {more} more lines"));
    }
    lines.join("\n") + "\n"
}
