//! The report, in Markdown. Pure.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use extension_spec::EXTENSION_NAME;
use extension_spec::deployment::Architecture;

use crate::cost::{Cost, median};
use crate::difference::Found;
use crate::judge::Row;
use crate::known::KNOWN;

/// The measurements on an architecture, or the reason why there are none.
pub(crate) type Measured = Result<Vec<Cost>, String>;

/// Everything that the report states.
pub(crate) struct Report {
    pub(crate) stage: String,
    pub(crate) region: String,
    /// UTC.
    pub(crate) time: String,
    /// True if the invoked Lambda was not AWS's own.
    pub(crate) is_emulator: bool,
    pub(crate) rows: Vec<Row>,
    pub(crate) costs: BTreeMap<&'static str, Measured>,
    /// The time for which extensions held invocations, in milliseconds, by architecture.
    pub(crate) held: BTreeMap<&'static str, Vec<f64>>,
    /// Lines of the stream that are no events.
    pub(crate) broken: usize,
    /// Names of the samples.
    pub(crate) samples: Vec<String>,
}

impl Report {
    /// Returns true if everything possible was done, is complete, and differs from the sandbox only in known ways.
    pub(crate) fn is_good(&self) -> bool {
        let is_good = |row: &Row| match &row.judged {
            Ok(judged) => judged.is_good(),
            Err(_) => self.is_emulator && row.scenario.not_on_emulators.is_some(),
        };
        self.broken == 0
            && self.rows.iter().all(is_good)
            && (self.is_emulator || self.costs.values().all(Result::is_ok))
    }

    /// Returns the report, whose texts may still name the account.
    pub(crate) fn text(&self) -> String {
        let sections = [
            self.head(),
            self.results(),
            self.not_done(),
            self.differences("Differences", false),
            self.differences("Known differences", true),
            self.completeness(),
            self.costs(),
            self.samples(),
        ];
        sections.join("\n")
    }

    fn head(&self) -> String {
        let Self { stage, region, time, .. } = self;
        let place = if self.is_emulator {
            format!(
                "an emulator of AWS, with the sandbox in place of Lambda ({region}). It says nothing about AWS"
            )
        } else {
            format!("AWS Lambda in {region}")
        };
        format!(
            "# Verification of {EXTENSION_NAME} {}\n\nThe stage {stage} ran on {place}. Time: {time}.\n",
            env!("CARGO_PKG_VERSION")
        )
    }

    fn results(&self) -> String {
        let mut results: BTreeMap<usize, (&str, BTreeMap<&str, String>)> = BTreeMap::new();
        for row in &self.rows {
            let at = self
                .rows
                .iter()
                .position(|it| it.scenario.name == row.scenario.name)
                .unwrap_or_default();
            let (_, cells) = results.entry(at).or_insert((row.scenario.name, BTreeMap::new()));
            cells.insert(row.architecture.name(), verdict(row));
        }
        let rows = results.into_values().map(|(scenario, cells)| {
            let cell = |it: Architecture| cells.get(it.name()).cloned().unwrap_or_default();
            let [x86, arm] = Architecture::ALL.map(cell);
            [scenario.to_owned(), x86, arm]
        });
        let [x86, arm] = Architecture::ALL.map(Architecture::name);
        format!("## Scenarios\n\n{}", table(["scenario", x86, arm], rows))
    }

    fn not_done(&self) -> String {
        let mut reasons: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for row in &self.rows {
            if let Err(why) = &row.judged {
                let place = on(row);
                reasons.entry(why).or_default().push(place);
            }
        }
        for (architecture, measured) in &self.costs {
            if let Err(why) = measured {
                reasons.entry(why).or_default().push(format!("cost on {architecture}"));
            }
        }
        let rows = reasons.into_iter().map(|(why, places)| [places.join(", "), why.to_owned()]);
        section("Not done", "Everything was done.", ["part", "reason"], rows.collect())
    }

    fn differences(&self, title: &str, known: bool) -> String {
        let judged = |row: &'_ Row| row.judged.as_ref().ok().map(|it| it.found.clone());
        let mut rows = Vec::new();
        for row in &self.rows {
            let found = judged(row).unwrap_or_default();
            for Found { difference, places, known: reason } in found {
                if reason.is_some() != known {
                    continue;
                }
                let first = places.first().cloned().unwrap_or_default();
                let place = match places.len() {
                    1 => first,
                    more => format!("{first}, and {} more", more - 1),
                };
                let last = reason.map_or(place, str::to_owned);
                let scenario = on(row);
                let what = match difference.member.as_str() {
                    "" => difference.event,
                    member => format!("{}: {member}", difference.event),
                };
                rows.push([scenario, what, difference.aws, difference.sandbox, last]);
            }
        }
        let head = [
            "scenario",
            "event and member",
            "Lambda has",
            "sandbox has",
            if known { "reason" } else { "place" },
        ];
        let mut text = section(title, "None was found.", head, rows);
        if known {
            text += &self.unseen();
        }
        text
    }

