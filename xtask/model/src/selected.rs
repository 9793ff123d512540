//! Computes the cost of a million invocations if the log lines of most of them are not delivered.

use std::fmt::Write as _;

use extension_spec::variable;

use crate::flow::selected;
use crate::lambda_time::Overhead;
use crate::life::live;
use crate::million::{COMPRESSIONS, Cost, INVOCATIONS, PAUSE};
use crate::numbers::quantity;
use crate::price::Prices;
use crate::usage::Usage;

/// The lines that an invocation logs.
const LINES: usize = 10;
/// One in this many invocations fails.
const FAILING: usize = 100;
/// Values of `SAMPLE`.
const SAMPLES: [&str; 2] = ["1", "0.05"];
/// A value of `KEEP`. Typical functions log an error in each tenth line, also where they succeed.
const KEEP: &str = "failed";

/// Returns a table by `SAMPLE` and `COMPRESSION`.
pub(crate) fn table(overhead: &Overhead, prices: &Prices) -> String {
    let mut table = "\
| `SAMPLE` | `COMPRESSION` | events of an invocation | records | GB in | on demand | each reader | provisioned |
| --- | --- | --- | --- | --- | --- | --- | --- |
"
    .to_owned();
    for sample in SAMPLES {
        for compression in COMPRESSIONS {
            let set = [
                (variable::SAMPLE, sample),
                (variable::KEEP, KEEP),
                (variable::COMPRESSION, compression),
            ];
            let config = extension_spec::load(set).config;
            let life = live(&selected(&config, LINES, INVOCATIONS, FAILING), &config, PAUSE);
            // What Lambda writes to CloudWatch Logs does not depend on the extension's settings.
            let usage = Usage::of_a_million(&life, 0);
            let Cost { on_demand, out, provisioned, .. } = Cost::new(&usage, overhead, prices);
            #[expect(clippy::cast_precision_loss, reason = "a life has few events")]
            let events = life.sent.events as f64 / life.invocations as f64;
            let Usage { records, gb_in, .. } = usage;
            writeln!(
                table,
                "| {sample} | `{compression}` | {} | {records:.0} | {gb_in:.2} | {on_demand:.3} | {out:.3} | {provisioned:.3} |",
                quantity(events)
            )
            .expect("a string takes all");
        }
    }
    table
}
