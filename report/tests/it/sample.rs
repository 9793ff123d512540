//! A reproducible report about invented invocations. Some of its names and log lines are hostile on purpose.

use std::collections::BTreeMap;

use kinesis_telemetry_report::{Instance, Invocation, Line, Outcome, Report, Setting};

/// Text that tries to escape from every place in which the page shows it.
pub(crate) const HOSTILE: &str = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"> \
                           \u{1b}[31mred\u{1b}[0m \u{202e}reversed\u{2028}'\"&amp; {{data}}";
/// The start of the sample: 2026-08-09T12:00:00Z.
const BEGIN: i64 = 1_786_276_800_000;

/// The behaviour of a function in the sample.
struct Function {
    name: &'static str,
    /// Its usual duration in milliseconds.
    usual: f64,
    init: f64,
    memory: u64,
    /// One in this many invocations fails.
    failing: u64,
    /// Its share of all invocations, in sixteenths.
    share: u64,
    errors: &'static [(&'static str, Outcome)],
}

const FUNCTIONS: [Function; 4] = [
    Function {
        name: "orders-api",
        usual: 46.0,
        init: 412.0,
        memory: 512,
        failing: 70,
        share: 8,
        errors: &[("OutOfStockError", Outcome::Failure), ("TypeError", Outcome::Failure)],
    },
    Function {
        name: "payments-webhook",
        usual: 210.0,
        init: 890.0,
        memory: 1024,
        failing: 25,
        share: 4,
        errors: &[("PaymentGatewayError", Outcome::Failure), ("Runtime.ExitError", Outcome::Error)],
    },
    Function {
        name: "thumbnailer",
        usual: 1_350.0,
        init: 1_240.0,
        memory: 2048,
        failing: 18,
        share: 3,
        errors: &[("Sandbox.Timedout", Outcome::Timeout), ("Runtime.OutOfMemory", Outcome::Error)],
    },
    Function {
        name: "nightly-export",
        usual: 6_200.0,
        init: 640.0,
        memory: 1769,
        failing: 9,
        share: 1,
        errors: &[(HOSTILE, Outcome::Failure)],
    },
];

/// Returns a report about this many invocations.
pub(crate) fn report(invocations: usize) -> Report {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let mut report = Report {
        title: "Telemetry of the order system".to_owned(),
        source: "telemetry-prod".to_owned(),
        from_ms: BEGIN,
        to_ms: BEGIN + whole(range(invocations)),
        ..Report::default()
    };
    for function in &FUNCTIONS {
        let share = u64::try_from(invocations).unwrap_or(u64::MAX) * function.share / 16;
        // The first function gets the remainder of the division.
        let rest = if function.share == 8 {
            u64::try_from(invocations).unwrap_or_default()
                - FUNCTIONS
                    .iter()
                    .map(|it| u64::try_from(invocations).unwrap_or_default() * it.share / 16)
                    .sum::<u64>()
        } else {
            0
        };
        add(&mut report, range(invocations), function, share + rest, &mut random);
    }
    report.invocations.sort_by_key(|it| it.start_ms);
    counts(&mut report);
    for function in &FUNCTIONS {
        for (name, value) in [
            ("envelope", if function.share == 3 { "minimal" } else { "full" }),
            ("log format", if function.share == 8 { "JSON" } else { "text" }),
            ("labels", if function.share == 1 { HOSTILE } else { "team=shop, stage=prod" }),
        ] {
            report.settings.push(Setting {
                function: function.name.to_owned(),
                name: name.to_owned(),
                value: value.to_owned(),
            });
        }
    }
    report
}

/// Returns the time in milliseconds in which this many invocations begin, at most an hour.
fn range(invocations: usize) -> f64 {
    f64::from(u32::try_from(invocations).unwrap_or(u32::MAX).clamp(50, 3_000)) * 1_200.0
}

/// Adds the invocations of a function, and the instances in which they run one after the other.
fn add(
    report: &mut Report,
    range: f64,
    function: &Function,
    invocations: u64,
    random: &mut Random,
) {
    if invocations == 0 {
        return;
    }
    let instances = (invocations / 14).clamp(1, 40);
    for index in 0..instances {
        let own = invocations / instances + u64::from(index < invocations % instances);
        let name = format!("{:08x}", random.next() >> 32);
        let span = range * (0.45 + 0.4 * random.share());
        let first = (range - span) * random.share() * 0.95;
        let mut instance = Instance {
            name: if index == 7 { format!("{name}{HOSTILE}") } else { name },
            function: function.name.to_owned(),
            first: 1,
            has_ledger: index % 9 != 5,
            ..Instance::default()
        };
        let mut at = first;
        for number in 0..own {
            let mut invocation = invocation(function, number == 0, random);
            invocation.instance.clone_from(&instance.name);
            invocation.start_ms = BEGIN + whole(at);
            at += 40.0
                + invocation.duration_ms.unwrap_or_default()
                + invocation.extension_ms.unwrap_or_default();
            #[expect(clippy::cast_precision_loss)] // A sample has few invocations.
            let pause = span / own as f64;
            at += (pause - function.usual).max(0.0) * 2.0 * random.share();
            instance.last += invocation.events;
            report.invocations.push(invocation);
        }
        instance.events = instance.last;
        gaps(&mut instance, index, random);
        report.instances.push(instance);
    }
}

