//! The state of each function and its instances: events go in, rows come out. Pure; time is a value.

mod forgotten;
mod instance;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use kinesis_telemetry_consumer::Event;

use super::facts::{Facts, Memory};
use super::lag::{Histogram, Lag};
use super::once::Once;
use super::rates::Rate;
use super::row::{Counts, Row, higher};
use forgotten::Forgotten;
use instance::Instance;

/// Time without events after which an instance is forgotten, in milliseconds. Its counts stay with its function.
const FORGOTTEN_MS: i64 = 15 * 60 * 1_000;
/// Largest number of instances. Beyond it, those that have been idle for longest are forgotten.
const INSTANCES: usize = 20_000;
/// Largest number of functions without instances that are kept.
const FUNCTIONS: usize = 1_000;
/// Time for which a number may be late, in milliseconds. Retries and other shards may still deliver it.
const SETTLE_MS: i64 = 10_000;

/// The functions of a stream.
#[derive(Debug)]
pub(super) struct Model {
    /// Beginning of the period, in milliseconds since 1970. Events that were created later are read.
    start_ms: i64,
    /// Beginning of the period for rates: the first arrival, if that is earlier because clocks differ.
    rates_from_ms: i64,
    /// The time up to which all records were read.
    read_to_ms: i64,
    /// Period over which rates are computed.
    period: Duration,
    functions: BTreeMap<String, Function>,
    instances: usize,
    forgotten: Forgotten,
    once: Once,
    unreadable: u64,
}

#[derive(Debug)]
struct Function {
    instances: HashMap<String, Instance>,
    rate: Rate,
    lag: Lag,
    latest_ms: i64,
    /// Sum of the counts of forgotten instances.
    counts: Counts,
    memory: Option<Memory>,
}

impl Model {
    /// Returns a model of a period that begins at `start_ms`, with rates over `period`.
    pub(super) fn new(start_ms: i64, period: Duration) -> Self {
        Self {
            start_ms,
            rates_from_ms: start_ms,
            read_to_ms: start_ms,
            period,
            functions: BTreeMap::new(),
            instances: 0,
            forgotten: Forgotten::default(),
            once: Once::default(),
            unreadable: 0,
        }
    }

    /// Adds an event whose record arrived at `at_ms`.
    pub(super) fn add(&mut self, event: &Event, at_ms: i64) {
        self.rates_from_ms = self.rates_from_ms.min(at_ms);
        let name = event.source.function.as_deref().unwrap_or_default();
        if !self.functions.contains_key(name) {
            self.functions.insert(name.to_owned(), Function::new(self.period));
        }
        let Some(function) = self.functions.get_mut(name) else { return };
        if !function.instances.contains_key(&event.source.instance) {
            let mut instance = Instance::new(self.period, at_ms);
            // The ledgers count from the start of the instance, so its totals move back from the function.
            if let Some(totals) = self.forgotten.take(name, &event.source.instance) {
                totals.take_from(&mut function.counts);
                instance.resume(totals);
            }
            function.instances.insert(event.source.instance.clone(), instance);
            self.instances += 1;
        }
        let Some(instance) = function.instances.get_mut(&event.source.instance) else { return };
        let bytes = event.text.len() as u64 + 1;
        function.rate.add(at_ms, bytes);
        instance.rate.add(at_ms, bytes);
        if let Some(created_ms) = event.time_ms {
            function.lag.add(created_ms, at_ms);
            instance.lag.add(created_ms, at_ms);
        }
        function.latest_ms = function.latest_ms.max(at_ms);
        let is_of_period = event.time_ms.is_some_and(|created_ms| created_ms >= self.start_ms);
        instance.add(event, at_ms, is_of_period);
        instance.learn(event, Facts::of(event), &mut self.once);
        if self.instances > INSTANCES {
            self.forget_longest_idle();
        }
    }

    /// Counts a line that is not an event.
    pub(super) fn add_unreadable(&mut self) {
        self.unreadable = self.unreadable.saturating_add(1);
    }

