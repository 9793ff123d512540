//! The report as a picture, which GitHub shows on light and on dark. Pure.

use std::fmt::Write as _;

use crate::report::Report;

/// Pixels: of the whole, of the words before a bar, and of a bar's longest.
const WIDTH: u32 = 760;
const WORDS: f64 = 330.0;
const LONGEST: f64 = 340.0;
const LINE: u32 = 22;

/// A group of bars that share a scale.
struct Group {
    title: String,
    bars: Vec<(String, f64, String)>,
}

pub(crate) fn draw(report: &Report) -> String {
    let groups = groups(report);
    let lines: usize = groups.iter().map(|group| group.bars.len() + 2).sum();
    let height = LINE * (u32::try_from(lines).unwrap_or(u32::MAX / LINE) + 1);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" \
         role=\"img\" font-family=\"system-ui, sans-serif\" font-size=\"13\" fill=\"#7d8590\">\n\
         <title>What the extension costs a function</title>\n"
    );
    let mut y = LINE;
    for group in &groups {
        _ = writeln!(
            svg,
            "<text x=\"0\" y=\"{y}\" font-weight=\"bold\">{}</text>",
            escaped(&group.title)
        );
        let most = group.bars.iter().map(|(_, value, _)| *value).fold(f64::EPSILON, f64::max);
        for (index, (words, value, label)) in group.bars.iter().enumerate() {
            y += LINE;
            // The first of a group is ours.
            let colour = if index == 0 { "#e8590c" } else { "#868e96" };
            let width = (value.max(0.0) / most * LONGEST).max(1.0);
            _ = writeln!(
                svg,
                "<text x=\"{:.0}\" y=\"{y}\" text-anchor=\"end\">{}</text>\
                 <rect x=\"{WORDS:.0}\" y=\"{}\" width=\"{width:.0}\" height=\"14\" rx=\"2\" fill=\"{colour}\"/>\
                 <text x=\"{:.0}\" y=\"{y}\">{}</text>",
                WORDS - 8.0,
                escaped(words),
                y - 12,
                WORDS + width + 6.0,
                escaped(label),
            );
        }
        y += 2 * LINE;
    }
    _ = writeln!(
        svg,
        "<text x=\"0\" y=\"{}\" font-size=\"11\">{}, {}</text>\n</svg>",
        height - 8,
        report.date,
        escaped(&report.machine)
    );
    svg
}

fn groups(report: &Report) -> Vec<Group> {
    let bars = |unit: &str, value: &dyn Fn(&crate::report::Program) -> Option<f64>| {
        let bar = |it: &crate::report::Program| {
            value(it).map(|value| (it.name.clone(), value, format!("{value:.1} {unit}")))
        };
        report.programs.iter().filter_map(bar).collect::<Vec<_>>()
    };
    let added = report.busy.iter().filter(|it| {
        // The control adds nothing to itself.
        report.programs.get(1).is_none_or(|control| it.name != control.name)
    });
    vec![
        Group {
            title: "From its start to its first next".into(),
            bars: bars("ms", &|it| Some(it.next)),
        },
        Group {
            title: "From its start to its first record acknowledged over TLS".into(),
            bars: bars("ms", &|it| it.first_record),
        },
        Group {
            title: "Memory after one invocation".into(),
            bars: bars("MiB", &|it| Some(it.steady_kib / 1024.0)),
        },
        Group {
            title: "Added to the median invocation of a busy function".into(),
            bars: added
                .map(|it| (it.name.clone(), it.added_p50, format!("{:+.2} ms", it.added_p50)))
                .collect(),
        },
    ]
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn words_are_no_markup() {
        assert_eq!(escaped("a < b & c"), "a &lt; b &amp; c");
    }
}
