//! Dead letters beside a life, and at its end; in controlled time.

use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::buffer::queue::{Destination, SpillSettings};
use crate::lambda::extensions::Next;
use crate::pack::Scope;
use crate::pack::sink::Decision;

/// What becomes of every request.
#[derive(Clone, Copy)]
enum Fate {
    Taken,
    Silence,
    Failed(Decision),
}

/// A sink with one fate, that counts its requests.
struct Fated(Fate, Arc<AtomicU32>);

impl Sink for Fated {
    async fn put(&self, records: &[Record]) -> Result<Vec<Answer>, Failure> {
        self.1.fetch_add(1, Ordering::Relaxed);
        match self.0 {
            Fate::Taken => Ok(records.iter().map(|_| Ok(())).collect()),
            Fate::Silence => std::future::pending().await,
            Fate::Failed(decision) => Err(Failure { decision, message: "no: never".into() }),
        }
    }

    fn reset(&self) {}
}

/// A process, its stream and its dead-letter queue.
struct Life {
    queue: Arc<Mutex<Queue>>,
    bodies: Bodies,
    letters: Arc<AtomicU32>,
    /// When it called `next`.
    nexts: Arc<Mutex<Vec<Instant>>>,
    ended: tokio::task::JoinHandle<bool>,
    _tmp: tempfile::TempDir,
}

impl Life {
    /// `answers` are those of `next`, each after so many milliseconds and with so many left until its deadline.
    fn begin(
        bound: usize,
        (stream, letters): (Fate, Fate),
        answers: Vec<(u64, Next)>,
        prepare: impl FnOnce(&mut Queue, &Source),
    ) -> Self {
        let tmp = tempfile::tempdir().unwrap();
        let config = extension_spec::load([(variable::FLUSH, "end")]).config;
        let source = Source::new("orders", "1", "i");
        let memory = Arc::new(MemoryBudget::new(bound));
        let limits = Limits::new(&config, bound);
        let packer = Packer::new(limits, Packing::default(), source.clone());
        let settings = SpillSettings { folder: tmp.path().to_owned(), max_bytes: 10_000_000 };
        let mut queue = Queue::new(packer, memory.clone()).with_dead_letters().with_spill(settings);
        prepare(&mut queue, &source);
        let queue = Arc::new(Mutex::new(queue));
        let (sender, received) = unbounded_channel();
        let (count, nexts) = (Arc::new(AtomicU32::new(0)), Arc::new(Mutex::new(Vec::new())));
        let counted = count.clone();
        let make = move || {
            let sink = Fated(letters, counted.clone());
            async move { sink }
        };
        let (noted, answers) = (nexts.clone(), Mutex::new(VecDeque::from(answers)));
        let stream = Fated(stream, Arc::default());
        let asking: PollNext = Box::new(move || {
            noted.lock().unwrap().push(Instant::now());
            let next = answers.lock().unwrap().pop_front();
            Box::pin(async move {
                let Some((delay, mut next)) = next else { std::future::pending().await };
                tokio::time::sleep(Duration::from_millis(delay)).await;
                if let Next::Invoke { deadline_ms, .. } | Next::Shutdown { deadline_ms, .. } =
                    &mut next
                {
                    *deadline_ms += now_ms();
                }
                Ok(next)
            })
        });
        let origin = (source, received);
        let mut components =
            Components::new(&config, OnDemand, asking, origin, queue.clone(), stream)
                .with_dead_letters(DeadLetters::new(queue.clone(), make));
        components.deadlines.buffer_timeout = Duration::from_millis(25);
        components.breaker = Breaker::new(Duration::from_secs(2));
        let ended = tokio::spawn(run(components));
        let bodies = Bodies(sender, memory);
        Self { queue, bodies, letters: count, nexts, ended, _tmp: tmp }
    }

    /// Waits until `next` was called so often.
    async fn until_next(&self, count: usize) {
        while self.nexts.lock().unwrap().len() < count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// An event that the stream has refused for good.
fn refuse_one(queue: &mut Queue, source: &Source) {
    let now = std::time::Instant::now();
    queue.push([source.identify(r#"{"record":"x"}"#, 1, None, now)]);
    let request = queue.request(Destination::Stream, Scope::All, 1, now);
    assert_eq!(queue.give_up(&request), 1);
}

fn invocation(number: usize) -> (u64, Next) {
    (10, Next::Invoke { request_id: format!("r-{number}"), deadline_ms: 3_000 })
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_does_not_answer_holds_next_to_no_invocation() {
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
    // Ten invocations of some 30 ms, and a quarter of one flush.
    assert!(all < Duration::from_millis(800), "{all:?}");
    assert!(life.letters.load(Ordering::Relaxed) > 0);
    life.ended.abort();
}

#[tokio::test(start_paused = true)]
async fn telemetry_that_comes_while_dead_letters_are_tried_is_counted() {
    let shutdown = Next::Shutdown { reason: "spindown".into(), deadline_ms: 2_000 };
    let fates = (Fate::Silence, Fate::Silence);
    let life = Life::begin(1_000_000, fates, vec![(10, shutdown)], |_, _| ());
    life.bodies.post(r#"[{"type":"function","record":"a line"}]"#);
    let report = r#"[{"type":"platform.report","record":{}}]"#;
    life.bodies.post_after(Duration::from_millis(1_500), report.to_owned());
    assert!(life.ended.await.unwrap());
    let queue = life.queue.lock().unwrap();
    assert_eq!((queue.ledger.received, queue.ledger.shed.end), (2, 3), "and the ledger");
}

#[tokio::test]
async fn memory_that_is_full_of_what_no_queue_takes_makes_nobody_busy() {
    let fates = (Fate::Taken, Fate::Failed(Decision::Configuration));
    let life = Life::begin(10_000, fates, vec![invocation(0)], |queue, source| {
        let text = format!(r#"{{"record":"{}"}}"#, "x".repeat(900));
        let now = std::time::Instant::now();
        let mut seq = 0;
        let mut spilled = 0;
        while spilled == 0 {
            seq += 1;
            spilled += queue.push([source.identify(&text, seq, None, now)]).spilled;
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
