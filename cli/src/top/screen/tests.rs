use std::fmt::Write as _;

use expect_test::{Expect, expect};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use textwrap::core::display_width;

use super::super::tests::{picture, row, troubled};
use super::*;

fn drawn(picture: &Picture, view: &View, look: Look<'_>, size: (u16, u16)) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
    terminal.draw(|frame| draw(frame, picture, view, look)).unwrap();
    terminal.backend().buffer().clone()
}

/// Returns the screen as text, without trailing spaces.
fn text(picture: &Picture, view: &View, size: (u16, u16)) -> String {
    let buffer = drawn(picture, view, Look::default(), size);
    let area = buffer.area;
    let line = |y| {
        let mut line = String::new();
        let mut x = 0;
        while x < area.width {
            let symbol = buffer[(x, y)].symbol();
            line += symbol;
            x += u16::try_from(display_width(symbol).max(1)).unwrap();
        }
        line.trim_end().to_owned() + "\n"
    };
    (0..area.height).map(line).collect()
}

fn check(picture: &Picture, view: &View, size: (u16, u16), expected: &Expect) {
    expected.assert_eq(&text(picture, view, size));
}

#[test]
fn functions_at_80_columns() {
    check(
        &troubled(),
        &View::default(),
        (80, 24),
        &expect![[r"
            telemetry  4 shards  catching up, 12.5 min behind                      20:00:00Z
            5 functions  15 instances  1,301 events/s  405 kB/s  lag p99 2.3 s
            invoked 13,010  failed 12  missing 3  unreadable 2  shed 40  dropped 7  cold 15

            FUNCTION          EVENTS/S  BYTES/S  LAG P99 INVOKED  FAILED   MEMORY MB MISSING
            payments-authori…    1,234   385 kB  1.5 min  12,340      12     126/128       3
            orders                52.0  16.2 kB    2.3 s     520       0      84/128       0
            東京-注文              8.0   2.4 kB    2.3 s      80       0      84/128       0
            a�[2J�b FUNCTION       7.0   2.1 kB    2.3 s      70       0      84/128       0
            (no name)                0      0 B        -       0       0           -       0













            Enter instances  s order: events  / filter  Space pause  ? help  q quit
        "]],
    );
}

#[test]
fn functions_at_120_columns() {
    check(
        &troubled(),
        &View::default(),
        (120, 40),
        &expect![[r"
            telemetry  4 shards  catching up, 12.5 min behind                                                              20:00:00Z
            5 functions  15 instances  1,301 events/s  405 kB/s  lag p99 2.3 s  lag p50 640 ms
            invoked 13,010  failed 12  missing 3  unreadable 2  shed 40  dropped 7  cold 15  sampled out 123,456

            FUNCTION                INSTANCES EVENTS/S  BYTES/S  LAG P99 INVOKED  FAILED    COLD   MEMORY MB MISSING    SHED DROPPED
            payments-authorization…         3    1,234   385 kB  1.5 min  12,340      12       3     126/128       3      40       7
            orders                          3     52.0  16.2 kB    2.3 s     520       0       3      84/128       0       0       0
            東京-注文                       3      8.0   2.4 kB    2.3 s      80       0       3      84/128       0       0       0
            a�[2J�b FUNCTION                3      7.0   2.1 kB    2.3 s      70       0       3      84/128       0       0       0
            (no name)                       3        0      0 B        -       0       0       3           -       0       0       0





























            Enter instances  s order: events  / filter  Space pause  ? help  q quit
        "]],
    );
}

#[test]
fn instances_of_a_paused_function_with_a_filter() {
    let rows = (0..100).map(|n| row(&format!("6d68ca91-49c9-{n:04}"), 100 - n)).collect();
    let mut picture = picture(rows);
    picture.level = Level::Instances;
    let mut view = View::default();
    view.enter("orders\u{1b}[2J");
    view.is_paused = true;
    view.mode = Mode::Filter;
    view.list_mut().filter = "00".to_owned();
    let rows = view.rows(&picture);
    view.select(&rows, 9);
    check(
        &picture,
        &view,
        (80, 12),
        &expect![[r"
            telemetry  4 shards                                            paused  20:00:00Z
            100 functions  300 instances  5,050 events/s  1.5 MB/s  lag p99 2.3 s
            invoked 50,500  failed 0  missing 0  shed 0  dropped 0  cold 300
            instances of orders�[2J  filter: 00_
            INSTANCE          EVENTS/S  BYTES/S  LAG P99 INVOKED  FAILED   MEMORY MB MISSING
            6d68ca91-49c9-00…     96.0  29.9 kB    2.3 s     960       0      84/128       0
            6d68ca91-49c9-00…     95.0  29.6 kB    2.3 s     950       0      84/128       0
            6d68ca91-49c9-00…     94.0  29.3 kB    2.3 s     940       0      84/128       0
            6d68ca91-49c9-00…     93.0  29.0 kB    2.3 s     930       0      84/128       0
            6d68ca91-49c9-00…     92.0  28.7 kB    2.3 s     920       0      84/128       0
            6d68ca91-49c9-00…     91.0  28.3 kB    2.3 s     910       0      84/128       0
            Enter keep  Esc clear
        "]],
    );
}

#[test]
fn help_at_80_columns() {
    let view = View { mode: Mode::Help, ..View::default() };
    check(
        &troubled(),
        &view,
        (80, 24),
        &expect![[r"
            telemetry  4 shards  catching up, 12.5 min behind                      20:00:00Z
            5 ┌ help ────────────────────────────────────────────────────────────────────┐
            in│EVENTS/S, BYTES/S  over the last 10 s, or --interval if that is longer    │5
              │LAG P50, P99       from the time of an event to its arrival, of a minute  │
            FU│INVOKED, FAILED    invocations, and those that failed or timed out        │NG
            pa│COLD               starts of environments                                 │ 3
            or│MEMORY MB          highest use of an invocation, and the memory it has    │ 0
            東│MISSING            numbers that have not arrived 10 s after a later one   │ 0
            a�│SHED               events that the extension discarded, by its ledger     │ 0
            (n│DROPPED            log lines that Lambda discarded                        │ 0
              │SAMPLED OUT        lines of invocations outside of the sample             │
              │                                                                          │
              │arrows, j k, PgUp PgDn, g G   select                                      │
              │Enter / Esc                   instances of a function / back              │
              │s                             next order                                  │
              │e b l i f m x n               order by events, bytes, lag, invocations,   │
              │                              failures, memory, missing, name             │
              │/                             filter by name                              │
              │Space                         pause                                       │
              │q, Ctrl-C                     quit                                        │
              └──────────────────────────────────────────────────────────────────────────┘


            any key back
        "]],
    );
}

#[test]
fn an_empty_stream_waits_for_events() {
    check(
        &picture(Vec::new()),
        &View::default(),
        (80, 10),
        &expect![[r"
            telemetry  4 shards                                                    20:00:00Z
            0 functions  0 instances  0 events/s  0 B/s
            invoked 0  failed 0  missing 0  shed 0  dropped 0  cold 0

            FUNCTION EVENTS/S  BYTES/S  LAG P99 INVOKED  FAILED   MEMORY MB MISSING    SHED
            waiting for events



            Enter instances  s order: events  / filter  Space pause  ? help  q quit
        "]],
    );
}

#[test]
fn only_problems_are_colored_and_colors_can_be_off() {
    let colors = |picture: &Picture, is_colored| {
        let look = Look { is_colored, note: Some("throttled") };
        let buffer = drawn(picture, &View::default(), look, (160, 24));
        let mut found: Vec<(Color, String)> = Vec::new();
        for cell in buffer.content.iter().filter(|it| it.fg != Color::Reset) {
            match found.last_mut() {
                Some((color, text)) if *color == cell.fg => *text += cell.symbol(),
                _ => found.push((cell.fg, cell.symbol().to_owned())),
            }
        }
        found
    };
    let found = colors(&troubled(), true);
    assert!(found.iter().any(|(color, text)| *color == Color::Red && text.contains("12")));
    assert!(found.iter().any(|(color, text)| *color == Color::Yellow && text.contains("126/128")));
    assert_eq!(colors(&troubled(), false), []);
    let quiet = colors(&picture(vec![row("orders", 5)]), true);
    assert!(
        quiet.iter().all(|(color, text)| *color == Color::Yellow && text.starts_with("throttled"))
    );
}

#[test]
fn every_size_is_drawn() {
    for width in [1, 2, 7, 8, 20, 81, 300] {
        for height in [1, 2, 5, 6, 7, 60] {
            for mode in [Mode::Browse, Mode::Filter, Mode::Help] {
                let view = View { mode, ..View::default() };
                drawn(&troubled(), &view, Look::default(), (width, height));
            }
        }
    }
}

#[test]
fn ten_thousand_instances_scroll() {
    let rows = (0..10_000).map(|n| row(&format!("{n:05}"), 10_000 - n)).collect();
    let picture = picture(rows);
    let mut view = View::default();
    let rows = view.rows(&picture);
    view.select(&rows, 5_000);
    let shown = text(&picture, &view, (80, 24));
    assert!(shown.contains("\n05000 ") && shown.contains("\n04983 "), "{shown}");
    assert!(!shown.contains("\n05001 "), "{shown}");
}

/// Returns a buffer as text, with escape sequences for its colours and attributes.
fn ansi(buffer: &Buffer) -> String {
    let codes = [(Modifier::BOLD, "1"), (Modifier::UNDERLINED, "4"), (Modifier::REVERSED, "7")];
    let mut text = String::new();
    for y in 0..buffer.area.height {
        for x in 0..buffer.area.width {
            let cell = &buffer[(x, y)];
            let set = codes.iter().filter(|(modifier, _)| cell.modifier.contains(*modifier));
            let mut codes: Vec<&str> = set.map(|(_, code)| *code).collect();
            codes.extend(match cell.fg {
                Color::Red => Some("31"),
                Color::Yellow => Some("33"),
                _ => None,
            });
            _ = write!(text, "\u{1b}[{}m{}\u{1b}[0m", codes.join(";"), cell.symbol());
        }
        text.push('\n');
    }
    text
}

#[test]
fn the_picture_in_the_documents_is_fresh() {
    let mut slow = row("payments-authorize", 1_234);
    slow.counts.failures = 12;
    slow.counts.missing = 3;
    slow.counts.shed = 40;
    slow.memory = Some(super::super::facts::Memory { used_mb: 126, size_mb: 128 });
    slow.lag = Some(super::super::lag::Percentiles { p50_ms: 900, p99_ms: 95_000 });
    let rows = vec![row("orders", 520), slow, row("invoices", 80), row("shipping-labels", 17)];
    let look = Look { is_colored: true, ..Look::default() };
    let buffer = drawn(&picture(rows), &View::default(), look, (100, 12));
    let picture = anstyle_svg::Term::new().render_svg(&ansi(&buffer));
    expect_test::expect_file!["../../../../docs/top.svg"].assert_eq(&picture);
}
