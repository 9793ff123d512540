//! One snapshot and the processes that are restored from it, in controlled time.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::oneshot;

use super::wiring::{Process, from_now};
use super::*;
use crate::control::config::Initialization::SnapStart;
use crate::lambda::extensions::Next;
use kinesis_telemetry_consumer::strict::Arrived;

const RESTORED: &str = r#"[{"type":"platform.restoreStart","record":{}}]"#;

/// The stream of all environments, and the calls that it counts.
#[derive(Clone, Default)]
struct Stream {
    records: Arc<Mutex<Vec<Vec<u8>>>>,
    resets: Arc<Mutex<u32>>,
    restarts: Arc<Mutex<u32>>,
    is_down: Arc<AtomicBool>,
}

impl Stream {
    fn down() -> Self {
        Self { is_down: Arc::new(AtomicBool::new(true)), ..Self::default() }
    }
}

impl Sink for Stream {
    async fn put(&self, records: &[Record]) -> Result<Vec<Answer>, Failure> {
        if self.is_down.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        self.records.lock().unwrap().extend(records.iter().map(|it| it.data.to_vec()));
        Ok(records.iter().map(|_| Ok(())).collect())
    }

    fn reset(&self) {
        *self.resets.lock().unwrap() += 1;
    }

    fn restart(&self) {
        *self.restarts.lock().unwrap() += 1;
    }
}

/// A process. All processes start equal, as if they were copies.
struct Copy(Process);

impl Copy {
    fn start(stream: &Stream) -> Self {
        Self::start_with(stream, 1_000_000)
    }

    /// Starts a process with this many bytes of memory.
    fn start_with(stream: &Stream, bound: usize) -> Self {
        let wiring = Wiring {
            initialization: SnapStart,
            instance: "snapshot".to_owned(),
            bound,
            ..Wiring::default()
        };
        Self(wiring.start(|_| stream.clone(), none::<Stream>))
    }

