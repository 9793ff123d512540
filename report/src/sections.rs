//! The parts of the page that are plain HTML, because they must be readable without JavaScript.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::model::{Instance, Report};
use crate::ranges;
use crate::summary::{Percentiles, Summary, explained, missing, unexplained};
use crate::svg;
use crate::text::escape;

mod figures;

use figures::{bytes, duration, number, time};

/// Largest number of ranges of one instance in the table.
const RANGES: usize = 6;
/// The path of an exclamation mark.
const WARNING: &str = "M10 5.2v6M10 14.3v.2";

/// Returns the stream and the time range.
pub(crate) fn origin(report: &Report) -> String {
    format!("Stream <strong>{}</strong> · {}", escape(&report.source), range(report))
}

/// Returns the time range that was read.
pub(crate) fn range(report: &Report) -> String {
    let (from, to) = (time(report.from_ms), time(report.to_ms));
    match (from.split_once(' '), to.split_once(' ')) {
        (Some((day, _)), Some((same, clock))) if day == same => format!("{from} to {clock} UTC"),
        _ => format!("{from} to {to} UTC"),
    }
}

/// Returns the verdict, which a reader looks for first.
pub(crate) fn verdict(report: &Report, summary: &Summary) -> String {
    let instances = report.instances.len();
    let of_instances = if instances == 1 {
        "1 instance".to_owned()
    } else {
        format!("{} instances", number(instances))
    };
    let is_complete = summary.is_complete(report);
    let (class, icon, headline) = if report.instances.is_empty() && is_complete {
        ("none", "M5.5 10h9", "No events in this range".to_owned())
    } else if is_complete && summary.explained == 0 {
        ("good", "M5.5 10.5l3 3L14.5 7", "Complete".to_owned())
    } else if is_complete {
        (
            "warn",
            WARNING,
            format!("Complete except for {}", counted(summary.explained, "shed event")),
        )
    } else if summary.missing > 0 {
        ("bad", WARNING, format!("{} missing", counted(summary.missing, "event")))
    } else if summary.conflicting > 0 {
        ("bad", WARNING, format!("{} conflicting", counted(summary.conflicting, "event number")))
    } else {
        ("bad", WARNING, format!("{} unreadable", counted(report.unreadable, "record")))
    };
    let mut details = Vec::new();
    if report.instances.is_empty() {
        details.push("The stream has no event of the extension in this range.".to_owned());
    } else if summary.missing > 0 {
        let of = number(summary.incomplete);
        details.push(format!("Event numbers are missing from {of} of {of_instances}."));
    } else if summary.explained > 0 {
        details.push(format!("All other event numbers of {of_instances} arrived."));
    } else {
        details.push(format!("All event numbers of {of_instances} arrived."));
    }
    if summary.explained > 0 {
        let shed = counted(summary.explained, "event");
        details.push(format!("The extension reported {shed} as shed."));
    }
    if report.unreadable > 0 && summary.missing > 0 {
        details.push(format!("{} could not be decoded.", counted(report.unreadable, "record")));
    }
    if summary.conflicting > 0 && summary.missing > 0 {
        let numbers = counted(summary.conflicting, "event number");
        details.push(format!("Different events arrived with {numbers}."));
    }
    format!(
        "<section class=\"verdict {class}\" role=\"status\">\
         <svg viewBox=\"0 0 20 20\" aria-hidden=\"true\"><circle cx=\"10\" cy=\"10\" r=\"9\"/><path d=\"{icon}\"/></svg>\
         <div><strong>{headline}</strong><p>{}</p></div></section>",
        details.join(" ")
    )
}

