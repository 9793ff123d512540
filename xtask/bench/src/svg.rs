//! The report as a picture, which GitHub shows on light and on dark. Pure.

mod panels;

use std::fmt::Write as _;

use crate::report::Report;
use panels::{Bar, Group, Panel, panels};

/// Pixels: the whole width, the start of the bars, the length of the longest, and the height of a row.
const WIDTH: f64 = 760.0;
const PLOT: f64 = 240.0;
const LONGEST: f64 = 380.0;
const ROW: f64 = 20.0;

/// Colours that can be read on light and on dark, and better ones for dark where a viewer says so.
const STYLE: &str = "text{fill:#6e7781}.title{font-weight:600}.small{font-size:11px}\
    .ours{fill:#e8590c}.other{fill:#868e96}.worst{stroke:#868e96}\
    .grid{stroke:#8b949e;stroke-opacity:.25}.floor{stroke:#2da44e;stroke-width:2}.floor-label{fill:#2da44e}\
    @media(prefers-color-scheme:dark){text{fill:#9198a1}.floor{stroke:#3fb950}.floor-label{fill:#3fb950}}";

/// The scale of a panel.
struct Scale {
    /// The value of the longest bar.
    most: f64,
}

impl Scale {
    fn x(&self, value: f64) -> f64 {
        PLOT + value / self.most * LONGEST
    }
}

pub(crate) fn draw(report: &Report) -> String {
    let mut body = String::new();
    let mut y = 0.0;
    for panel in panels(report) {
        y = draw_panel(&mut body, &panel, y);
    }
    // After ours, the floor and the control.
    let others = report.programs.iter().skip(3);
    let against = others.flat_map(|it| [" --against \"", &it.name, "=…\""]).collect::<String>();
    let command = format!("cargo xtask bench{against}, {}, {}", report.date, report.machine);
    let legend = "Each part has its own scale. The green line is the floor: an extension that subscribes, acknowledges \
                  telemetry and delivers nothing.";
    for words in [legend, &command] {
        y += ROW;
        text(&mut body, "small", "start", 0.0, y - 6.0, words);
    }
    let height = y;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {WIDTH:.0} {height:.0}\" \
         role=\"img\" font-family=\"system-ui, sans-serif\" font-size=\"13\">\n\
         <title>What the extension costs a function</title>\n<style>{STYLE}</style>\n{body}\n</svg>\n"
    )
}

/// Draws a panel from `y` on; returns where it ends.
fn draw_panel(svg: &mut String, panel: &Panel, y: f64) -> f64 {
    let scale = Scale { most: panel.most().max(f64::EPSILON) };
    let rows: usize = panel.groups.iter().map(|group| group.bars.len() + 1).sum();
    let (top, bottom) = (y + 1.5 * ROW, y + (rows as f64 + 1.5) * ROW);
    text(svg, "title", "start", 0.0, y + ROW, &format!("{}, {}", panel.title, panel.unit));
    for tick in ticks(scale.most) {
        let x = scale.x(tick);
        line(svg, "grid", [x, top, x, bottom]);
        text(svg, "small", "middle", x, bottom + 13.0, &tick.to_string());
    }
    let mut y = top;
    for group in &panel.groups {
        draw_group(svg, group, &scale, y);
        y += (group.bars.len() + 1) as f64 * ROW;
    }
    bottom + 1.5 * ROW
}

fn draw_group(svg: &mut String, group: &Group, scale: &Scale, y: f64) {
    text(svg, "title small", "end", PLOT - 8.0, y + 15.0, group.title);
    for (n, bar) in group.bars.iter().enumerate() {
        draw_bar(svg, bar, scale, y + (n + 1) as f64 * ROW);
    }
    if let Some(floor) = group.floor {
        let x = scale.x(floor);
        line(svg, "floor", [x, y + 4.0, x, y + (group.bars.len() + 1) as f64 * ROW - 2.0]);
        text(
            svg,
            "small floor-label",
            "start",
            x + 5.0,
            y + 14.0,
            &format!("floor {}", short(floor)),
        );
    }
}

fn draw_bar(svg: &mut String, bar: &Bar, scale: &Scale, y: f64) {
    let Bar { label, value, worst, is_ours } = bar;
    let (middle, width) = (y + 9.0, scale.x(*value) - PLOT);
    let class = if *is_ours { "ours" } else { "other" };
    text(svg, "", "end", PLOT - 8.0, y + 14.0, label);
    _ = writeln!(
        svg,
        "<rect class=\"{class}\" x=\"{PLOT:.0}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"13\"/>",
        y + 2.5
    );
    let end = match worst {
        Some(worst) => {
            let [from, to] = [*value, worst.max(*value)].map(|it| scale.x(it));
            line(svg, "worst", [from, middle, to, middle]);
            line(svg, "worst", [to, middle - 4.0, to, middle + 4.0]);
            to
        }
        None => scale.x(*value),
    };
    let words = match worst {
        Some(worst) => format!("{}, at most {}", short(*value), short(*worst)),
        None => short(*value),
    };
    text(svg, "small", "start", end + 6.0, y + 14.0, &words);
}

/// Returns round numbers from 0 to `most`, six at most.
fn ticks(most: f64) -> Vec<f64> {
    let power = 10_f64.powf((most / 5.0).log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|it| it * power);
    let step = steps.into_iter().find(|step| most / step <= 5.0).unwrap_or(most);
    // Rounded, because a tenth has no exact value.
    let tick = |n: u32| (f64::from(n) * step / power).round() * power;
    let rounded = |it: f64| (it * 1_000.0).round() / 1_000.0;
    (0..=5).map(tick).map(rounded).take_while(|tick| *tick <= most).collect()
}

/// Three digits are enough in a picture.
fn short(value: f64) -> String {
    if value < 10.0 { format!("{value:.2}") } else { format!("{value:.0}") }
}

fn line(svg: &mut String, class: &str, [x1, y1, x2, y2]: [f64; 4]) {
    _ = writeln!(
        svg,
        "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
    );
}

fn text(svg: &mut String, class: &str, anchor: &str, x: f64, y: f64, words: &str) {
    _ = writeln!(
        svg,
        "<text class=\"{class}\" text-anchor=\"{anchor}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>",
        escaped(words)
    );
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::{Bar, Scale, draw_bar, escaped, ticks};

    #[test]
    fn words_are_no_markup() {
        assert_eq!(escaped("a < b & c"), "a &lt; b &amp; c");
    }

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(ticks(2.7), [0.0, 1.0, 2.0]);
        assert_eq!(ticks(113.0), [0.0, 50.0, 100.0]);
        assert_eq!(ticks(0.5), [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]);
    }

    #[test]
    fn zero_has_a_bar_without_a_width() {
        let bar = Bar { label: String::new(), value: 0.0, worst: None, is_ours: true };
        let mut svg = String::new();
        draw_bar(&mut svg, &bar, &Scale { most: 10.0 }, 0.0);
        assert!(svg.contains("width=\"0.0\"") && svg.contains(">0.00<"), "{svg}");
    }
}
