//! Tables about fleets: what each way costs, readers, and the time that the extension adds.

use std::fmt::Write as _;

use crate::fleet::{FLEETS, Month};
use crate::lambda_time::Overhead;
use crate::million::COMPRESSIONS;
use crate::numbers::{quantity, usd};
use crate::price::{Item, Prices};
use crate::usage::{HOURS_A_MONTH, MILLION, Usage};
use crate::ways::{Bill, Class, Mode, PEAK, Way, least_gb, shards};

const LOGS: [(Class, &str); 3] = [
    (Class::Standard, "CloudWatch Logs, Standard"),
    (Class::InfrequentAccess, "CloudWatch Logs, Infrequent Access"),
    (Class::Delivery, "CloudWatch Logs, DELIVERY to S3 or Firehose"),
];
const MODES: [(Mode, &str); 3] = [
    (Mode::OnDemand, "on-demand Standard"),
    (Mode::Advantage, "on-demand Advantage"),
    (Mode::Provisioned, "provisioned"),
];

/// The cost of a month, by what a fleet uses in it.
type Cost<'a> = &'a dyn Fn(&Usage) -> f64;

/// The figures from which all tables about fleets are computed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Costs<'a> {
    pub(crate) months: &'a [Month; FLEETS.len()],
    pub(crate) overhead: &'a Overhead,
    pub(crate) prices: &'a Prices,
}

