//! Worker threads that check signatures in batches, so that the pump never waits for one.

use std::{num::NonZero, panic::AssertUnwindSafe, sync::Arc, thread};

use nostrp2p_protocol::{Event, UnverifiedEvent, VerifyError};
use nostrp2p_runtime::Checked;
use tokio::sync::{Mutex, mpsc};

/// Checks that a worker takes at once and answers together: about 2 ms of work, and one waking of the driver.
const BATCH: usize = 32;
/// Room for everything that the core lets wait, so that neither side ever waits for the other.
const QUEUE: usize = 8_192;
/// More threads would only compete with the rest of the node.
const MAX_WORKERS: usize = 8;

/// The pool. Its threads end when this is dropped.
pub(crate) struct Verifier {
    work: mpsc::Sender<(u64, UnverifiedEvent)>,
    checked: mpsc::Receiver<Vec<Checked>>,
}

impl Verifier {
    /// Starts one thread for each core.
    pub(crate) fn start() -> Self {
        let workers = thread::available_parallelism().map_or(1, NonZero::get).min(MAX_WORKERS);
        let (work, inbox) = mpsc::channel(QUEUE);
        let (outbox, checked) = mpsc::channel(QUEUE);
        let inbox = Arc::new(Mutex::new(inbox));
        for _ in 0..workers {
            let (inbox, outbox) = (Arc::clone(&inbox), outbox.clone());
            let worker = thread::Builder::new().name("verifier".into());
            worker.spawn(move || run(&inbox, &outbox)).expect("a node without threads cannot begin");
        }
        Self { work, checked }
    }

    /// Hands a check in. Returns false when too much is waiting.
    pub(crate) fn check(&self, number: u64, event: UnverifiedEvent) -> bool {
        self.work.try_send((number, event)).is_ok()
    }

    /// Waits for the next finished checks. Cancel-safe.
    pub(crate) async fn checked(&mut self) -> Option<Vec<Checked>> {
        self.checked.recv().await
    }
}

/// Checks an event, in about 50 us.
///
/// A panic here would be a fault of ours, and one event must not cost the node a worker: whoever sent it may as well have
/// sent a forgery. The panic is logged where it happens.
pub(crate) fn check(event: UnverifiedEvent) -> Result<Event, VerifyError> {
    std::panic::catch_unwind(AssertUnwindSafe(|| event.verify())).unwrap_or(Err(VerifyError::Signature))
}

fn run(inbox: &Mutex<mpsc::Receiver<(u64, UnverifiedEvent)>>, outbox: &mpsc::Sender<Vec<Checked>>) {
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let received = inbox.blocking_lock().blocking_recv_many(&mut batch, BATCH);
        if received == 0 {
            return;
        }
        let checked = batch.drain(..).map(|(number, event)| (number, check(event))).collect();
        if outbox.blocking_send(checked).is_err() {
            return;
        }
    }
}