    /// Lists known differences that were not found: the sandbox or the list may be out of date.
    fn unseen(&self) -> String {
        let found =
            || self.rows.iter().filter_map(|it| it.judged.as_ref().ok()).flat_map(|it| &it.found);
        let unseen = KNOWN.iter().filter(|known| !found().any(|it| it.known == Some(known.reason)));
        let lines: Vec<String> =
            unseen.map(|it| format!("- {}: {}", it.member, it.reason)).collect();
        if lines.is_empty() {
            String::new()
        } else {
            format!("\nExpected and not found:\n\n{}\n", lines.join("\n"))
        }
    }

    fn completeness(&self) -> String {
        let rows = self.rows.iter().filter_map(|row| {
            let it = &row.judged.as_ref().ok()?.completeness;
            Some([
                on(row),
                format!("{} of {}", it.reported, it.invocations),
                it.environments.to_string(),
                it.events.to_string(),
                it.missing.to_string(),
                it.duplicates.to_string(),
                it.conflicting.to_string(),
            ])
        });
        let head = [
            "scenario",
            "invocations",
            "environments",
            "events",
            "missing",
            "duplicates",
            "conflicting",
        ];
        let mut text = section("Completeness", "Nothing was done.", head, rows.collect());
        if self.broken > 0 {
            _ = writeln!(text, "\n{} lines of the stream are no events.", self.broken);
        }
        text
    }

    fn costs(&self) -> String {
        let mut rows = Vec::new();
        for (architecture, costs) in &self.costs {
            for Cost { what, with, without } in costs.iter().flatten() {
                let cell = |it: &Option<(f64, usize)>| {
                    it.map_or("–".to_owned(), |(median, count)| format!("{median:.1} ({count})"))
                };
                let more = with
                    .zip(*without)
                    .map(|((with, _), (without, _))| format!("{:+.1}", with - without));
                rows.push([
                    (*architecture).to_owned(),
                    (*what).to_owned(),
                    cell(with),
                    cell(without),
                    more.unwrap_or("–".to_owned()),
                ]);
            }
        }
        let head = ["architecture", "median", "with the layer", "without it", "difference"];
        let mut text = section("Cost, by Lambda's own reports", "It was not measured.", head, rows);
        for (architecture, held) in self.held.iter().filter(|_| !self.is_emulator) {
            let most = held.iter().copied().fold(0.0, f64::max);
            if let Some((median, count)) = median(held.clone()) {
                _ = writeln!(
                    text,
                    "\nOn {architecture}, extensions held {count} invocations for {median:.1} ms (median) and {most:.1} ms at most."
                );
            }
        }
        text
    }

    fn samples(&self) -> String {
        let list: Vec<String> = self.samples.iter().map(|it| format!("- samples/{it}")).collect();
        let list = list.join("\n");
        format!(
            "## Samples\n\nEach file has the events of one environment, one a line, as Lambda wrote them but for the account.\n\n{list}\n"
        )
    }
}

fn on(row: &Row) -> String {
    format!("{} on {}", row.scenario.name, row.architecture.name())
}

fn verdict(row: &Row) -> String {
    let Ok(judged) = &row.judged else { return "not done".to_owned() };
    let count = judged.found.iter().filter(|it| it.known.is_none()).count();
    let differs = match count {
        0 => "as in the sandbox".to_owned(),
        1 => "1 difference".to_owned(),
        more => format!("{more} differences"),
    };
    if judged.completeness.is_complete() { differs } else { format!("{differs}, not complete") }
}

fn section<const N: usize>(
    title: &str,
    none: &str,
    head: [&str; N],
    rows: Vec<[String; N]>,
) -> String {
    let text = if rows.is_empty() { format!("{none}\n") } else { table(head, rows) };
    format!("## {title}\n\n{text}")
}

/// A table of Markdown. A service's words must not become cells or lines of their own.
fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let safe = |cell: &str| cell.replace(['\n', '\r'], " ").replace('|', "\\|");
    let row = |cells: [String; N]| format!("| {} |\n", cells.map(|it| safe(&it)).join(" | "));
    let rule = row([const { "---" }; N].map(str::to_owned));
    let rows = rows.into_iter().map(row);
    [row(head.map(str::to_owned)), rule].into_iter().chain(rows).collect()
}

#[cfg(test)]
mod tests;
