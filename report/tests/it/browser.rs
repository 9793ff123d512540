//! The page in Chromium, without a network: drawings, lists and controls of its script.
//!
//! `SCREENSHOT=docs/report.png cargo test -p kinesis-telemetry-report -- --ignored screenshot` writes the picture of the documents.

use std::fs;
use std::path::Path;
use std::process::Command;

use kinesis_telemetry_report::{Report, html};

use crate::png::{Color, Image};
use crate::sample;

/// The names of Chromium's program in distributions.
const CHROMIUM: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
/// Longest time in milliseconds until the page is drawn. It takes about 100.
const MOST_MS: u64 = 5_000;
/// The end of the page. A test puts its own script before it.
const END: &str = "</body>";

/// A page that the browser has rendered.
struct Shown {
    dom: String,
    image: Image,
    png: Vec<u8>,
}

impl Shown {
    /// Returns the value of an attribute of the element that has this text in its tag.
    fn attribute(&self, tag: &str, name: &str) -> Option<&str> {
        let (before, after) = self.dom.split_once(tag)?;
        let begin = before.rfind('<')?;
        let element = &self.dom[begin..before.len() + tag.len() + after.find('>')?];
        let (_, value) = element.split_once(&format!("{name}=\""))?;
        Some(value.split_once('"')?.0)
    }

    fn drawn(&self, id: &str) -> u64 {
        let drawn = self.attribute(&format!("id=\"{id}\""), "data-drawn");
        drawn.unwrap_or_else(|| panic!("{id} is not drawn")).parse().expect("a count")
    }

    /// Fails if the script raised an error or took too long.
    fn assert_healthy(&self) {
        assert_eq!(self.attribute("lang=\"en\"", "data-error"), None);
        let ready = self.attribute("lang=\"en\"", "data-ready").expect("the script's end");
        assert!(ready.parse::<u64>().is_ok_and(|ms| ms < MOST_MS), "ready after {ready} ms");
        assert!(self.dom.contains("<title>Telemetry of the order system</title>"));
    }
}

/// Opens a page. Chromium ends when five seconds of the page's own time have passed.
fn shown(page: &str, fragment: &str, (width, height): (u32, u32), arguments: &[&str]) -> Shown {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, picture) = (folder.path().join("page.html"), folder.path().join("page.png"));
    fs::write(&file, page).expect("a written page");
    let programs = CHROMIUM.iter().map(|program| {
        Command::new(program)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"])
            .args(["--host-resolver-rules=MAP * ~NOTFOUND", "--proxy-server=127.0.0.1:9"])
            .args(["--virtual-time-budget=5000", "--dump-dom", "--disable-dev-shm-usage"])
            .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
            .arg(format!("--window-size={width},{height}"))
            .arg(format!("--screenshot={}", picture.display()))
            .args(arguments)
            .arg(format!("file://{}{fragment}", file.display()))
            .output()
    });
    let output = programs
        .filter_map(Result::ok)
        .find(|output| output.status.success())
        .unwrap_or_else(|| panic!("none of {CHROMIUM:?} works"));
    let png = fs::read(&picture).expect("a screenshot");
    Shown {
        dom: String::from_utf8(output.stdout).expect("a document"),
        image: Image::decode(&png),
        png,
    }
}

const LIGHT: &str = "--blink-settings=preferredColorScheme=1";
const DARK: &str = "--blink-settings=preferredColorScheme=0";

