//! Formats plans and results for people. Pure.

use std::time::Duration;

use extension_spec::ENV_PREFIX;
use kinesis_telemetry_stream::counted;
use kinesis_telemetry_terminal::{Style, Styles, Text, plain};

use super::journal::Verb;
use super::plan::Edit;
use super::result::{Item, Outcome};
use super::role;
use super::run::Done;
use crate::wrapped::wrapped;

/// Indents of the lines of an entry in the result.
const HANGING: [&str; 2] = ["", "    "];

/// Returns the plan: the changes of each function, then the functions that are not changed, with the reason.
pub(super) fn plan(done: &Done, verb: Verb, columns: usize, styles: Styles) -> Text {
    let mut text = styles.text();
    for item in done.items.iter().filter(|it| it.outcome == Outcome::Planned) {
        change(&mut text, item, columns);
    }
    let policies = [
        (
            "These roles lose the policy unless other functions of the role have the layer",
            &done.losing,
        ),
        ("These roles get the policy back", &done.gaining),
    ];
    for (words, roles) in policies.into_iter().filter(|it| !it.1.is_empty()) {
        let names: Vec<_> = roles.iter().map(|it| role::name(it)).collect();
        let line = format!("{words}: {}", names.join(", "));
        wrapped(&mut text, &line, columns, HANGING, &[]);
        text.end_line();
    }
    if done.items.iter().any(is_listed) {
        text.push_in(&[Style::Bold], "These functions are not changed:").end_line();
        done.items.iter().filter(|it| is_listed(it)).for_each(|it| reason(&mut text, it, columns));
        text.end_line();
    }
    let mut summary = vec![
        format!("{} to change", counted(count(done, Outcome::Planned), "function")),
        format!("{} unchanged", count(done, Outcome::Unchanged)),
        format!("{} skipped", count(done, Outcome::Skipped)),
    ];
    if done.without > 0 {
        summary.push(format!("{} without the layer", done.without));
    }
    wrapped(&mut text, &format!("{}: {}", verb.word(), summary.join(", ")), columns, ["", ""], &[]);
    text
}

/// Returns the result.
pub(super) fn result(done: &Done, columns: usize, styles: Styles) -> Text {
    let mut text = styles.text();
    text.end_line();
    for item in done.items.iter().filter(|it| it.outcome != Outcome::Unchanged || it.why.is_some())
    {
        let version = item.published.as_ref().map(|it| format!(", published as version {it}"));
        let why = item.why.as_ref().map(|it| format!(": {} ({})", it, it.reason.code()));
        let line = format!(
            "{:<9}  {}{}{}",
            item.outcome.word(),
            full_name(item),
            version.unwrap_or_default(),
            why.unwrap_or_default()
        );
        let style = match item.outcome {
            Outcome::Failed => Style::Red,
            _ if item.why.is_some() => Style::Yellow,
            _ => Style::Green,
        };
        wrapped(&mut text, &line, columns, HANGING, &[style]);
        versions(&mut text, item, columns);
    }
    for role in &done.roles {
        let why = match &role.why {
            Some(why) => format!(": {} ({})", why, why.reason.code()),
            None if role.outcome == "kept" => {
                ", because other functions of the role need it".to_owned()
            }
            None => String::new(),
        };
        let line = format!("policy {} for role {}{why}", role.outcome, role::name(&role.role));
        wrapped(&mut text, &line, columns, ["", ""], &[]);
    }
    let mut summary = Vec::new();
    for outcome in [Outcome::Changed, Outcome::Unchanged, Outcome::Skipped, Outcome::Failed] {
        summary.push(format!("{} {}", count(done, outcome), outcome.word()));
    }
    wrapped(&mut text, &summary.join(", "), columns, ["", ""], &[Style::Bold]);
    text
}

