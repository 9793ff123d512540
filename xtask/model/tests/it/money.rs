//! The arithmetic of docs/cost.md: tiers, quantities, bills and arguments.

use std::time::Duration;

use extension_spec::{Flush, variable};
use kinesis_telemetry_extension::Packing;
use xtask_model::{
    Bill, Class, Cost, GB_A_TB, Life, Logs, Mode, Overhead, Prices, Rate, Sent, Usage, Way,
    a_month, invocations, least_gb, live, logged_bytes, shards,
};

const STANDARD: Rate = Rate::Tiered([0.5, 0.25, 0.1, 0.05]);
const DELIVERY: Rate = Rate::Tiered([0.25, 0.15, 0.075, 0.05]);
const NOTHING: Overhead = Overhead {
    invocation: Duration::ZERO,
    start: Duration::ZERO,
    shutdown: Duration::ZERO,
    held: Duration::ZERO,
};

/// Half of the invocations held for 200 ms, and a record of 30,000 bytes for each.
fn half_held() -> Life {
    let mut sent = Sent::default();
    for _ in 0..4 {
        sent.add_bytes(30_000);
    }
    Life { invocations: 4, held: 2, held_for: Duration::from_millis(200), sent }
}

/// True if they are equal, except for what a float cannot hold.
fn is(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= expected.abs() * 1e-12
}

fn prices(args: &[&str]) -> Prices {
    Prices::new(args).expect("these are prices")
}

#[test]
fn tiers_give_the_totals_of_aws_own_examples() {
    // The pricing page of CloudWatch: 72 TB of vended logs to CloudWatch Logs, and to S3.
    assert!(is(STANDARD.cost(72.0 * GB_A_TB), 13_414.40));
    assert!(is(DELIVERY.cost(72.0 * GB_A_TB), 8_294.40));
    for (gb, usd) in [(0.0, 0.0), (1.0, 0.5), (10_240.0, 5_120.0), (10_241.0, 5_120.25)] {
        assert!(is(STANDARD.cost(gb), usd), "{gb} GB");
    }
}

#[test]
fn a_tier_changes_the_price_of_further_gb_alone() {
    for rate in [STANDARD, DELIVERY] {
        let Rate::Tiered(usd) = rate else { unreachable!("both have tiers") };
        let mut last = (0.0, 0.0);
        for tb in 1..=80 {
            let gb = f64::from(tb) * GB_A_TB;
            let (more_gb, more_usd) = (gb - last.0, rate.cost(gb) - last.1);
            let tier = usize::from(tb > 10) + usize::from(tb > 30) + usize::from(tb > 50);
            assert!((more_usd - more_gb * usd[tier]).abs() < 1e-6, "{rate}: TB {tb}");
            last = (gb, rate.cost(gb));
        }
    }
}

#[test]
fn a_flat_price_is_the_same_for_any_quantity() {
    let same = Rate::Tiered([0.3; 4]);
    for gb in [0.0, 0.7, 10_240.0, 10_241.5, 1e9] {
        assert!(is(Rate::Flat(0.3).cost(gb), gb * 0.3));
        assert!((same.cost(gb) - gb * 0.3).abs() < 1e-3, "four equal tiers, {gb} GB");
    }
}

#[test]
fn each_record_is_rounded_by_itself_to_whole_units_and_kilobytes() {
    let mut sent = Sent::default();
    for (size, units, on_demand, firehose) in [
        (1, 1, 1_024, 5_120),
        (1_024, 2, 2_048, 10_240),
        (25_600, 3, 27_648, 35_840),
        (25_601, 5, 54_272, 66_560),
    ] {
        sent.add_bytes(size);
        let billed = (sent.units, sent.on_demand, sent.firehose);
        assert_eq!(billed, (units, on_demand, firehose), "after {size} bytes");
    }
    assert_eq!((sent.records, sent.bytes), (4, 52_226));
}

#[test]
fn a_million_invocations_are_computed_from_a_few_and_a_gb_is_two_to_the_power_of_thirty() {
    let usage = Usage::of_a_million(&half_held(), 4 * 1_024);
    assert!(is(usage.invocations, 1e6) && is(usage.held, 500_000.0));
    assert!(is(usage.records, 1e6) && is(usage.units, 2e6) && is(usage.environments, 250_000.0));
    // 30,000 bytes are 30 KB, of 1,024 bytes, and 30 of Firehose's, of which each has five.
    assert!(is(usage.gb_in, 30.0 * 1e6 / 1_024.0 / 1_024.0), "{usage:?}");
    assert!(is(usage.gb_firehose, usage.gb_in), "{usage:?}");
    assert!(is(usage.gb_logged, 1e6 / 1_024.0 / 1_024.0), "{usage:?}");
    let [half, sum] = [usage.times(0.5), usage.times(0.25) + usage.times(0.25)];
    assert!(is(half.units, 1e6) && is(sum.units, 1e6) && is(sum.gb_logged, half.gb_logged));
    assert_eq!(sum.held_for, usage.held_for);
}