/// Checks a page of 10,000 invocations. `colors` are those of the background, of functions and of failures.
fn is_whole_with_10_000_invocations(theme: &str, [back, function, failure]: [Color; 3]) {
    let shown = shown(&html(&sample::report(10_000)), "", (1200, 3400), &[theme]);
    shown.assert_healthy();
    assert!(shown.drawn("timeline-canvas") > 100, "the rows in view");
    assert_eq!(shown.attribute("id=\"timeline-canvas\"", "data-rows"), Some("160"));
    assert!(shown.drawn("duration-canvas") > 9_900, "all but those with an unknown end");
    assert_eq!(shown.drawn("lag-canvas"), 10_000);
    assert_eq!(shown.dom.matches("<details class=\"failure\"").count(), 20, "a page of failures");
    let rows = shown.dom.matches("title=\"Show in the timeline\"").count();
    assert_eq!(rows, 20, "a page of invocations");
    assert_eq!(shown.dom.matches("class=\"coverage\"").count(), 160);
    assert!(shown.dom.contains("Page 1 of 500"));

    assert_eq!((shown.image.width, shown.image.height), (1200, 3400));
    assert!(shown.image.count(back) > 10_000, "the background has its color");
    // A legend has about 200 pixels of a color.
    assert!(shown.image.count(function) > 1_000, "{} of functions", shown.image.count(function));
    assert!(shown.image.count(failure) > 600, "{} of failures", shown.image.count(failure));
    for top in (0..3_400).step_by(100) {
        let colors = shown.image.colors(top, 100).len();
        assert!(colors > 3, "{colors} colors below {top}");
    }
}

#[test]
#[ignore = "needs Chromium: cargo xtask test"]
fn a_light_page_of_10_000_invocations_is_whole() {
    let colors = [[0xf5, 0xf6, 0xf8], [0x3d, 0x7b, 0xdc], [0xcf, 0x2e, 0x3d]];
    is_whole_with_10_000_invocations(LIGHT, colors);
}

#[test]
#[ignore = "needs Chromium: cargo xtask test"]
fn a_dark_page_of_10_000_invocations_is_whole() {
    let colors = [[0x0e, 0x13, 0x18], [0x5c, 0x97, 0xf0], [0xff, 0x6a, 0x70]];
    is_whole_with_10_000_invocations(DARK, colors);
}

#[test]
#[ignore = "needs Chromium: cargo xtask test"]
fn odd_times_and_sizes_raise_no_error() {
    let mut report = sample::report(20);
    for (index, start_ms) in
        [i64::MIN, -1, 0, 253_402_300_800_000, i64::MAX].into_iter().enumerate()
    {
        report.invocations[index].start_ms = start_ms;
        report.invocations[index].duration_ms = Some(1e300);
        report.invocations[index].lag_ms = Some(i64::MIN);
    }
    report.instances[0].last = u64::MAX;
    report.instances[0].missing = vec![(1, u64::MAX)];
    shown(&html(&report), "", (1200, 900), &[LIGHT]).assert_healthy();
}

#[test]
#[ignore = "needs Chromium: cargo xtask test"]
fn concurrent_invocations_have_separate_lanes() {
    let mut report = sample::report(20);
    for invocation in &mut report.invocations {
        invocation.start_ms = report.from_ms;
        invocation.instance = "managed".to_owned();
    }
    let script = "document.documentElement.dataset.lanes = timeline.rows.map((it) => it.lanes).sort().pop();";
    let shown = shown(&scripted(&html(&report), script), "", (1200, 900), &[LIGHT]);
    shown.assert_healthy();
    assert_eq!(shown.attribute("lang=\"en\"", "data-lanes"), Some("7"), "the most lanes");
}

#[test]
#[ignore = "needs Chromium: cargo xtask test"]
fn a_page_without_invocations_raises_no_error() {
    let page = html(&Report { title: sample::report(0).title, ..Report::default() });
    let shown = shown(&page, "", (1200, 900), &[LIGHT]);
    shown.assert_healthy();
    assert!(shown.attribute("id=\"interactive\"", "hidden").is_some());
}

