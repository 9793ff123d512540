//! Tests that every figure of docs/cost.md is in the output of the command.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::thread;

use xtask_model::page::{self, Part};
use xtask_model::{Logs, Prices};

const PAGE: &str = include_str!("../../../../docs/cost.md");
const COMMAND: &str = "cargo run --release --package xtask-model --bin costs";

/// Numbers in the page's sentences that no table has, because nothing computes them.
const FACTS: [(&str, &str); 2] =
    [("2", "the base of the bytes of a GB"), ("400", "the fewest bytes of a typical line")];

static MONEY: LazyLock<Vec<Part>> = LazyLock::new(|| {
    let no_arguments: [&str; 0] = [];
    let prices = Prices::new(no_arguments).expect("the known prices");
    page::money(&prices).expect("docs/performance.md has its tables")
});

/// Everything that the command prints.
static PRINTED: LazyLock<Vec<Part>> = LazyLock::new(|| {
    thread::scope(|scope| {
        let money = scope.spawn(|| MONEY.clone());
        let records = [Logs::Text, Logs::Json].map(|logs| scope.spawn(move || page::records(logs)));
        let targets = scope.spawn(page::targets);
        let mut parts = money.join().expect("the parts about money");
        parts.extend(records.map(|it| it.join().expect("a part about records")));
        parts.push(targets.join().expect("the part about targets"));
        parts
    })
});

/// The page's tables, each as its text.
fn tables() -> Vec<String> {
    let lines: Vec<&str> = PAGE.lines().collect();
    let of_tables = lines.chunk_by(|a, b| a.starts_with('|') == b.starts_with('|'));
    of_tables.filter(|lines| lines[0].starts_with('|')).map(|lines| lines.join("\n")).collect()
}

/// The page's sentences: without tables, fenced code, code in backquotes, and the targets of links.
fn prose() -> String {
    let mut is_code = false;
    let sentences = PAGE.lines().filter(|line| {
        let is_fence = line.starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence && !line.starts_with('|')
    });
    let text: String = sentences.flat_map(|line| [line, "\n"]).collect();
    let without_code: String = text.split('`').step_by(2).collect::<Vec<_>>().join("`");
    let links = without_code.split("](");
    let texts = links.enumerate().map(|(at, text)| match text.split_once(')') {
        Some((_, after)) if at > 0 => after,
        _ => text,
    });
    texts.collect::<Vec<_>>().join(" ")
}

/// The numbers of a text as they are written, such as `$1,024.50`, `1/34` and `2026`. Digits within a name are no number.
fn numbers(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "$,./_-".contains(c);
    let words = text.split(|c| !is_part(c));
    let trimmed = words.map(|word| word.trim_end_matches([',', '.', '/', '-']));
    let is_number = |word: &&str| {
        let digits = word.strip_prefix('$').unwrap_or(word);
        digits.starts_with(|c: char| c.is_ascii_digit())
            && digits.chars().all(|c| c.is_ascii_digit() || ",./".contains(c))
    };
    trimmed.filter(is_number).map(str::to_owned).collect()
}

#[test]
fn page_has_each_part_that_the_command_prints() {
    for Part { title, markdown } in PRINTED.iter() {
        assert!(
            PAGE.contains(markdown.trim_end()),
            "docs/cost.md differs from `{COMMAND}`, which prints as \"{title}\":\n\n{markdown}"
        );
    }
}

#[test]
fn each_table_of_the_page_is_printed() {
    let tables = tables();
    assert!(tables.len() >= PRINTED.len() - 2, "{} tables", tables.len());
    for table in tables {
        let is_printed = PRINTED.iter().any(|part| part.markdown.contains(&table));
        assert!(is_printed, "docs/cost.md has a table that `{COMMAND}` does not print:\n\n{table}");
    }
}

#[test]
fn each_amount_in_the_sentences_is_a_cell_of_a_table() {
    let cells: BTreeSet<&str> = MONEY
        .iter()
        .flat_map(|part| part.markdown.lines())
        .flat_map(|line| line.split('|').map(str::trim))
        .collect();
    let amounts: Vec<String> =
        numbers(&prose()).into_iter().filter(|it| it.starts_with('$')).collect();
    assert!(amounts.len() > 10, "the page compares amounts: {amounts:?}");
    for amount in amounts {
        assert!(
            cells.contains(&amount[1..]),
            "docs/cost.md says {amount}, and no table of `{COMMAND}` has it"
        );
    }
}

#[test]
fn each_number_in_the_sentences_is_printed_or_a_fact_of_aws() {
    let printed: BTreeSet<String> =
        PRINTED.iter().flat_map(|part| numbers(&part.markdown)).collect();
    let prose = numbers(&prose());
    let is_known = |number: &&String| {
        number.starts_with('$')
            || printed.contains(*number)
            || FACTS.iter().any(|(fact, _)| fact == number)
    };
    let unknown: Vec<&String> = prose.iter().filter(|it| !is_known(it)).collect();
    assert!(unknown.is_empty(), "docs/cost.md says {unknown:?}, which `{COMMAND}` does not print");
    for (fact, what) in FACTS {
        let is_needed = prose.contains(fact) && !printed.contains(fact);
        assert!(is_needed, "FACTS needs {fact} no more, {what}: remove it");
    }
}

#[test]
fn numbers_are_found_as_written_and_not_within_names() {
    let found = numbers("S3 in us-east-1 takes $29.20, or 1/34 of 10,000. x86_64; 2^30 (5 KB).");
    let expected = ["$29.20", "1/34", "10,000", "2", "30", "5"];
    assert_eq!(found, expected.map(str::to_owned).into());
}

#[test]
fn page_begins_with_a_choice_and_the_tables_follow() {
    let heading = PAGE.lines().find(|line| line.starts_with("## "));
    assert_eq!(heading, Some("## Choose this"));
    let choice = PAGE.find("## Choose this").expect("just found");
    let [table, next] = ["\n|", "\n## "].map(|it| {
        PAGE[choice + 1..].find(it).map(|at| at + choice).expect("tables and headings follow")
    });
    let bullets = PAGE[choice..table].lines().filter(|line| line.starts_with("- **"));
    assert!(bullets.count() >= 5, "one choice for each size and need");
    assert!(table < next, "the table in short ends the choice");
}
