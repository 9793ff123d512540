use std::collections::VecDeque;

use super::*;
use crate::buffer::memory_budget::MemoryBudget;
use crate::event::Source;
use crate::pack::{Limits, Packer, Packing, Record};

const LIMITS: Limits = Limits {
    record_bytes: 400,
    target_bytes: 300,
    inflated_bytes: 1_000,
    request_bytes: 10_000,
    request_records: 500,
};
const SECOND: Duration = Duration::from_secs(1);

/// Each step answers one request. After the last step every request succeeds.
enum Script {
    Refuse(&'static [usize]),
    Fail(Decision),
    Hang,
    Panic,
}

#[derive(Default)]
struct Scripted {
    script: Mutex<VecDeque<Script>>,
    /// Requests with a larger record are rejected.
    largest: Mutex<Option<usize>>,
    /// Requests with an event of this number are rejected.
    poison: Mutex<Option<u64>>,
    taken: Mutex<Vec<Record>>,
    sizes: Mutex<Vec<usize>>,
    resets: Mutex<u32>,
}

impl Sink for Arc<Scripted> {
    async fn put(&self, records: &[Record]) -> Result<Vec<Answer>, Failure> {
        self.sizes.lock().unwrap().push(records.len());
        let largest = self.largest.lock().unwrap().unwrap_or(usize::MAX);
        let poison = self.poison.lock().unwrap().map(|seq| format!("\"seq\":{seq}}}"));
        let is_bad = |record: &Record| {
            let text = std::str::from_utf8(&record.data).unwrap();
            record.size() > largest || poison.as_deref().is_some_and(|it| text.contains(it))
        };
        if records.iter().any(is_bad) {
            let trouble = Trouble::new("InvalidArgumentException");
            return Err(Failure { decision: Decision::Shrink, trouble });
        }
        let step = self.script.lock().unwrap().pop_front();
        let refused = match step {
            None => &[][..],
            Some(Script::Refuse(indices)) => indices,
            Some(Script::Fail(decision)) => {
                return Err(Failure { decision, trouble: Trouble::new(format!("{decision:?}")) });
            }
            Some(Script::Hang) => std::future::pending().await,
            Some(Script::Panic) => panic!("a sink that panics"),
        };
        let answer = |(index, record): (usize, &Record)| {
            if refused.contains(&index) {
                let trouble = Trouble::new("ProvisionedThroughputExceededException");
                return Err(Refusal { is_throttled: true, ..Refusal::for_now(trouble) });
            }
            self.taken.lock().unwrap().push(record.clone());
            Ok(())
        };
        Ok(records.iter().enumerate().map(answer).collect())
    }