/// Returns the key figures.
pub(crate) fn tiles(report: &Report, summary: &Summary) -> String {
    let mut html = String::new();
    let mut tile = |name: &str, value: &str, note: &str, class: &str| {
        let _ = write!(
            html,
            "<div class=\"tile {class}\"><dt>{name}</dt><dd>{value}</dd><dd class=\"note\">{note}</dd></div>"
        );
    };
    let invocations = report.invocations.len();
    let share = |part: usize| match invocations {
        0 => String::new(),
        #[expect(clippy::cast_precision_loss)] // The share is rounded to a tenth.
        all => format!("{:.1} % of invocations", part as f64 * 100.0 / all as f64),
    };
    let p99 = |of: Percentiles| {
        of.p99.map_or(String::new(), |p99| format!("p99 {}", duration(Some(p99))))
    };
    let failed = if summary.failures > 0 { "alarming" } else { "" };
    let functions = counted(summary.functions as u64, "function");
    tile("Invocations", &number(invocations), &functions, "");
    tile("Failures", &number(summary.failures), &share(summary.failures), failed);
    tile("Cold starts", &number(summary.cold_starts), &share(summary.cold_starts), "");
    tile("Duration, p50", &duration(summary.duration.p50), &p99(summary.duration), "");
    tile(
        "Held by the extension, p50",
        &duration(summary.extension.p50),
        &p99(summary.extension),
        "",
    );
    tile("Delivery lag, p50", &duration(summary.lag.p50), &p99(summary.lag), "");
    let instances = counted(report.instances.len() as u64, "instance");
    tile("Events", &number(summary.events), &instances, "");
    tile("Records", &number(report.records), &bytes(report.bytes), "");
    html
}

/// Returns a notice if there is no invocation to show.
pub(crate) fn empty(report: &Report) -> String {
    if !report.invocations.is_empty() {
        return String::new();
    }
    "<p class=\"card notice\">There were no invocations in this range.</p>".to_owned()
}

/// Returns the sentence next to the heading of the table of instances.
pub(crate) fn instances_count(report: &Report, summary: &Summary) -> String {
    let mut text = counted(report.instances.len() as u64, "instance");
    if summary.duplicates > 0 {
        let _ = write!(text, " · {}", counted(summary.duplicates, "duplicate"));
    }
    if summary.sampled_out > 0 {
        let _ = write!(text, " · {} sampled out", counted(summary.sampled_out, "line"));
    }
    if summary.without_ledger > 0 {
        let _ = write!(text, " · {} without a ledger", number(summary.without_ledger));
    }
    text
}

/// Returns the table of instances, the incomplete ones first.
pub(crate) fn instances(report: &Report) -> String {
    if report.instances.is_empty() {
        return "<p class=\"muted\">No instance of the extension is in this range.</p>".to_owned();
    }
    let mut instances: Vec<(u64, &Instance)> =
        report.instances.iter().map(|it| (missing(it), it)).collect();
    instances.sort_by(|(missing, one), (fewer, other)| {
        let by_name = || (&one.function, &one.name).cmp(&(&other.function, &other.name));
        fewer.cmp(missing).then(other.conflicting.cmp(&one.conflicting)).then_with(by_name)
    });
    let mut html = String::from(
        "<div class=\"table\" role=\"region\" tabindex=\"0\" aria-labelledby=\"instances-title\">\
         <table class=\"sortable\" id=\"instances-table\"><thead><tr><th>Function</th><th>Instance</th><th>Coverage</th>\
         <th class=\"figure\">Events</th><th class=\"figure\">Numbers</th><th class=\"figure\">Missing</th>\
         <th class=\"figure\">Explained</th><th class=\"figure\">Duplicates</th><th class=\"figure\">Conflicting</th>\
         <th class=\"figure\">Shed</th><th class=\"figure\">Sampled out</th><th>Ledger</th></tr></thead><tbody>",
    );
    for (missing, instance) in instances {
        row(&mut html, instance, missing);
    }
    html.push_str("</tbody></table></div>");
    html
}