/// Removes events of a few instances, with and without an explanation.
fn gaps(instance: &mut Instance, index: u64, random: &mut Random) {
    let last = instance.last;
    if index % 11 == 3 && last > 30 {
        let first = last / 3;
        instance.missing =
            vec![(first, first + 4), (last / 2, last / 2), (last * 2 / 3, last * 2 / 3 + 3)];
        instance.explained = vec![(last * 2 / 3, last * 2 / 3 + 3)];
        instance.shed = 4;
        instance.events -= 10;
    }
    if index % 4 == 1 {
        instance.sampled_out = random.next() % 400;
    }
    instance.duplicates = u64::from(index % 6 == 2) * 3;
}

fn invocation(function: &Function, is_cold: bool, random: &mut Random) -> Invocation {
    let slow = if random.one_in(40) { 5.0 } else { 1.0 };
    let mut duration =
        function.usual * (0.55 + random.share() * random.share() * 1.6) * slow + random.share();
    let mut invocation = Invocation {
        function: function.name.to_owned(),
        version: Some("42".to_owned()),
        request_id: id(random),
        init_ms: is_cold.then(|| function.init * (0.85 + 0.5 * random.share())),
        extension_ms: Some(0.4 + random.share() * if random.one_in(12) { 90.0 } else { 4.0 }),
        memory_mb: Some(function.memory),
        max_memory_mb: Some(function.memory / 3 + random.next() % (function.memory / 4)),
        lag_ms: Some(8 + whole(random.share() * 60.0 * if random.one_in(25) { 60.0 } else { 1.0 })),
        outcome: Outcome::Success,
        events: 4 + random.next() % 9,
        ..Invocation::default()
    };
    if random.one_in(function.failing) {
        let (error, outcome) =
            function.errors[usize::from(random.one_in(2)) % function.errors.len()];
        invocation.outcome = outcome;
        invocation.error_type = Some(error.to_owned());
        if outcome == Outcome::Timeout {
            duration = 10_000.0;
        }
        invocation.lines = lines(error, random);
    } else if random.one_in(300) {
        invocation.outcome = Outcome::Unknown;
        invocation.extension_ms = None;
        return invocation;
    }
    invocation.duration_ms = Some(duration);
    invocation.billed_ms = Some((duration + invocation.init_ms.unwrap_or_default()).ceil());
    invocation
}

fn lines(error: &str, random: &mut Random) -> Vec<Line> {
    let line = |level: &str, text: String| Line {
        time_ms: Some(BEGIN + 1_000),
        level: Some(level.to_owned()),
        text,
    };
    let order = random.next() % 100_000;
    vec![
        line("INFO", format!("processing order {order} for customer {}", random.next() % 9_000)),
        line("WARN", "retrying the call to inventory.internal (attempt 2 of 3)".to_owned()),
        line(
            "ERROR",
            format!(
                "{error}: cannot complete order {order}\n    at complete (/var/task/src/orders.js:118:13)\n    \
                 at async handler (/var/task/src/index.js:42:18)\n    at async Runtime.handleOnceStreaming \
                 (file:///var/runtime/index.mjs:1206:29)"
            ),
        ),
        Line {
            text: "{\"orderId\":\"東京-17\",\"total\":\"€ 81.20\"}".to_owned(),
            ..Line::default()
        },
    ]
}

/// Counts events by type and records by format, as a stream with these invocations would hold them.
fn counts(report: &mut Report) {
    let all = report.invocations.len() as u64;
    let events: u64 = report.instances.iter().map(|it| it.events).sum();
    let cold = report.invocations.iter().filter(|it| it.init_ms.is_some()).count() as u64;
    report.records = events / 9;
    report.bytes = events * 412;
    if all == 0 {
        return;
    }
    report.types = BTreeMap::from([
        ("platform.start".to_owned(), all),
        ("platform.runtimeDone".to_owned(), all),
        ("platform.report".to_owned(), all),
        ("platform.initStart".to_owned(), cold),
        ("platform.initReport".to_owned(), cold),
        ("function".to_owned(), events.saturating_sub(3 * all + 2 * cold)),
    ]);
    report.formats = BTreeMap::from([
        ("ndjson+gzip".to_owned(), report.records * 7 / 10),
        ("ndjson".to_owned(), report.records / 5),
        ("kpl".to_owned(), report.records / 10),
    ]);
}

/// Returns an ID in the form of Lambda's.
fn id(random: &mut Random) -> String {
    let (high, low) = (random.next(), random.next());
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 52,
        low & 0xffff_ffff_ffff
    )
}

#[expect(clippy::cast_possible_truncation)] // Times within an hour.
fn whole(ms: f64) -> i64 {
    ms.round() as i64
}

/// A reproducible generator of random numbers (xorshift64*).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Returns a number from 0 to 1.
    #[expect(clippy::cast_precision_loss)] // 32 bits are enough.
    fn share(&mut self) -> f64 {
        (self.next() >> 32) as f64 / f64::from(u32::MAX)
    }

    fn one_in(&mut self, number: u64) -> bool {
        self.next() >> 20 & 0xffff_ffff < 0xffff_ffff / number
    }
}