    fn reset(&self) {
        *self.resets.lock().unwrap() += 1;
    }
}

struct Bench {
    sink: Arc<Scripted>,
    queue: Arc<Mutex<Queue>>,
    dispatcher: Arc<Dispatcher<Arc<Scripted>>>,
}

impl Bench {
    /// Creates a queue of `events` events, two per record, and a sink that follows the script.
    fn new(events: u64, script: impl IntoIterator<Item = Script>) -> Self {
        let source = Source::new("orders", "$LATEST", "k3J9x0QvT2aB");
        let packer = Packer::new(LIMITS, Packing::default(), source.clone());
        let mut queue = Queue::new(packer, Arc::new(MemoryBudget::new(1_000_000)));
        let now = std::time::Instant::now();
        queue.push((1..=events).map(|seq| source.identify(r#"{"record":"x"}"#, seq, None, now)));
        let sink = Arc::new(Scripted::default());
        sink.script.lock().unwrap().extend(script);
        let queue = Arc::new(Mutex::new(queue));
        let dispatcher = Arc::new(Dispatcher::new(Route::STREAM, sink.clone(), queue.clone()));
        Self { sink, queue, dispatcher }
    }

    async fn deliver(&self, within: Duration) -> Outcome {
        let outcome = self
            .dispatcher
            .deliver(Destination::Stream, Scope::All, usize::MAX, Instant::now() + within)
            .await;
        let queue = self.queue.lock().unwrap();
        assert!(queue.ledger.balances(queue.held()), "{}", queue.ledger);
        outcome
    }

    /// Returns the numbers of the events that arrived, in order of arrival.
    fn arrived(&self) -> Vec<u64> {
        let seq = |line: &str| {
            let event: serde_json::Value = serde_json::from_str(line).unwrap();
            event["source"]["seq"].as_u64().unwrap()
        };
        let taken = self.sink.taken.lock().unwrap();
        taken
            .iter()
            .flat_map(|it| std::str::from_utf8(&it.data).unwrap().lines().map(seq))
            .collect()
    }

    fn sizes(&self) -> Vec<usize> {
        self.sink.sizes.lock().unwrap().clone()
    }
}

#[tokio::test(start_paused = true)]
async fn everything_arrives_once_without_failures() {
    let bench = Bench::new(7, []);
    assert_eq!(bench.deliver(SECOND).await, Outcome::Delivered);
    assert_eq!((bench.arrived(), bench.sizes()), ((1..=7).collect(), vec![4]));
}

#[tokio::test(start_paused = true)]
async fn only_failed_records_are_resent() {
    let bench = Bench::new(8, [Script::Refuse(&[1, 3]), Script::Refuse(&[0])]);
    assert_eq!(bench.deliver(SECOND).await, Outcome::Delivered);
    assert_eq!(bench.arrived(), [1, 2, 5, 6, 7, 8, 3, 4]);
    assert_eq!(bench.sizes(), [4, 2, 1]);
}

#[tokio::test(start_paused = true)]
async fn the_first_broken_connection_is_replaced_without_waiting() {
    let bench = Bench::new(2, [Script::Fail(Decision::Reconnect)]);
    let start = Instant::now();
    assert_eq!(bench.deliver(SECOND).await, Outcome::Delivered);
    assert_eq!((Instant::now() - start, *bench.sink.resets.lock().unwrap()), (Duration::ZERO, 1));
}

#[tokio::test(start_paused = true)]
async fn a_request_without_a_response_is_retried_on_a_new_connection() {
    let bench = Bench::new(2, [Script::Hang]);
    assert_eq!(bench.deliver(3 * SECOND).await, Outcome::Delivered);
    assert_eq!((bench.arrived(), *bench.sink.resets.lock().unwrap()), (vec![1, 2], 1));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_times_out_is_retried_with_half_the_records() {
    let bench = Bench::new(16, [Script::Hang]);
    assert_eq!(bench.deliver(SECOND).await, Outcome::Delivered);
    assert_eq!(bench.sizes(), [8, 4, 4]);
}

#[tokio::test(start_paused = true)]
async fn a_delivery_ends_at_its_deadline_and_keeps_the_rest_queued() {
    for script in [|| Script::Hang, || Script::Fail(Decision::BackOff), || Script::Refuse(&[0])] {
        let bench = Bench::new(2, std::iter::repeat_with(script).take(1_000));
        let start = Instant::now();
        assert!(matches!(bench.deliver(SECOND / 2).await, Outcome::OutOfTime(Some(_))));
        assert!(Instant::now() - start <= SECOND / 2);
        assert_eq!(bench.queue.lock().unwrap().held(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn without_time_nothing_is_sent_or_reported() {
    let bench = Bench::new(2, []);
    assert_eq!(bench.deliver(Duration::ZERO).await, Outcome::OutOfTime(None));
    assert_eq!((bench.sizes(), *bench.sink.resets.lock().unwrap()), (vec![], 0));
}

#[tokio::test(start_paused = true)]
async fn the_whole_time_is_used() {
    for _ in 0..20 {
        let bench =
            Bench::new(2, std::iter::repeat_with(|| Script::Fail(Decision::BackOff)).take(1_000));
        let start = Instant::now();
        bench.deliver(SECOND).await;
        assert!(Instant::now() - start + 2 * LAST_CHANCE >= SECOND);
    }
}

#[tokio::test(start_paused = true)]
async fn a_configuration_error_ends_only_the_current_delivery() {
    let bench = Bench::new(2, [Script::Fail(Decision::Configuration)]);
    assert!(matches!(bench.deliver(SECOND).await, Outcome::Blocked(_)));
    assert_eq!(bench.deliver(SECOND).await, Outcome::Delivered);
    assert_eq!(bench.arrived(), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn an_outdated_signature_is_renewed_once_without_waiting() {
    let bench = Bench::new(2, [Script::Fail(Decision::Sign)]);
    let start = Instant::now();
    assert_eq!(bench.deliver(SECOND).await, Outcome::Delivered);
    assert_eq!((bench.arrived(), Instant::now() - start), (vec![1, 2], Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_second_outdated_signature_in_a_row_blocks_the_flush() {
    let bench = Bench::new(2, [Script::Fail(Decision::Sign), Script::Fail(Decision::Sign)]);
    assert!(matches!(bench.deliver(SECOND).await, Outcome::Blocked(_)));
    assert_eq!((bench.sizes().len(), bench.queue.lock().unwrap().held()), (2, 2));
    assert_eq!(bench.deliver(SECOND).await, Outcome::Delivered);
}

#[tokio::test(start_paused = true)]
async fn each_freeze_within_a_flush_may_outdate_a_signature() {
    let outdated = || Script::Fail(Decision::Sign);
    let bench = Bench::new(8, [outdated(), Script::Refuse(&[1, 2, 3]), outdated()]);
    assert_eq!(bench.deliver(SECOND).await, Outcome::Delivered);
    assert_eq!(bench.arrived().len(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_too_large_is_halved_until_it_fits() {
    let script = || Script::Fail(Decision::Shrink);
    let bench = Bench::new(16, [script(), script()]);
    assert_eq!(bench.deliver(SECOND).await, Outcome::Delivered);
    assert_eq!((bench.sizes(), bench.arrived()), (vec![8, 4, 2, 6], (1..=16).collect()));
}

#[tokio::test(start_paused = true)]
async fn a_rejected_event_is_discarded_and_blocks_no_other() {
    let bench = Bench::new(9, []);
    *bench.sink.poison.lock().unwrap() = Some(4);
    assert_eq!(bench.deliver(SECOND).await, Outcome::Delivered);
    let mut arrived = bench.arrived();
    arrived.sort_unstable();
    assert_eq!(arrived, [1, 2, 3, 5, 6, 7, 8, 9]);
    let queue = bench.queue.lock().unwrap();
    assert_eq!(queue.ledger.shed.refused, 1);
    assert!(queue.ledger.shed.ranges.contains(4));
}

#[tokio::test(start_paused = true)]
async fn records_too_large_for_a_stream_are_split_without_loss() {
    let bench = Bench::new(41, []);
    *bench.sink.largest.lock().unwrap() = Some(200);
    assert_eq!(bench.deliver(SECOND).await, Outcome::Delivered);
    let mut arrived = bench.arrived();
    arrived.sort_unstable();
    assert_eq!(arrived, (1..=41).collect::<Vec<_>>());
    assert_eq!(bench.queue.lock().unwrap().ledger.shed.total(), 0);
}

#[tokio::test(start_paused = true)]
async fn rejections_after_a_success_discard_at_most_one_event() {
    let refusals = std::iter::repeat_with(|| Script::Fail(Decision::Shrink)).take(1_000);
    let but_the_first = &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19];
    let bench = Bench::new(40, std::iter::once(Script::Refuse(but_the_first)).chain(refusals));
    assert!(matches!(bench.deliver(SECOND).await, Outcome::Blocked(_)));
    let queue = bench.queue.lock().unwrap();
    assert_eq!((queue.ledger.delivered, queue.ledger.shed.refused, queue.held()), (2, 1, 37));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_rejects_every_record_loses_none() {
    let bench = Bench::new(6, std::iter::repeat_with(|| Script::Fail(Decision::Shrink)).take(100));
    assert!(matches!(bench.deliver(SECOND).await, Outcome::Blocked(_)));
    assert_eq!(bench.queue.lock().unwrap().held(), 6);
}

#[tokio::test(start_paused = true)]
async fn cancelling_at_any_moment_loses_nothing() {
    for ms in 0..60 {
        let script = [Script::Refuse(&[0, 2]), Script::Fail(Decision::BackOff), Script::Hang];
        let bench = Bench::new(8, script);
        let delivery = bench.dispatcher.deliver(
            Destination::Stream,
            Scope::All,
            usize::MAX,
            Instant::now() + SECOND,
        );
        let cut = tokio::time::timeout(Duration::from_millis(ms), delivery).await;
        assert!(cut.is_err(), "the script hangs, so the delivery was cancelled");
        while bench.deliver(SECOND).await != Outcome::Delivered {}
        let mut arrived = bench.arrived();
        arrived.sort_unstable();
        arrived.dedup();
        assert_eq!(arrived, (1..=8).collect::<Vec<_>>(), "cancelled after {ms} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn events_of_a_panicked_delivery_stay_queued() {
    let bench = Bench::new(2, [Script::Panic]);
    let dispatcher = bench.dispatcher.clone();
    let until = Instant::now() + SECOND;
    let task = tokio::spawn(async move {
        dispatcher.deliver(Destination::Stream, Scope::All, usize::MAX, until).await
    });
    assert!(task.await.unwrap_err().is_panic());
    assert_eq!(bench.deliver(SECOND).await, Outcome::Delivered);
    assert_eq!(bench.arrived(), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_doubtful_delivery_starts_with_a_small_request() {
    let bench = Bench::new(20, []);
    let outcome =
        bench.dispatcher.deliver(Destination::Stream, Scope::All, 1, Instant::now() + SECOND).await;
    assert_eq!(outcome, Outcome::Delivered);
    assert_eq!(*bench.sink.sizes.lock().unwrap(), [1, 9]);
    assert_eq!(bench.queue.lock().unwrap().acknowledged(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_rejects_every_request_is_reported() {
    let bench =
        Bench::new(100, std::iter::repeat_with(|| Script::Fail(Decision::Shrink)).take(5_000));
    for _ in 0..3 {
        let outcome = bench.deliver(SECOND).await;
        assert!(
            matches!(outcome, Outcome::Blocked(_) | Outcome::OutOfTime(Some(_))),
            "{outcome:?}"
        );
    }
    let now = Instant::now().into_std();
    let mut queue = bench.queue.lock().unwrap();
    let records = queue.request(Destination::Stream, Scope::All, 1_000, now).records;
    assert!(records.iter().all(|record| record.events == 2), "as they were packed");
}

#[tokio::test(start_paused = true)]
async fn the_number_of_remembered_problems_is_bounded() {
    let bench = Bench::new(2, []);
    for code in 0..1_000 {
        bench.dispatcher.report(&Outcome::Blocked(Trouble::new(format!("Error{code}"))));
    }
    assert_eq!(bench.dispatcher.trouble().len(), MAX_TROUBLES);
}

/// Accepts this many records per second.
struct Slow(f64, Arc<Mutex<usize>>);

impl Sink for Slow {
    async fn put(&self, records: &[Record]) -> Result<Vec<Answer>, Failure> {
        let count = u32::try_from(records.len()).unwrap();
        tokio::time::sleep(Duration::from_secs_f64(f64::from(count) / self.0)).await;
        *self.1.lock().unwrap() += records.len();
        Ok(records.iter().map(|_| Ok(())).collect())
    }

    fn reset(&self) {}
}

#[tokio::test(start_paused = true)]
async fn a_backlog_is_sent_at_the_pace_of_a_slow_link() {
    let bench = Bench::new(2_000, []);
    let taken = Arc::new(Mutex::new(0));
    let sink = Slow(20.0, taken.clone());
    let dispatcher = Dispatcher::new(Route::STREAM, sink, bench.queue.clone());
    for _ in 0..20 {
        let until = Instant::now() + SECOND;
        dispatcher.deliver(Destination::Stream, Scope::All, usize::MAX, until).await;
    }
    let taken = *taken.lock().unwrap();
    assert!(taken > 100, "{taken} records in 20 flushes, of 400 at full speed");
}