#[test]
fn held_invocations_others_and_environments_all_take_lambda_time() {
    let ms = Duration::from_millis;
    let overhead = Overhead { invocation: ms(10), start: ms(3), shutdown: ms(7), held: ms(1) };
    let usage = Usage::of_a_million(&half_held(), 0);
    // 500,000 times 200 ms and 10 ms, and 250,000 times 10 ms, with half a GB.
    assert!(is(usage.gb_seconds(&overhead), (100_000.0 + 5_000.0 + 2_500.0) / 2.0));
}

#[test]
fn what_is_used_costs_its_price_each() {
    let prices = prices(&[
        "on-demand-in=3",
        "on-demand-out=5",
        "payload-units=7",
        "logs-standard=11",
        "logs-infrequent=17",
        "duration=0.001",
        "stream-hour=1",
        "shard-hour=2",
    ]);
    let usage = Usage { gb_in: 2.0, gb_logged: 13.0, ..Usage::of_a_million(&half_held(), 0) };
    let cost = Cost::new(&usage, &NOTHING, &prices);
    // 500,000 times 200 ms, with half a GB.
    assert!(is(cost.lambda, 50.0), "{cost:?}");
    assert!(is(cost.on_demand, 6.0) && is(cost.out, 10.0), "{cost:?}");
    assert!(is(cost.provisioned, 14.0) && is(cost.logs, 143.0), "{cost:?}");
    assert!(is(cost.infrequent, 221.0), "{cost:?}");
    let [stream, shard] = a_month(&prices);
    assert!(is(stream, 730.0) && is(shard, 1_460.0));
}

#[test]
fn a_stream_pays_once_its_savings_reach_its_cost_of_a_month() {
    let cost = Cost {
        lambda: 1.0,
        on_demand: 2.0,
        out: 0.0,
        provisioned: 0.0,
        logs: 8.0,
        infrequent: 3.0,
    };
    let pays_from = cost.pays_from(cost.logs, 20.0, cost.on_demand).expect("it saves 5 a million");
    assert!(is(pays_from, 4.0), "{pays_from}");
    assert_eq!(cost.pays_from(cost.infrequent, 20.0, cost.on_demand), None);
}

#[test]
fn a_bill_has_only_what_its_way_is_billed_for() {
    let usage = Usage { gb_in: 100_000.0, gb_logged: 20_480.0, units: 3e6, ..Usage::default() };
    let bill = |way: Way| way.bill(&usage, &NOTHING, &prices(&[]));
    let logs = [Class::Standard, Class::InfrequentAccess, Class::Delivery]
        .map(|class| bill(Way::Logs(class)));
    for (logs, rate) in logs.iter().zip([STANDARD, DELIVERY, DELIVERY]) {
        assert!(is(logs.data, rate.cost(20_480.0)) && is(logs.total(), logs.data), "{logs:?}");
    }
    let Bill { data, fixed, reader, .. } = bill(Way::Stream(Mode::OnDemand));
    assert!(is(data, 8_000.0) && is(fixed, 29.2) && is(reader, 4_000.0));
    let Bill { data, fixed, reader, .. } = bill(Way::Stream(Mode::Provisioned));
    // 100,000 GB are 40.9 MB a second, 122.6 at the peak.
    assert!(is(data, 0.042) && is(fixed, 123.0 * 10.95) && is(reader, 0.0), "{fixed}");
}

#[test]
fn under_advantage_less_than_the_minimum_costs_the_minimum() {
    let least = least_gb();
    // 25 MiB a second for 730 hours.
    assert!(is(least, 25.0 * 730.0 * 3_600.0 / 1_024.0));
    let bill = |gb_in| {
        let usage = Usage { gb_in, ..Usage::default() };
        Way::Stream(Mode::Advantage).bill(&usage, &NOTHING, &prices(&[]))
    };
    for share in [0.0, 0.3, 1.0] {
        assert!(is(bill(least * share).total(), least * 0.048), "{share}");
    }
    let more = bill(least * 2.0);
    assert!(is(more.total(), least * 2.0 * 0.048) && is(more.fixed, 0.0), "{more:?}");
}

