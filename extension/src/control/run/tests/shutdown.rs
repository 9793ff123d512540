//! Dead letters during invocations and at the end, in controlled time.

use std::sync::atomic::{AtomicU32, Ordering};

use super::wiring::{MakeSink, Process, from_now};
use super::*;
use crate::buffer::queue::Destination;
use crate::buffer::spill::SpillSettings;
use crate::event::Source;
use crate::pack::Scope;
use crate::pack::sink::Decision;
use crate::pack::sink::Trouble;

/// The result of every request.
#[derive(Clone, Copy)]
enum Fate {
    Taken,
    Silence,
    Failed(Decision),
}

/// A sink with a fixed result that counts its requests.
struct Fated(Fate, Arc<AtomicU32>);

impl Sink for Fated {
    async fn put(&self, records: &[Record]) -> Result<Vec<Answer>, Failure> {
        self.1.fetch_add(1, Ordering::Relaxed);
        match self.0 {
            Fate::Taken => Ok(records.iter().map(|_| Ok(())).collect()),
            Fate::Silence => std::future::pending().await,
            Fate::Failed(decision) => {
                Err(Failure { decision, trouble: Trouble::new("no").with("never") })
            }
        }
    }

    fn reset(&self) {}
}

/// An answer of `next` after this many milliseconds.
type Answered = (u64, Next);

/// A process, its stream and its dead-letter queue.
struct Life {
    queue: Arc<Mutex<Queue>>,
    bodies: Bodies,
    letters: Arc<AtomicU32>,
    /// The times at which it called `next`.
    nexts: Arc<Mutex<Vec<Instant>>>,
    ended: tokio::task::JoinHandle<bool>,
    tmp: tempfile::TempDir,
}

impl Life {
    /// Starts a process with these answers of `next`.
    fn begin(
        bound: usize,
        (stream, letters): (Fate, Fate),
        answers: Vec<Answered>,
        prepare: impl FnOnce(&mut Queue),
    ) -> Self {
        let tmp = tempfile::tempdir().unwrap();
        let settings = SpillSettings::new(tmp.path().to_owned(), 10_000_000);
        let wiring = Wiring { bound, spill: Some(settings), ..Wiring::default() };
        let count = Arc::new(AtomicU32::new(0));
        let counted = count.clone();
        let make = move || Fated(letters, counted.clone());
        let Process { mut asked, bodies, queue, life, .. } = wiring
            .start(|_| Fated(stream, Arc::default()), |_| Some(Box::new(make) as MakeSink<Fated>));
        prepare(&mut queue.lock().unwrap());
        let nexts = Arc::new(Mutex::new(Vec::new()));
        let noted = nexts.clone();
        tokio::spawn(async move {
            let mut answers = answers.into_iter();
            // The last call stays unanswered.
            let mut unanswered = Vec::new();
            while let Some(call) = asked.recv().await {
                noted.lock().unwrap().push(Instant::now());
                match answers.next() {
                    Some((delay, answer)) => {
                        tokio::time::sleep(Duration::from_millis(delay)).await;
                        call.send(from_now(answer)).unwrap();
                    }
                    None => unanswered.push(call),
                }
            }
        });
        Self { queue, bodies, letters: count, nexts, ended: life, tmp }
    }

