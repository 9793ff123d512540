//! A strip that shows which event numbers of an instance arrived.

use std::fmt::Write as _;

use crate::model::Instance;
use crate::summary::{explained, unexplained};

/// The width of a strip in its own units.
const WIDTH: f64 = 240.0;
/// The narrowest mark that is still visible.
const NARROWEST: f64 = 2.0;

/// Returns the strip as SVG: one bar for all numbers up to the last, and a mark for each range that did not arrive.
pub(crate) fn coverage(instance: &Instance) -> String {
    let missing = unexplained(instance);
    let mut svg = format!(
        "<svg class=\"coverage\" viewBox=\"0 0 {WIDTH} 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
         <rect class=\"arrived\" width=\"{WIDTH}\" height=\"10\"/>"
    );
    marks(&mut svg, "explained", &explained(instance), instance.last);
    marks(&mut svg, "missing", &missing, instance.last);
    svg.push_str("</svg>");
    svg
}

/// Draws ranges. Ranges that would overlap become one mark, so a strip has at most 120 marks of a kind.
#[expect(clippy::cast_precision_loss)] // A strip has 240 positions.
fn marks(svg: &mut String, class: &str, ranges: &[(u64, u64)], last: u64) {
    let scale = WIDTH / last.max(1) as f64;
    let mut drawn: Vec<(f64, f64)> = Vec::new();
    for (first, last) in ranges {
        let begin = (first.saturating_sub(1) as f64 * scale).min(WIDTH - NARROWEST);
        let end = (*last as f64 * scale).clamp(begin + NARROWEST, WIDTH);
        match drawn.last_mut() {
            Some(before) if begin <= before.1 => before.1 = before.1.max(end),
            _ => drawn.push((begin, end)),
        }
    }
    for (begin, end) in drawn {
        let width = end - begin;
        let _ = write!(
            svg,
            "<rect class=\"{class}\" x=\"{begin:.1}\" width=\"{width:.1}\" height=\"10\"/>"
        );
    }
}