#[test]
#[ignore = "needs Chromium: cargo xtask test"]
fn an_address_opens_a_failure_with_its_log_lines() {
    let report = sample::report(1_000);
    let failure =
        report.invocations.iter().find(|it| it.error_type.as_deref() == Some(sample::HOSTILE));
    let failure = failure.expect("a hostile failure");
    let shown =
        shown(&html(&report), &format!("#request={}", failure.request_id), (1200, 900), &[]);
    shown.assert_healthy();
    assert!(shown.dom.contains("Link to this invocation"));
    assert!(shown.drawn("timeline-canvas") > 0, "its row is in view");
    assert!(shown.dom.contains("</time><span class=\"level bad\">ERROR</span>"));
    assert!(shown.dom.contains("\n    at async handler (/var/task/src/index.js:42:18)\n"));
    assert_eq!(shown.dom.matches("<img").count(), 0, "its text is no markup");
}

/// The page is in a frame, because Chromium's windows are at least 500 pixels wide.
#[test]
#[ignore = "needs Chromium: cargo xtask test"]
fn nothing_is_wider_than_a_window_of_380_pixels() {
    let script = "parent.postMessage(document.documentElement.scrollWidth, '*');";
    let page = scripted(&html(&sample::report(150)), script);
    let source = page.replace('&', "&amp;").replace('"', "&quot;");
    let outer = format!(
        "<html lang=\"en\"><body><script>onmessage = (event) => {{ document.documentElement.dataset.width = event.data; }};</script>\
         <iframe width=\"380\" height=\"900\" style=\"border:0\" srcdoc=\"{source}\"></iframe></body></html>"
    );
    let shown = shown(&outer, "", (500, 920), &[]);
    assert_eq!(shown.attribute("lang=\"en\"", "data-width"), Some("380"));
}

/// Clicks, types and drags. An exception anywhere becomes `data-error`.
const USE_EVERY_CONTROL: &str = r"
const said = [];
const assert = (holds, what) => { if (!holds) throw new Error(what); };
const click = (selector) => document.querySelector(selector).click();
const press = (key) => byId('timeline-scroll').dispatchEvent(new KeyboardEvent('keydown', { key }));
const pointer = (node, type, x, y) => { const box = node.getBoundingClientRect(); node.dispatchEvent(new PointerEvent(type, { clientX: box.left + x, clientY: box.top + y, pointerId: 1 })); };
for (const id of ['timeline-canvas', 'duration-canvas', 'lag-canvas']) byId(id).setPointerCapture = () => {};
const span = () => shown.to - shown.from;

const all_of_it = span();
click('#in');
assert(Math.abs(span() * 2 - all_of_it) < 1, 'zoomed in');
press('ArrowRight'); press('-');
assert(Math.abs(span() - all_of_it) < 1, 'zoomed out');
pointer(byId('duration-canvas'), 'pointerdown', 100, 50);
pointer(byId('duration-canvas'), 'pointermove', 160, 50);
pointer(byId('duration-canvas'), 'pointerup', 200, 50);
assert(span() < all_of_it / 3, 'a dragged range');
const from = shown.from;
pointer(byId('timeline-canvas'), 'pointerdown', 600, 50);
pointer(byId('timeline-canvas'), 'pointermove', 700, 50);
pointer(byId('timeline-canvas'), 'pointerup', 700, 50);
assert(shown.from < from, 'moved');
press('0');
assert(span() === all_of_it, 'the whole range');
byId('timeline-canvas').dispatchEvent(new WheelEvent('wheel', { deltaY: -1, ctrlKey: true, clientX: 700, cancelable: true }));
assert(span() < all_of_it, 'zoomed by the wheel');
click('#whole');
drawAll();

const first = shown.members[40];
const row = timeline.rows.findIndex((it) => it.own.includes(first));
const place = [xOf(all.startMs[first] + all.durationMs[first] / 2), AXIS + row * timeline.height + 12];
pointer(byId('timeline-canvas'), 'pointermove', ...place);
assert(!byId('tip').hidden && byId('tip').textContent.includes(all.requestId[first]), 'a box at the pointer');
pointer(byId('timeline-canvas'), 'pointerdown', ...place);
pointer(byId('timeline-canvas'), 'pointerup', ...place);
assert(byId('selected').textContent.includes(all.requestId[first]), 'selected by a click');
press('Escape');
assert(byId('selected').hidden, 'selected no more');