    /// Waits until `next` was called this often.
    async fn until_next(&self, count: usize) {
        let called = async {
            while self.nexts.lock().unwrap().len() < count {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let minute = Duration::from_mins(1);
        tokio::time::timeout(minute, called).await.expect("it calls next in time");
    }
}

/// Returns an event with this text, as the process would number it.
fn event(text: &str, seq: u64) -> crate::event::Event {
    Source::new("orders", "1", "i").identify(text, seq, None, std::time::Instant::now())
}

/// Queues an event that the stream has rejected for good.
fn refuse_one(queue: &mut Queue) {
    let now = std::time::Instant::now();
    queue.push([event(r#"{"record":"x"}"#, 1)]);
    let request = queue.request(Destination::Stream, Scope::All, 1, now);
    assert_eq!(queue.give_up(&request), 1);
}

fn invocation(number: usize) -> Answered {
    (10, invoke_with(3_000, &format!("r-{number}")))
}

#[tokio::test(start_paused = true)]
async fn an_unresponsive_queue_hardly_delays_invocations() {
    let fates = (Fate::Taken, Fate::Silence);
    let life = Life::begin(1_000_000, fates, (0..10).map(invocation).collect(), refuse_one);
    for number in 0..10 {
        life.until_next(number + 1).await;
        tokio::time::sleep(Duration::from_millis(30)).await;
        let request = format!("r-{number}");
        life.bodies.post(&line_and_done("a line", &request));
    }
    life.until_next(11).await;
    let nexts = life.nexts.lock().unwrap().clone();
    let all = *nexts.last().unwrap() - nexts[0];
    // Ten invocations take some 30 ms each, and the queue a quarter of one flush.
    assert!(all < Duration::from_millis(800), "{all:?}");
    assert!(life.letters.load(Ordering::Relaxed) > 0);
    life.ended.abort();
}

#[tokio::test(start_paused = true)]
async fn telemetry_that_arrives_during_dead_letters_is_counted() {
    let fates = (Fate::Silence, Fate::Silence);
    let life = Life::begin(1_000_000, fates, vec![(10, shutdown())], |_| ());
    life.bodies.post(r#"[{"type":"function","record":"a line"}]"#);
    let report = r#"[{"type":"platform.report","record":{}}]"#;
    life.bodies.post_after(Duration::from_millis(1_500), report.to_owned());
    assert!(life.ended.await.unwrap());
    let queue = life.queue.lock().unwrap();
    assert_eq!((queue.ledger.received, queue.ledger.shed.end), (2, 3), "the line and the ledger");
}

#[tokio::test(start_paused = true)]
async fn memory_full_of_rejected_records_causes_no_busy_loop() {
    let fates = (Fate::Taken, Fate::Failed(Decision::Configuration));
    let life = Life::begin(10_000, fates, vec![invocation(0)], |queue| {
        let text = format!(r#"{{"record":"{}"}}"#, "x".repeat(900));
        let now = std::time::Instant::now();
        let mut seq = 0;
        let mut spilled = 0;
        while spilled == 0 {
            seq += 1;
            spilled += queue.push([event(&text, seq)]).spilled;
        }
        loop {
            let request = queue.request(Destination::Stream, Scope::All, 1, now);
            if request.records.is_empty() || queue.spilled() == 0 {
                break;
            }
            queue.give_up(&request);
        }
    });
    life.until_next(1).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let letters = life.letters.load(Ordering::Relaxed);
    assert!(letters < 10, "{letters} requests in a third of a second");
    life.ended.abort();
}

/// Runs ten invocations of half a second. Returns the number of files.
async fn ten_invocations(life: &Life) -> usize {
    for number in 0..10 {
        life.until_next(number + 1).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        let request = format!("r-{number}");
        life.bodies.post(&line_and_done("a line", &request));
    }
    life.until_next(11).await;
    std::fs::read_dir(life.tmp.path()).unwrap().count()
}

#[tokio::test(start_paused = true)]
async fn a_kill_loses_at_most_a_second_while_the_breaker_is_open() {
    let fates = (Fate::Failed(Decision::Configuration), Fate::Taken);
    let life = Life::begin(1_000_000, fates, (0..10).map(invocation).collect(), |_| ());
    assert_eq!(ten_invocations(&life).await, 1);
    life.ended.abort();
    let held = life.queue.lock().unwrap().held();
    drop(life.ended.await);
    let wiring = Wiring { instance: "next".to_owned(), ..Wiring::default() };
    let settings = SpillSettings::new(life.tmp.path(), 10_000_000);
    let spill = Some(settings);
    drop(life.queue);
    let Process { queue, life, .. } = Wiring { spill, ..wiring }
        .start(|_| Fated(Fate::Taken, Arc::default()), |_| None::<MakeSink<Fated>>);
    let adopted = queue.lock().unwrap().ledger.adopted;
    // At most the events of two invocations of half a second are missing, two events each.
    assert!(adopted >= held - 4 && adopted >= 16, "{adopted} of {held}");
    life.abort();
}

#[tokio::test(start_paused = true)]
async fn no_file_is_written_while_kinesis_accepts_records() {
    let fates = (Fate::Taken, Fate::Taken);
    let life = Life::begin(1_000_000, fates, (0..10).map(invocation).collect(), |_| ());
    assert_eq!(ten_invocations(&life).await, 0);
    life.ended.abort();
}