impl Costs<'_> {
    fn bill(&self, way: Way, usage: &Usage) -> Bill {
        way.bill(usage, self.overhead, self.prices)
    }

    fn total(&self, way: Way, usage: &Usage) -> f64 {
        self.bill(way, usage).total()
    }

    /// Returns a table of what the fleets consist of.
    pub(crate) fn definitions(&self) -> String {
        let rows = self.months.iter().map(|month| month.fleet.row());
        let head = "| fleet | rare functions | busy functions | million invocations of a busy function | lines |\n";
        format!("{head}| --- | --- | --- | --- | --- |\n{}", rows.collect::<String>())
    }

    /// Returns a table with one row for each fleet, and the cheapest way.
    pub(crate) fn in_short(&self) -> String {
        let mut table = "| fleet | million invocations | GB logged | CloudWatch Logs, Standard | Infrequent Access or DELIVERY | \
                         extension by default, on-demand Standard | zstd, on-demand Standard | zstd, on-demand Advantage | zstd, provisioned | cheapest |\n"
            .to_owned();
        writeln!(table, "|{}", " --- |".repeat(10)).expect("a string takes all");
        for month in self.months {
            let [none, zstd] = ["none", "zstd"].map(|compression| month.usage(compression));
            let logs = |class| self.total(Way::Logs(class), &none);
            let totals = [
                ("Standard", logs(Class::Standard)),
                (
                    "Infrequent Access or DELIVERY",
                    logs(Class::InfrequentAccess).min(logs(Class::Delivery)),
                ),
                ("by default, on-demand Standard", self.total(Way::Stream(Mode::OnDemand), &none)),
                ("zstd, on-demand Standard", self.total(Way::Stream(Mode::OnDemand), &zstd)),
                ("zstd, on-demand Advantage", self.total(Way::Stream(Mode::Advantage), &zstd)),
                ("zstd, provisioned", self.total(Way::Stream(Mode::Provisioned), &zstd)),
            ];
            let cheapest = totals.iter().min_by(|a, b| a.1.total_cmp(&b.1));
            let cheapest = cheapest.map_or("", |(name, _)| name);
            let figures = totals.map(|(_, total)| usd(total)).join(" | ");
            let (invocations, gb) = (none.invocations / MILLION, none.gb_logged);
            let name = month.fleet.name;
            writeln!(
                table,
                "| {name} | {} | {} | {figures} | {cheapest} |",
                quantity(invocations),
                quantity(gb)
            )
            .expect("a string takes all");
        }
        table
    }

    /// Returns a table for each fleet, with one row for each way.
    pub(crate) fn by_fleet(&self) -> Vec<(&'static str, String)> {
        self.months.iter().map(|month| (month.fleet.name, self.of_fleet(month))).collect()
    }

    fn of_fleet(&self, month: &Month) -> String {
        let mut table =
            "| way | GB billed | data | fixed | one reader | Lambda time | a month |\n".to_owned();
        writeln!(table, "|{}", " --- |".repeat(7)).expect("a string takes all");
        let mut row = |name: &str, gb: f64, bill: Bill| {
            let Bill { data, fixed, reader, lambda } = bill;
            let figures = [data, fixed, reader, lambda, bill.total()].map(usd).join(" | ");
            writeln!(table, "| {name} | {} | {figures} |", quantity(gb))
                .expect("a string takes all");
        };
        let none = month.usage("none");
        for (class, name) in LOGS {
            row(name, none.gb_logged, self.bill(Way::Logs(class), &none));
        }
        for (mode, mode_name) in MODES {
            for compression in COMPRESSIONS {
                let usage = month.usage(compression);
                let mut name = format!("extension, `{compression}`, {mode_name}");
                if mode == Mode::Provisioned {
                    let shards = shards(&usage);
                    let plural = if shards > 1.0 { "s" } else { "" };
                    write!(name, ", {} shard{plural}", quantity(shards))
                        .expect("a string takes all");
                }
                row(&name, usage.gb_in, self.bill(Way::Stream(mode), &usage));
            }
        }
        let zstd = month.usage("zstd");
        let reader = self.prices.cost(Item::Firehose, zstd.gb_firehose);
        let into_s3 = Bill { reader, ..self.bill(Way::Stream(Mode::Provisioned), &zstd) };
        row("the last one, read by Firehose into S3", zstd.gb_in, into_s3);
        table
    }

    /// Returns a table of how the share of held invocations decides, with zstd in a provisioned stream.
    pub(crate) fn if_all_were_held(&self) -> String {
        let rows = self.months.iter().map(|month| {
            let zstd = month.usage("zstd");
            let lambda = |held| {
                let usage = Usage { held, ..zstd };
                self.prices.cost(Item::Duration, usage.gb_seconds(self.overhead))
            };
            let [none, some, all] = [0.0, zstd.held, zstd.invocations].map(lambda);
            let stream = self.total(Way::Stream(Mode::Provisioned), &zstd) - some;
            let logs = LOGS.map(|(class, _)| self.total(Way::Logs(class), &zstd));
            let cheapest = logs.into_iter().fold(f64::INFINITY, f64::min);
            let share = (cheapest - stream - none) / (all - none);
            let up_to = match share {
                ..0.0 => "never".to_owned(),
                1.0.. => "always".to_owned(),
                _ => format!("up to {:.0} %", share * 100.0),
            };
            let name = month.fleet.name;
            let held = zstd.held / zstd.invocations * 100.0;
            format!("| {name} | {held:.1} % | {} | {} | {up_to} |\n", usd(some), usd(all))
        });
        let head = "| fleet | held | Lambda time | Lambda time if all are held | cheaper than each class of logs |\n";
        format!("{head}| --- | --- | --- | --- | --- |\n{}", rows.collect::<String>())
    }

    /// Returns a table of readers: what each further one costs a fleet a month, with zstd.
    pub(crate) fn readers(&self) -> String {
        let names = self.months.map(|month| month.fleet.name).join(" | ");
        let mut table = format!(
            "| reader, with `zstd` | {names} |\n|{}\n",
            " --- |".repeat(self.months.len() + 1)
        );
        let cost = |item| move |usage: &Usage| self.prices.cost(item, usage.gb_in);
        let fan_out = |usage: &Usage| {
            let hours = shards(usage) * HOURS_A_MONTH;
            self.prices.cost(Item::FanOutHour, hours) + self.prices.cost(Item::FanOut, usage.gb_in)
        };
        let firehose = |usage: &Usage| self.prices.cost(Item::Firehose, usage.gb_firehose);
        let readers: [(&str, Cost<'_>); 8] = [
            ("polling, on-demand Standard", &cost(Item::StandardOut)),
            ("enhanced fan-out, on-demand Standard", &cost(Item::StandardFanOut)),
            ("either of them, on-demand Advantage beyond its minimum", &cost(Item::AdvantageOut)),
            ("polling, provisioned", &|_| 0.0),
            ("enhanced fan-out, provisioned", &fan_out),
            ("Firehose, in addition to polling", &firehose),
            ("Kinesis's own delivery to S3, on-demand Standard", &cost(Item::StandardToS3)),
            ("Kinesis's own delivery to S3, on-demand Advantage", &cost(Item::AdvantageToS3)),
        ];
        for (name, cost) in readers {
            let figures = self.months.map(|month| usd(cost(&month.usage("zstd")))).join(" | ");
            writeln!(table, "| {name} | {figures} |").expect("a string takes all");
        }
        table
    }

    /// Returns a table of the time that the extension adds, with its price for a million times.
    pub(crate) fn added_time(&self) -> String {
        let held_for = self.months[0].usage("none").held_for;
        let Overhead { invocation, start, shutdown, held } = *self.overhead;
        let rows = [
            ("an invocation that is held", "model of [flushing](flushing.md)", held_for),
            ("the same", "[measured](performance.md)", held),
            ("an invocation that is not held", "[measured](performance.md)", invocation),
            ("the start of an environment", "[measured](performance.md)", start),
            ("the end of an environment", "[measured](performance.md)", shutdown),
        ];
        let rows = rows.map(|(name, from, time)| {
            let held =
                Usage { held: MILLION, held_for: time, invocations: MILLION, ..Usage::default() };
            let price = self.prices.cost(Item::Duration, held.gb_seconds(self.overhead));
            let ms = time.as_secs_f64() * 1_000.0;
            format!("| {name} | {from} | {ms:.2} | {price:.3} |\n")
        });
        let head = "| what | from | added, ms | a million times |\n";
        format!("{head}| --- | --- | --- | --- |\n{}", rows.concat())
    }

    /// Returns sentences about what the fleets assume.
    pub(crate) fn assumptions(&self) -> String {
        let least = least_gb();
        let minimum = self.prices.cost(Item::AdvantageIn, least)
            + self.prices.cost(Item::AdvantageOut, least);
        let standard =
            self.prices.cost(Item::StandardIn, 1.0) + self.prices.cost(Item::StandardOut, 1.0);
        format!(
            "A provisioned stream has shards for {PEAK} times the average load. Under Advantage an account pays in a region for at least \
             {} GB in and as many out, which is {} a month. With one reader that is less than on-demand Standard from {} GB a month on.\n",
            quantity(least),
            usd(minimum),
            quantity(minimum / standard)
        )
    }
}
