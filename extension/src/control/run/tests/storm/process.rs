//! A process of a storm: the real loop, queue, dispatcher and file under its service.

use super::*;

/// The other end of a process: answers its `next`, posts its telemetry.
pub(super) struct Process {
    pub(super) asked: tokio::sync::mpsc::UnboundedReceiver<oneshot::Sender<Next>>,
    pub(super) bodies: Bodies,
    pub(super) queue: Arc<Mutex<Queue>>,
    pub(super) life: tokio::task::JoinHandle<bool>,
    pub(super) waiting: Option<oneshot::Sender<Next>>,
}

impl Process {
    /// Starts a process in the environment of this storm.
    pub(super) fn start(storm: &Storm, variables: &[(&str, String)]) -> Self {
        Self::start_as(OnDemand, storm, variables)
    }

    pub(super) fn start_as(
        initialization: Initialization,
        storm: &Storm,
        variables: &[(&str, String)],
    ) -> Self {
        let named =
            variables.iter().map(|(name, value)| (format!("KINESIS_TELEMETRY_{name}"), value));
        let config = extension_spec::load(named).config;
        let instance = crate::base::random::new_instance();
        let source = Source::new("orders", "1", &instance);
        let memory = Arc::new(MemoryBudget::new(BOUND));
        let limits = Limits { request_bytes: 8_000, ..Limits::new(&config, BOUND) };
        let packing = Packing::new(&config);
        let packer = Packer::new(limits, packing, source.clone().in_envelope(packing.envelope));
        let spill = SpillSettings { folder: storm.tmp.clone(), max_bytes: 30_000 };
        let mut queue = Queue::new(packer, memory.clone())
            .with_partition_keys(PartitionKeys::new(config.partition_key))
            .with_spill(spill);
        if storm.letters.is_some() {
            queue = queue.with_dead_letters();
        }
        let (_, problems) = queue.adopt();
        assert_eq!(problems, [""; 0]);
        let queue = Arc::new(Mutex::new(queue));
        let stream = Stream::new(storm.service.clone(), memory.clone(), BOUND);
        let dead_letters = storm.letters.clone().map(|service| {
            let memory = memory.clone();
            let make = move || {
                let sink = Stream::new(service.clone(), memory.clone(), BOUND);
                async move { sink }
            };
            DeadLetters::new(queue.clone(), make)
        });
        let service = storm.service.clone();
        let (ask, asked) = unbounded_channel();
        let (sender, received) = unbounded_channel();
        let asking: PollNext = Box::new(move || {
            assert_eq!(service.in_flight(), 0, "requests in flight when next is called");
            let (answer, answered) = oneshot::channel();
            ask.send(answer).unwrap();
            Box::pin(async move { Ok(answered.await.unwrap()) })
        });
        let mut components = Components::new(
            &config,
            initialization,
            asking,
            (source, received),
            queue.clone(),
            stream,
        );
        // What is random comes from the seed of the storm.
        components.on_restore = Box::new(|| ());
        components.deadlines.buffer_timeout = Duration::from_millis(25);
        components.breaker = Breaker::new(Duration::from_secs(2));
        if let Some(letters) = dead_letters {
            components = components.with_dead_letters(letters);
        }
        let life = tokio::spawn(run(components));
        Self { asked, bodies: Bodies(sender, memory), queue, life, waiting: None }
    }

    /// Waits until it calls `next`; insists that it does in time.
    pub(super) async fn calls_next(&mut self, within: Duration) {
        let asked = tokio::time::timeout(within, self.asked.recv()).await;
        self.waiting = Some(asked.expect("it calls next in time").expect("it lives"));
    }

    pub(super) fn answer(&mut self, next: Next) {
        self.waiting.take().expect("it has called next").send(next).expect("it waits");
    }
}
