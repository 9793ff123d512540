//! JSON values that are difficult for parsers and arithmetic.

use fastrand::Rng;

/// Returns a value of any type. An integer is never written as a float: languages differ in whether `1.0` is one.
pub(super) fn any(rng: &mut Rng) -> String {
    match rng.u8(0..16) {
        0 => "null".to_owned(),
        1 => "true".to_owned(),
        2 => "[]".to_owned(),
        3 => "{}".to_owned(),
        4 => format!("[{}]", any(rng)),
        5 => format!("{{\"a\":{}}}", any(rng)),
        6..9 => number(rng),
        9 => deep(
            *rng.choice(&[950, 1_050, 5_000, 7_000, 30_000]).expect("there are depths"),
            "[",
            "1",
            "]",
        ),
        10 => deep(rng.usize(100..20_000), "{\"a\":", "1", "}"),
        11 => format!("[{}0]", "[],".repeat(rng.usize(0..20_000))),
        _ => text(rng),
    }
}

/// Returns a value nested this deep.
pub(super) fn deep(depth: usize, open: &str, inner: &str, close: &str) -> String {
    format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
}

pub(super) fn number(rng: &mut Rng) -> String {
    let numbers = [
        "0",
        "-1",
        "1",
        "2",
        "50001",
        "65537",
        "4294967296",
        "1000000000000",
        "9007199254740991",
        "9007199254740992",
        "18446744073709551615",
        "18446744073709551616",
        "10000000000000000000000000000000000000000",
        "0.5",
        "-0.5",
        "1e-9",
    ];
    if rng.u8(0..8) == 0 {
        return "9".repeat(rng.usize(4_000..20_000));
    }
    (*rng.choice(&numbers).expect("there are numbers")).to_owned()
}

/// Returns a string with its quotes.
pub(super) fn text(rng: &mut Rng) -> String {
    let texts = [
        "",
        "x",
        "\\ud800",
        "\\udc00\\ud800",
        "\\u0000",
        "\\u001b]0;owned\\u0007",
        "\u{9b}31m",
        "\u{202e}evil\u{2066}",
        "\u{feff}",
        "\u{2028}",
        "__proto__",
        "\\\",\\\"source\\\":{\\\"instance\\\":\\\"x\\\",\\\"seq\\\":1}}",
        "kinesis-telemetry.ledger",
        "😀",
    ];
    if rng.u8(0..10) == 0 {
        return format!("\"{}\"", "ü".repeat(rng.usize(1..200_000)));
    }
    format!("\"{}\"", rng.choice(&texts).expect("there are texts"))
}

/// Returns further members of a source, each with a comma before it: as many as the longest source has room for.
pub(super) fn many_labels(rng: &mut Rng) -> String {
    let labels: Vec<String> =
        (0..rng.usize(1..1_500)).map(|n| format!(",\"{n:x}\":\"\"")).collect();
    labels.concat()
}