    /// Returns the number of lines that are not events.
    pub(super) fn unreadable(&self) -> u64 {
        self.unreadable
    }

    /// Notes that all records up to `read_to_ms` were read, and forgets instances without events.
    pub(super) fn read_to(&mut self, read_to_ms: i64) {
        self.read_to_ms = read_to_ms;
        self.forget(read_to_ms.saturating_sub(FORGOTTEN_MS));
    }

    /// Returns a row for each function, in the order of their names.
    pub(super) fn functions(&self) -> Vec<Row> {
        let rows = self.functions.iter().map(|(name, function)| {
            let mut row = Row {
                name: name.clone(),
                counts: function.counts,
                memory: function.memory,
                ..Row::default()
            };
            for instance in function.instances.values() {
                row.counts += instance.counts(self.settled_ms());
                row.memory = higher(row.memory, instance.memory);
            }
            row.instances = function.instances.len();
            row.rate = function.rate.per_second(self.rates_from_ms, self.read_to_ms);
            row.lag = function.lag.of_minute(self.read_to_ms).percentiles();
            row.idle_ms = self.idle_ms(function.latest_ms);
            row
        });
        rows.collect()
    }

    /// Returns a row for each instance of a function.
    pub(super) fn instances_of(&self, function: &str) -> Vec<Row> {
        let instances = self.functions.get(function).into_iter().flat_map(|it| &it.instances);
        let rows = instances.map(|(name, instance)| Row {
            name: name.clone(),
            instances: 1,
            rate: instance.rate.per_second(self.rates_from_ms, self.read_to_ms),
            lag: instance.lag.of_minute(self.read_to_ms).percentiles(),
            counts: instance.counts(self.settled_ms()),
            memory: instance.memory,
            idle_ms: self.idle_ms(instance.latest_ms),
        });
        rows.collect()
    }

    /// Returns the sum of the rows of all functions.
    pub(super) fn total(&self, functions: &[Row]) -> Row {
        let mut total = Row::default();
        for row in functions {
            total.add(row);
        }
        let mut lags = Histogram::default();
        for function in self.functions.values() {
            lags.merge(&function.lag.of_minute(self.read_to_ms));
        }
        total.lag = lags.percentiles();
        total
    }

    fn idle_ms(&self, latest_ms: i64) -> u64 {
        self.read_to_ms.saturating_sub(latest_ms).max(0).unsigned_abs()
    }

    fn settled_ms(&self) -> i64 {
        self.read_to_ms.saturating_sub(SETTLE_MS)
    }

    /// Forgets instances without events since `before_ms`.
    fn forget(&mut self, before_ms: i64) {
        // Their gaps will not be filled.
        for (name, function) in &mut self.functions {
            let Function { instances, counts, memory, .. } = function;
            for (id, instance) in instances.extract_if(|_, it| it.latest_ms < before_ms) {
                *counts += instance.counts(i64::MAX);
                *memory = higher(*memory, instance.memory);
                self.instances -= 1;
                self.forgotten.add(name, id, instance.into_totals());
            }
        }
        if self.functions.len() > FUNCTIONS {
            self.functions.retain(|_, function| !function.instances.is_empty());
            self.forgotten.retain(|name| self.functions.contains_key(name));
        }
    }

    /// Forgets a tenth of the instances.
    fn forget_longest_idle(&mut self) {
        let instances = self.functions.values().flat_map(|it| it.instances.values());
        let mut latest: Vec<i64> = instances.map(|it| it.latest_ms).collect();
        let tenth = latest.len() / 10;
        let (_, &mut before_ms, _) = latest.select_nth_unstable(tenth);
        // If all have the same time, one more millisecond forgets them all, so the limit always holds.
        self.forget(before_ms.saturating_add(1));
    }
}

impl Function {
    fn new(period: Duration) -> Self {
        Self {
            instances: HashMap::new(),
            rate: Rate::over(period),
            lag: Lag::new(),
            latest_ms: i64::MIN,
            counts: Counts::default(),
            memory: None,
        }
    }
}

#[cfg(test)]
mod tests;
