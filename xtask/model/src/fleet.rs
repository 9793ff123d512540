//! Fleets of functions, and what they use in a month.

use std::time::Duration;

use extension_spec::variable;
use kinesis_telemetry_extension::Packing;

use crate::flow::invocations;
use crate::life::live;
use crate::logged::logged_bytes;
use crate::million::{COMPRESSIONS, Million};
use crate::numbers::quantity;
use crate::typical::Logs;
use crate::usage::{HOURS_A_MONTH, MILLION, Usage};

/// The time from one invocation of a rare function to the next.
const RARE_PAUSE: Duration = Duration::from_mins(5);
/// Invocations in the life of a rare function's environment: two hours, because Lambda replaces environments every few hours.
const RARE_INVOCATIONS: usize = 24;

/// Functions that share a stream, or an account's logs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fleet {
    pub(crate) name: &'static str,
    /// Functions with an invocation every five minutes.
    rare: f64,
    /// Functions whose environments are invoked twice a second.
    busy: f64,
    /// Millions of invocations a month of each busy function.
    busy_millions: f64,
    /// Lines that an invocation logs.
    lines: usize,
}

pub(crate) const FLEETS: [Fleet; 4] = [
    Fleet { name: "1 function", rare: 1.0, busy: 0.0, busy_millions: 0.0, lines: 10 },
    Fleet { name: "100 functions", rare: 90.0, busy: 10.0, busy_millions: 5.0, lines: 10 },
    Fleet {
        name: "10,000 functions",
        rare: 9_000.0,
        busy: 1_000.0,
        busy_millions: 10.0,
        lines: 10,
    },
    Fleet {
        name: "10,000 functions that log much",
        rare: 9_000.0,
        busy: 1_000.0,
        busy_millions: 10.0,
        lines: 100,
    },
];

/// The usage of a fleet in a month, for each value of `COMPRESSION`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Month {
    pub(crate) fleet: Fleet,
    usages: [Usage; COMPRESSIONS.len()],
}

impl Month {
    pub(crate) fn usage(&self, compression: &str) -> Usage {
        let at = COMPRESSIONS.iter().position(|it| *it == compression);
        self.usages[at.expect("a value of COMPRESSION")]
    }
}

impl Fleet {
    /// Returns a row of a table in Markdown: what the fleet consists of.
    pub(crate) fn row(&self) -> String {
        let Self { name, rare, busy, busy_millions, lines } = self;
        let [rare, busy, busy_millions] = [rare, busy, busy_millions].map(|it| quantity(*it));
        format!("| {name} | {rare} | {busy} | {busy_millions} | {lines} |\n")
    }

    /// Returns what the fleet uses in a month, by `FLUSH=adaptive`.
    fn month(self, millions: &[Million]) -> Month {
        let rare = invocations(Logs::Text, self.lines, Packing::default(), RARE_INVOCATIONS);
        let logged = logged_bytes(&rare);
        let usages = COMPRESSIONS.map(|compression| {
            let config = extension_spec::load([(variable::COMPRESSION, compression)]).config;
            let seldom = Usage::of_a_million(&live(&rare, &config, RARE_PAUSE), logged);
            let is_same = |it: &&Million| {
                it.lines == self.lines && it.compression == compression && it.flush == "adaptive"
            };
            let often = millions.iter().find(is_same).expect("every combination is there").usage;
            seldom.times(self.rare * rare_millions()) + often.times(self.busy * self.busy_millions)
        });
        Month { fleet: self, usages }
    }
}

/// Returns the millions of invocations a month of a rare function.
fn rare_millions() -> f64 {
    HOURS_A_MONTH * 3_600.0 / RARE_PAUSE.as_secs_f64() / MILLION
}

/// Returns what each fleet uses in a month. `millions` holds the invocations that come often.
pub(crate) fn months(millions: &[Million]) -> [Month; FLEETS.len()] {
    FLEETS.map(|fleet| fleet.month(millions))
}
