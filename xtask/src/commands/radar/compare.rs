//! Compares AWS's models with this repository, and two versions of the models with each other. Pure.

use std::fmt;

use anyhow::Result;

use super::facts::{Fact, Place, Sources, What};
use super::models::Models;

/// A difference.
pub(super) struct Finding<'a> {
    /// Names the fact, its old value and its new one.
    text: String,
    /// The places that repeat it.
    places: Vec<&'a Place>,
}

impl fmt::Display for Finding<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        self.places.iter().try_for_each(|place| write!(f, "\n    {place}"))
    }
}

/// Returns the places of this repository that differ from AWS's models, and the facts that the models do not state any more.
pub(super) fn with_repository<'a>(
    models: &Models,
    facts: &'a [Fact],
    sources: &Sources,
) -> Result<Vec<Finding<'a>>> {
    let mut findings: Vec<Finding<'a>> = Vec::new();
    for Fact { service, subject, what, places } in facts {
        let about = format!("{service}: {subject}, {what}");
        let theirs = match models.value(service, *subject, *what) {
            Ok(theirs) => theirs,
            Err(why) => {
                let own = places.first().map(|it| it.value(*what, sources)).transpose()?;
                let own = own.map_or_else(String::new, |own| format!("{own} → "));
                let text = format!("{about}: {own}{why}");
                findings.push(Finding { text, places: places.iter().collect() });
                continue;
            }
        };
        for place in places {
            let own = place.value(*what, sources)?;
            let Some(change) = place.difference(&own, &theirs) else { continue };
            let text = format!("{about}: {change}");
            match findings.iter_mut().find(|it| it.text == text) {
                Some(finding) => finding.places.push(place),
                None => findings.push(Finding { text, places: vec![place] }),
            }
        }
    }
    Ok(findings)
}

/// Returns what differs between two versions of the models in everything that the facts are about. That includes limits and
/// enumerations of a fact's shape that no place repeats.
pub(super) fn between<'a>(old: &Models, new: &Models, facts: &'a [Fact]) -> Vec<Finding<'a>> {
    let mut findings: Vec<Finding<'a>> = Vec::new();
    for Fact { service, subject, what, .. } in facts {
        for read in [*what, What::Min, What::Max, What::Enum] {
            let of = |models: &Models| models.value(service, *subject, read);
            let change = match (of(old), of(new)) {
                (Ok(old), Ok(new)) if old == new => continue,
                (Err(_), Err(_)) => continue,
                (Ok(old), Ok(new)) => old.change_to(&new),
                (Ok(old), Err(why)) => format!("{old} → {why}"),
                (Err(why), Ok(new)) => format!("{why} → {new}"),
            };
            let text = format!("{service}: {subject}, {read}: {change}");
            if findings.iter().any(|it| it.text == text) {
                continue;
            }
            let of_subject = |it: &&Fact| it.service == *service && it.subject == *subject;
            let repeats = |it: &&Fact| it.what == read;
            let is_repeated = facts.iter().filter(of_subject).any(|it| it.what == read);
            let rows = facts.iter().filter(of_subject).filter(|it| !is_repeated || repeats(it));
            findings.push(Finding { text, places: rows.flat_map(|it| &it.places).collect() });
        }
    }
    findings
}