    /// Runs init until the snapshot can be taken. Some telemetry arrives late.
    async fn initialise(&mut self) -> oneshot::Sender<Next> {
        self.0
            .bodies
            .post(r#"[{"type":"platform.initStart"},{"type":"function","record":"init"}]"#);
        self.0.bodies.post(r#"[{"type":"platform.initRuntimeDone","record":{}}]"#);
        let answer = self.0.asked.recv().await.unwrap();
        self.0.bodies.post(r#"[{"type":"platform.initReport","record":{}}]"#);
        tokio::time::sleep(Duration::from_secs(1)).await;
        // It is read, but no longer delivered.
        self.0.bodies.post(r#"[{"type":"function","record":"late"}]"#);
        tokio::time::sleep(Duration::from_millis(1)).await;
        answer
    }

    /// Runs an invocation with one line, from the answer of `next` to the next call.
    async fn invoke(&mut self, answer: oneshot::Sender<Next>, line: &str) -> oneshot::Sender<Next> {
        answer.send(from_now(invoke(line))).unwrap();
        self.0.bodies.post(&format!(
            r#"[{{"type":"function","record":"{line}"}},{{"type":"platform.runtimeDone","record":{{"requestId":"{line}"}}}}]"#
        ));
        self.0.asked.recv().await.unwrap()
    }

    async fn end(self, answer: oneshot::Sender<Next>) {
        answer.send(from_now(shutdown())).unwrap();
        assert!(self.0.life.await.unwrap());
    }
}

fn arrived(stream: &Stream) -> Arrived {
    Arrived::of(stream.records.lock().unwrap().iter())
}

/// Returns the events of each instance in the order of their numbers, which must be 1, 2, 3 and so on.
fn by_instance(arrived: &Arrived) -> BTreeMap<&str, Vec<&str>> {
    let mut all: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for ((instance, seq), event) in &arrived.events {
        let events = all.entry(instance).or_default();
        events.push(event);
        assert_eq!(*seq, events.len() as u64, "{instance}: {events:?}");
    }
    all
}

#[tokio::test(start_paused = true)]
async fn restored_processes_share_only_events_before_the_snapshot() {
    let stream = Stream::default();
    for n in 1..=3 {
        let mut copy = Copy::start(&stream);
        let answer = copy.initialise().await;
        // The restore may become known first by telemetry, by the answer of `next`, or by the clocks.
        match n {
            1 => copy.0.bodies.post_after(Duration::from_millis(1), RESTORED.to_owned()),
            2 => copy.0.bodies.post(RESTORED),
            _ => {
                // The machine was paused, and a line of this copy arrives first.
                clock::advance_wall(3_600.0);
                copy.0.bodies.post(r#"[{"type":"function","record":"hook"}]"#);
                copy.0.bodies.post_after(Duration::from_millis(1), RESTORED.to_owned());
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
        let answer = copy.invoke(answer, &format!("line-{n}")).await;
        copy.end(answer).await;
    }
    let arrived = arrived(&stream);
    let mut all = by_instance(&arrived);
    let before = all.remove("snapshot").unwrap();
    // These are init and its report, each with a ledger, and the late line. All copies deliver them under the same
    // numbers.
    assert_eq!((before.len(), arrived.duplicates), (7, 2 * 7), "{before:?}");
    assert!(before[4].contains("initReport") && before[6].contains("late"), "{before:?}");
    assert!(!before.iter().any(|it| it.contains("hook")), "{before:?}");
    // The copy that could not be sure has two identities.
    all.retain(|_, events| !events.iter().any(|it| it.contains("hook")));
    assert_eq!(all.len(), 3, "{:?}", all.keys());
    let lines: BTreeSet<&str> = all
        .values()
        .map(|events| {
            assert_eq!(events.len(), 4, "restoreStart, line, runtimeDone and ledger: {events:?}");
            assert_eq!(events.iter().filter(|it| it.contains("restoreStart")).count(), 1);
            assert_eq!(events.iter().filter(|it| it.contains("late")).count(), 0);
            *events.iter().find(|it| it.contains("line-")).unwrap()
        })
        .collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert_eq!(*stream.restarts.lock().unwrap(), 4, "each copy connects anew");
    assert!(*stream.resets.lock().unwrap() >= 3, "no connection is part of a snapshot");
}

#[tokio::test(start_paused = true)]
async fn a_line_that_mentions_a_restore_causes_none() {
    let stream = Stream::default();
    let mut copy = Copy::start(&stream);
    let answer = copy.initialise().await;
    copy.0.bodies.post(r#"[{"type":"function","record":"platform.restoreStart"}]"#);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(*stream.restarts.lock().unwrap(), 0);
    let answer = copy.invoke(answer, "line").await;
    copy.end(answer).await;
    let arrived = arrived(&stream);
    assert!(by_instance(&arrived)["snapshot"].iter().any(|it| it.contains("restoreStart")));
}

#[tokio::test(start_paused = true)]
async fn a_late_end_of_init_is_awaited_for_one_flush_at_most() {
    let stream = Stream::default();
    let mut copy = Copy::start(&stream);
    copy.0.bodies.post(r#"[{"type":"platform.initStart"}]"#);
    let start = Instant::now();
    copy.0.asked.recv().await.unwrap();
    assert_eq!(start.elapsed(), Duration::from_secs(1));
    assert_eq!(by_instance(&arrived(&stream))["snapshot"].len(), 2, "the event and a ledger");
}

#[tokio::test(start_paused = true)]
async fn an_unreachable_stream_does_not_prevent_a_snapshot() {
    let stream = Stream::down();
    let mut copy = Copy::start(&stream);
    let start = Instant::now();
    let answer = copy.initialise().await;
    assert!(start.elapsed() <= Duration::from_secs(3), "{:?}", start.elapsed());
    drop(answer);
}

#[tokio::test(start_paused = true)]
async fn an_init_within_an_invocation_is_not_delayed() {
    let stream = Stream::default();
    let mut copy = Copy::start(&stream);
    copy.0.bodies.post(r#"[{"type":"platform.initStart","record":{"phase":"invoke"}}]"#);
    let start = Instant::now();
    copy.0.asked.recv().await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn events_discarded_before_a_snapshot_are_reported() {
    let stream = Stream::down();
    let mut copy = Copy::start_with(&stream, 20_000);
    let answer = copy.initialise().await;
    let line = format!(r#"[{{"type":"function","record":"{}"}}]"#, "x".repeat(900));
    for _ in 0..50 {
        copy.0.bodies.post(&line);
    }
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert!(stream.records.lock().unwrap().is_empty());
    stream.is_down.store(false, Ordering::Relaxed);
    let answer = copy.invoke(answer, "line").await;
    copy.end(answer).await;
    let arrived = arrived(&stream);
    let is_told = |event: &&String| {
        event.contains(r#""instance":"snapshot""#) && !event.contains(r#""shedRanges":[]"#)
    };
    assert!(arrived.events.values().any(|it| is_told(&it)), "{:?}", arrived.events.keys());
}