#[test]
fn shards_are_enough_for_three_times_the_average_by_bytes_and_by_records() {
    let seconds = 730.0 * 3_600.0;
    let by = |gb_in: f64, records: f64| shards(&Usage { gb_in, records, ..Usage::default() });
    assert!(is(by(0.0, 0.0), 1.0), "a stream has a shard");
    assert!(is(by(0.0, seconds * 1_000.0), 3.0) && is(by(0.0, seconds * 1_001.0), 4.0));
    let gb = seconds * 1e6 / 1_073_741_824.0;
    assert!(is(by(gb * 0.99, 0.0), 3.0) && is(by(gb * 1.01, 0.0), 4.0));
    assert!(is(by(gb * 0.99, seconds * 5_000.0), 15.0), "the larger of the two counts");
}

#[test]
fn an_argument_that_is_no_price_is_refused_by_its_name() {
    for (arg, why) in [
        ("shard-hour", "no name=price"),
        ("shard=1", "no such name"),
        ("shard-hour=cheap", "no price"),
        ("shard-hour=-1", "no price"),
        ("shard-hour=inf", "no price"),
        ("logs-standard=0.5,0.25", "no price"),
        ("logs-standard=0.5,0.25,0.1,", "no price"),
        ("shard-hour=4,3,2,1", "this price has no tiers"),
    ] {
        let error = Prices::new([arg]).expect_err(arg);
        assert!(error.starts_with(&format!("{arg}: {why}")), "{error}");
        assert!(error.contains("logs-delivery"), "{error}");
    }
}

#[test]
fn a_price_of_the_users_own_replaces_the_known_one() {
    let table = prices(&["logs-standard=0.57", "logs-delivery=4,3,2,1"]).table();
    for row in ["| `logs-standard` | 0.57 |", "| `logs-delivery` | 4, 3, 2, 1 |"] {
        assert!(table.contains(row), "{table}");
    }
    assert_eq!(table.matches("| yours | yours | yours |").count(), 2);
}

#[test]
fn each_price_states_its_region_its_date_and_a_link() {
    let table = prices(&[]).table();
    let rows: Vec<&str> = table.lines().skip(2).collect();
    assert!(rows.len() >= 17, "{table}");
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        assert_eq!((cells.len(), cells[3]), (6, "us-east-1"), "{row}");
        assert!(cells[4].starts_with("202") && cells[4].len() >= "2026-09".len(), "{row}");
        assert!(cells[5].contains("](https://"), "{row}");
    }
}

#[test]
fn overhead_is_read_from_the_tables_of_performance() {
    let measured = Overhead::measured().expect("docs/performance.md has the tables");
    assert!(measured.invocation < measured.held && measured.start > Duration::ZERO);
    let table = "| start to first `next`, ms | 1.5 | 0.6 | 2 |\n\
                 | adaptive | 21 | +0.25 | +1 | 0.0 | 0.1 | 0.00 | 24 | 12 | 186 | 5 |\n\
                 | end | 47 | +26.5 | +27 | 100.0 | 27 | 0.00 | 1002 | 77 | 187 | 3 |\n";
    let read = Overhead::read(table).expect("each row is there");
    let us = Duration::from_micros;
    assert_eq!((read.invocation, read.held), (us(250), us(26_500)));
    assert_eq!((read.start, read.shutdown), (us(1_500), us(186_000)));
    let below = Overhead::read(&table.replace("+0.25", "-0.25")).expect("each row is there");
    assert_eq!(below.invocation, Duration::ZERO, "a difference within what repeats");
    for row in ["start to first `next`, ms", "adaptive", "end"] {
        let without = table.replace(&format!("| {row} |"), "| other |");
        let error = Overhead::read(&without).expect_err(row);
        assert!(error.contains(&format!("\"{row}\"")), "{error}");
    }
}

#[test]
fn end_holds_every_invocation_and_adaptive_the_first_of_many() {
    let all = invocations(Logs::Text, 3, Packing::default(), 50);
    let held = |flush: Flush, pause| {
        let config = extension_spec::load([(variable::FLUSH, flush.word())]).config;
        let life = live(&all, &config, pause);
        assert_eq!(life.sent.events, 50 * 6, "{flush:?}: everything is sent");
        life.held
    };
    let often = [Flush::End, Flush::Adaptive].map(|it| held(it, Duration::from_millis(500)));
    assert_eq!(often, [50, 5]);
    let rare = [Flush::End, Flush::Adaptive].map(|it| held(it, Duration::from_mins(5)));
    assert_eq!(rare, [50, 50]);
}

#[test]
fn in_a_log_group_are_the_lines_as_written_between_start_end_and_report() {
    let [none, one] = [0, 1].map(|lines| invocations(Logs::Text, lines, Packing::default(), 1));
    let around = logged_bytes(&none);
    // Three names, three ids, and the metrics of REPORT.
    assert!((200..300).contains(&around), "{around}");
    let line = logged_bytes(&one) - around;
    assert!((300..=430).contains(&line), "{line}");
}