fn row(html: &mut String, instance: &Instance, missing: u64) {
    let explained = ranges::count(&explained(instance));
    let listed = unexplained(instance);
    let _ = write!(
        html,
        "<tr><td>{}</td><th scope=\"row\">{}</th><td data-value=\"{missing}\">{}{}</td>",
        escape(&instance.function),
        escape(&instance.name),
        svg::coverage(instance),
        list(&listed),
    );
    let mut figure = |value: u64, class: &str, text: &str| {
        let class = if value == 0 { "zero" } else { class };
        let _ = write!(html, "<td class=\"figure {class}\" data-value=\"{value}\">{text}</td>");
    };
    figure(instance.events, "", &number(instance.events));
    let numbers = format!("{}–{}", number(instance.first), number(instance.last));
    figure(instance.last, "", &numbers);
    for (value, class) in [
        (missing, "bad"),
        (explained, "warn"),
        (instance.duplicates, ""),
        (instance.conflicting, "bad"),
        (instance.shed, "warn"),
        (instance.sampled_out, ""),
    ] {
        figure(value, class, &number(value));
    }
    let ledger = if instance.has_ledger { "yes" } else { "no" };
    let _ = write!(html, "<td>{ledger}</td></tr>");
}

/// Returns the first ranges of missing numbers.
fn list(missing: &[(u64, u64)]) -> String {
    if missing.is_empty() {
        return String::new();
    }
    let range = |(first, last): &(u64, u64)| {
        if first == last {
            number(*first)
        } else {
            format!("{}–{}", number(*first), number(*last))
        }
    };
    let mut text: Vec<String> = missing.iter().take(RANGES).map(range).collect();
    if missing.len() > RANGES {
        text.push(format!("{} more", number(missing.len() - RANGES)));
    }
    format!("<small>{} missing</small>", text.join(", "))
}

/// Returns the cards with events by type, formats, settings and unreadable records.
pub(crate) fn contents(report: &Report) -> String {
    let mut html = counts("types", "Events by type", &report.types);
    html.push_str(&counts("formats", "Record formats", &report.formats));
    html.push_str("<section class=\"card\" id=\"settings\"><h2>Settings seen</h2>");
    if report.settings.is_empty() {
        html.push_str("<p class=\"muted\">No setting can be recognized in this range.</p>");
    } else {
        html.push_str(
            "<div class=\"table\"><table class=\"sortable\"><thead><tr><th>Function</th><th>Setting</th><th>Value</th></tr></thead><tbody>",
        );
        for setting in &report.settings {
            let _ = write!(
                html,
                "<tr><td>{}</td><th scope=\"row\">{}</th><td><code>{}</code></td></tr>",
                escape(&setting.function),
                escape(&setting.name),
                escape(&setting.value)
            );
        }
        html.push_str("</tbody></table></div>");
    }
    html.push_str("</section>");
    if report.unreadable > 0 {
        let _ = write!(
            html,
            "<section class=\"card\" id=\"unreadable\"><h2>Unreadable records</h2><p>{} could not be decoded.</p><ul>",
            counted(report.unreadable, "record")
        );
        for example in &report.unreadable_examples {
            let _ = write!(html, "<li><code>{}</code></li>", escape(example));
        }
        html.push_str("</ul></section>");
    }
    html
}

/// Returns a card with a bar for each count, the highest first.
fn counts(id: &str, title: &str, counts: &BTreeMap<String, u64>) -> String {
    let mut html = format!("<section class=\"card\" id=\"{id}\"><h2>{title}</h2>");
    if counts.is_empty() {
        html.push_str("<p class=\"muted\">None in this range.</p></section>");
        return html;
    }
    let mut sorted: Vec<(&String, u64)> =
        counts.iter().map(|(name, count)| (name, *count)).collect();
    sorted.sort_by(|(name, count), (other, more)| more.cmp(count).then(name.cmp(other)));
    let most = sorted.first().map_or(1, |it| it.1.max(1));
    html.push_str("<table class=\"bars\"><tbody>");
    for (name, count) in sorted {
        #[expect(clippy::cast_precision_loss)] // The result is the length of a bar.
        let share = count as f64 * 100.0 / most as f64;
        let _ = write!(
            html,
            "<tr><th scope=\"row\"><span>{}</span><svg viewBox=\"0 0 100 4\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
             <rect width=\"{share:.2}\" height=\"4\"/></svg></th><td class=\"figure\">{}</td></tr>",
            escape(name),
            number(count)
        );
    }
    html.push_str("</tbody></table></section>");
    html
}

/// Returns a count with its noun in the right number.
fn counted(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", number(count), if count == 1 { "" } else { "s" })
}