/// Returns the progress of a run, with an estimate of the remaining time.
pub(super) fn progress(count: usize, of: usize, elapsed: Duration) -> String {
    let each = elapsed / u32::try_from(count.max(1)).unwrap_or(u32::MAX);
    let left = each.saturating_mul(u32::try_from(of.saturating_sub(count)).unwrap_or(u32::MAX));
    let left = match left.as_secs() {
        seconds @ ..90 => format!("{seconds} s"),
        seconds => format!("{} min", seconds / 60),
    };
    format!("{count} of {} done, about {left} left", counted(of, "function"))
}

/// Adds the changes of one function.
fn change(text: &mut Text, item: &Item, columns: usize) {
    text.push_in(&[Style::Bold], &full_name(item)).end_line();
    if let Some((before, after)) = &item.change.layers {
        layers(text, before, after);
    }
    if item.change.is_empty() && item.policy.is_none() {
        text.push_in(&[Style::Green], "  + published version").end_line();
    }
    for (name, Edit { before, after }) in &item.change.variables {
        let name = name.strip_prefix(ENV_PREFIX).unwrap_or(name);
        if let Some(value) = before {
            text.push_in(&[Style::Red], &format!("  - {name}={}", plain(value))).end_line();
        }
        if let Some(value) = after {
            text.push_in(&[Style::Green], &format!("  + {name}={}", plain(value))).end_line();
        }
    }
    if let Some(policy) = &item.policy {
        let line = format!("  + policy {policy} for role {}", role::name(&item.role));
        text.push_in(&[Style::Green], &line).end_line();
    }
    for warning in &item.warnings {
        wrapped(text, warning, columns, ["  ", "    "], &[Style::Yellow]);
    }
    if let Some(why) = &item.why {
        wrapped(
            text,
            &format!("not changed: {why} ({})", why.reason.code()),
            columns,
            ["  ", "    "],
            &[Style::Yellow],
        );
    }
    versions(text, item, columns);
    text.end_line();
}

/// Adds layers in the order after the change, and removed ones at their old place.
fn layers(text: &mut Text, before: &[String], after: &[String]) {
    let mut rest = before.iter().peekable();
    for layer in after {
        while let Some(removed) = rest.next_if(|it| !after.contains(it)) {
            text.push_in(&[Style::Red], &format!("  - {removed}")).end_line();
        }
        if rest.next_if(|it| *it == layer).is_some() {
            text.push_in(&[Style::Dim], &format!("    {layer}")).end_line();
        } else {
            text.push_in(&[Style::Green], &format!("  + {layer}")).end_line();
        }
    }
    for removed in rest {
        text.push_in(&[Style::Red], &format!("  - {removed}")).end_line();
    }
}

/// Adds the callers that do not get the change, because they run published versions.
fn versions(text: &mut Text, item: &Item, columns: usize) {
    if !item.versions.is_needed() || item.outcome == Outcome::Failed {
        return;
    }
    let words = item.versions.words();
    let line = match &item.published {
        Some(version) => format!("version {version} has the change; move to it: {words}"),
        None => format!(
            "published versions are not changed: {words}; use --publish to publish a new one"
        ),
    };
    wrapped(text, &line, columns, ["  ", "    "], &[Style::Yellow]);
}

/// Adds the reason why a function is not changed.
fn reason(text: &mut Text, item: &Item, columns: usize) {
    let Some(why) = &item.why else { return };
    let line = format!("{}: {why} ({})", full_name(item), why.reason.code());
    let style: &[Style] = if item.needs_a_person() { &[Style::Yellow] } else { &[] };
    wrapped(text, &line, columns, ["  ", "    "], style);
}

fn is_listed(item: &Item) -> bool {
    item.outcome != Outcome::Planned && item.why.is_some()
}

fn full_name(item: &Item) -> String {
    format!("{} ({})", plain(&item.name), item.region)
}

fn count(done: &Done, outcome: Outcome) -> usize {
    done.items.iter().filter(|it| it.outcome == outcome).count()
}