const theme = root.dataset.theme;
click('#theme');
assert(root.dataset.theme !== theme, 'another theme');
const cells = (column) => [...document.querySelectorAll(`#invocations-table tbody td:nth-child(${column})`)].map((cell) => cell.textContent);
click('#invocations-table th:nth-child(6) button');
const longest = Math.max(...all.durationMs.filter((it) => it !== null));
assert(cells(6)[0] === duration(longest), 'the longest first');
click('#next');
assert(byId('page').textContent.startsWith('Page 2'), 'the next page');
byId('outcome').value = 'failed';
byId('outcome').dispatchEvent(new Event('change'));
assert(cells(4).length > 0 && cells(4).every((it) => it !== 'success'), 'failures only');
byId('search').value = all.requestId[first].slice(0, 13);
byId('search').dispatchEvent(new Event('input'));
byId('outcome').value = '';
byId('outcome').dispatchEvent(new Event('change'));
assert(cells(3).join() === all.requestId[first], 'found by its ID');
click('#invocations-table td button');
assert(shown.selected === first, 'shown in the timeline');

click('#failure-kinds button');
const kind = document.querySelector('#failure-kinds button[aria-pressed=true] b').textContent;
assert(Number(kind) === document.querySelectorAll('details.failure').length, 'failures of a kind');
click('#failure-kinds button');
click('details.failure summary');
click('#instances-table th:nth-child(4) button');
const events = [...document.querySelectorAll('#instances-table tbody td:nth-child(4)')].map((cell) => Number(cell.dataset.value));
assert(events.every((it, at) => at === 0 || events[at - 1] <= it), 'instances by events');
byId('function').selectedIndex = 1;
byId('function').dispatchEvent(new Event('change'));
assert(shown.members.length < count && new Set(timeline.rows.map((it) => it.fn)).size === 1, 'one function');
dispatchEvent(new Event('beforeprint'));
assert(root.dataset.theme === 'light', 'paper is light');
dispatchEvent(new Event('afterprint'));
root.dataset.used = 'all';
";

/// Returns the page with one more script, and with a policy that allows it.
fn scripted(page: &str, script: &str) -> String {
    let (before, after) = page.split_once("script-src 'sha256-").expect("the policy");
    let (_, after) = after.split_once(';').expect("its end");
    let page = format!("{before}script-src 'unsafe-inline';{after}");
    let (before, _) = page.rsplit_once(END).expect("the end of the page");
    format!("{before}<script>{script}</script>{END}</html>")
}

#[test]
#[ignore = "needs Chromium: cargo xtask test"]
fn every_control_of_the_page_works() {
    let page = scripted(&html(&sample::report(150)), USE_EVERY_CONTROL);
    let shown = shown(&page, "", (1200, 900), &[LIGHT]);
    shown.assert_healthy();
    assert_eq!(shown.attribute("lang=\"en\"", "data-used"), Some("all"));
}

#[test]
#[ignore = "needs Chromium: cargo xtask test"]
fn the_policy_refuses_a_script_that_is_not_the_pages() {
    let page = html(&sample::report(10));
    let (before, after) = page.rsplit_once(END).expect("the end of the page");
    let page = format!("{before}<script>document.title = 'owned'</script>{END}{after}");
    let shown = shown(&page, "", (1200, 900), &[]);
    assert!(shown.dom.contains("<title>Telemetry of the order system</title>"));
    assert_eq!(shown.attribute("lang=\"en\"", "data-error"), Some("blocked: script-src-elem"));
}

#[test]
#[ignore = "needs Chromium: cargo xtask test"]
fn the_screenshot_of_the_documents_can_be_made() {
    let shown = shown(&html(&sample::report(150)), "", (1200, 1520), &[LIGHT]);
    shown.assert_healthy();
    if let Some(path) = std::env::var_os("SCREENSHOT") {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
        fs::write(root.join(path), &shown.png).expect("a written screenshot");
    }
}
