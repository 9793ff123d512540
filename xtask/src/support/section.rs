//! The sections of a longer command. Each has a headline, is timed, and is listed in the table at the end.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::support::progress::seconds;

/// The sections that have run so far.
#[derive(Default)]
pub(crate) struct Sections {
    done: Vec<Done>,
    /// The line after the table.
    last_words: String,
}

struct Done {
    name: &'static str,
    time: Duration,
    result: &'static str,
}

impl Sections {
    /// Runs the section `name`. After a failure the caller must run no further section.
    pub(crate) fn run<T>(
        &mut self,
        name: &'static str,
        work: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        eprintln!("\n== {name}");
        let began = Instant::now();
        let result = work();
        let ended = if result.is_ok() { "ok" } else { "FAILED" };
        self.done.push(Done { name, time: began.elapsed(), result: ended });
        result.with_context(|| format!("section {name}"))
    }

    /// Prints `line` after the table.
    pub(crate) fn say_last(&mut self, line: &str) {
        self.last_words = format!("\n{line}\n");
    }

    /// Prints the table, and turns the last section's result into the command's.
    pub(crate) fn finish(self, result: Result<()>) -> Result<ExitCode> {
        eprintln!("\n{}", self.table());
        result.map(|()| ExitCode::SUCCESS)
    }

    fn table(&self) -> String {
        let rows = self
            .done
            .iter()
            .map(|Done { name, time, result }| format!("{name:<12}{}  {result}\n", seconds(*time)));
        rows.chain([self.last_words.clone()]).collect()
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::Sections;

    #[test]
    fn a_failure_bears_the_name_of_its_section() {
        let mut sections = Sections::default();
        sections.run("first", || Ok(())).unwrap();
        let failed = sections.run::<()>("second", || bail!("no luck"));
        assert_eq!(format!("{:#}", failed.unwrap_err()), "section second: no luck");
        sections.say_last("1 passed");
        let table = sections.table();
        let words: Vec<&str> = table.split_whitespace().collect();
        assert_eq!(
            words,
            ["first", "0.0", "s", "ok", "second", "0.0", "s", "FAILED", "1", "passed"]
        );
    }
}
