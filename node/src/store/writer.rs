//! The one thread that writes.
//!
//! It takes whatever has gathered while the last commit was under way and commits it together: nobody waits
//! longer than one commit for the next, and a flood costs one commit for a thousand events.
//!
//! What nobody waits for came from others, who still have it, and need not be on the disk at once: everybody reads it as
//! soon as it is committed, but it becomes durable together with the next write that somebody waits for, or after
//! [`SETTLE_WITHIN`]. So however much is heard, the disk is written to once in that time. What a crash undoes so is
//! fetched again from neighbours, under other sequence numbers: the old ones were reserved.

mod commit;
mod replies;

use std::{
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use nostrp2p_core::{DeliveryKey, DeliveryState, Propagation, Stored};
use nostrp2p_protocol::{Event, PublicKey};
use nostrp2p_runtime::{StoreReply, StoreWrite};
use tokio::{
    runtime::Runtime,
    sync::{
        mpsc::{self, error::TrySendError},
        oneshot, watch,
    },
};

use super::{
    MetaWrite, Retention, StoreProgress,
    compaction::Idle,
    deleting,
    disk::Disk,
    outage::Outages,
    retention::{SWEEP_EVERY, SWEEP_ROWS},
    rows::NewestRows,
    sweep::SweepPosition,
    write::Finished,
};
use commit::{Memory, Work, close, commit};
use replies::{answer, fail, refuse};

/// Writes that may wait for the thread. A full queue makes the sender wait.
const QUEUE: usize = 2_048;
/// Writes that are committed together at most, so that a commit stays below about 100 ms.
pub(super) const GROUP: usize = 2_000;
const _: () = assert!(SWEEP_ROWS >= 2 * GROUP, "a sweep looks at more than can have come since the last one");
/// When so many writes for which nobody waits are there at once, more are on their way. A commit copies each page that it
/// touches, so it is worth waiting for them: the thread then needs 39 us for an event instead of 53 (docs/measurements.md).
const MANY: usize = 32;
/// How long they are waited for.
const GATHER_WITHIN: Duration = Duration::from_millis(200);
/// How often is looked meanwhile, so that a write for which somebody waits does not wait with them.
const GATHER_STEP: Duration = Duration::from_millis(5);
/// Rows that go from memory into their table in a commit that does nothing else: some 20 ms.
const MOVED_WHILE_IDLE: usize = 10_000;
/// After so long at the latest everything is durable: a power cut costs what neighbours have told in this time.
const SETTLE_WITHIN: Duration = Duration::from_secs(5);
/// Commits for which somebody waits and that leave deletions aside, before one goes on with them all the same.
const HASTY_COMMITS: u32 = 16;
/// Old events are looked for, too, when so many bytes have come of others: of large events that is after far fewer.
const SWEEP_BYTES: u64 = 16 * 1024 * 1024;
/// Where less is kept of others, one part of so many of that.
const SWEEP_PART: u64 = 16;

/// A run of at least this time is noted at its end.
const NOTE_RUN_AFTER: Duration = Duration::from_secs(600);

/// By which the writer says how it goes. They end with it.
pub(super) struct Reports {
    pub(super) progress: watch::Sender<StoreProgress>,
    /// Why nothing can be written, while that is so.
    pub(super) failure: watch::Sender<Option<String>>,
}

enum Write {
    Event(Event, StoreReply, Propagation),
    Sent(u64),
    Delivery(DeliveryKey, DeliveryState),
    MetaWrite(MetaWrite),
    Owner(PublicKey, oneshot::Sender<Result<(), String>>),
    Settle(oneshot::Sender<Result<(), String>>),
    #[cfg(test)]
    Panic,
}

impl Write {
    /// Whether somebody waits until it is durable.
    const fn is_urgent(&self) -> bool {
        matches!(self, Self::Event(_, StoreReply::Durable(_), _) | Self::Owner(..) | Self::Settle(_))
    }

    /// Whether somebody waits for it.
    const fn is_awaited(&self) -> bool {
        self.is_urgent() || matches!(self, Self::Event(_, StoreReply::Readable(_), _))
    }
}

/// The sending side of the writer thread. Dropping it writes what is still queued and ends the thread.
pub struct Writer {
    queue: mpsc::Sender<Write>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(database: Arc<Disk>, retention: Retention, idle: Idle, reports: Reports) -> Self {
        let (queue, writes) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new().name("store writer".into());
        let thread = thread.spawn(move || run(&database, (retention, idle), &reports, writes));
        let thread = thread.expect("a node without threads cannot begin");
        Self { queue, thread: Some(thread) }
    }

    /// The way of the runtime to the thread. All clones must be gone before the writer is closed.
    pub(crate) fn queue(&self) -> WriteQueue {
        WriteQueue(self.queue.clone())
    }

    /// Stores an event that nobody waits for, durably within five seconds. Waits while the queue is full.
    pub async fn store(&self, event: Event, propagation: Propagation) {
        if self.queue.send(Write::Event(event, StoreReply::Nobody, propagation)).await.is_err() {
            tracing::error!("the store's writer has stopped; an event was lost");
        }
    }

    /// Stores an event; the answer comes when it is durable. Waits while the queue is full.
    pub async fn commit(&self, event: Event, propagation: Propagation) -> oneshot::Receiver<Stored> {
        let (reply, answer) = oneshot::channel();
        // When the thread is gone the reply is dropped, which the receiver sees.
        drop(self.queue.send(Write::Event(event, StoreReply::Durable(reply), propagation)).await);
        answer
    }

    /// Stores one of many events; the answer comes when it can be read, and [`Writer::settle`] makes all of them durable.
    /// Waits while the queue is full.
    pub async fn store_one_of_many(
        &self,
        event: Event,
        propagation: Propagation,
    ) -> oneshot::Receiver<Stored> {
        let (reply, answer) = oneshot::channel();
        drop(self.queue.send(Write::Event(event, StoreReply::Readable(reply), propagation)).await);
        answer
    }

    /// Makes everything durable that was handed over before.
    ///
    /// # Errors
    /// One sentence for the log when it could not be written.
    pub async fn settle(&self) -> Result<(), String> {
        let (reply, answer) = oneshot::channel();
        drop(self.queue.send(Write::Settle(reply)).await);
        answer.await.unwrap_or_else(|_| Err("the store's writer has stopped".to_owned()))
    }

    /// Notes that the event with this sequence number has reached another node. Waits while the queue is full.
    pub async fn sent(&self, sequence: u64) {
        // When the thread is gone the event is sent once more later, which does no harm.
        drop(self.queue.send(Write::Sent(sequence)).await);
    }

    /// Writes down how far a delivery has come. Waits while the queue is full.
    pub async fn record(&self, address: DeliveryKey, row: DeliveryState) {
        // When the thread is gone the delivery is tried once more later, which does no harm.
        drop(self.queue.send(Write::Delivery(address, row)).await);
    }

    /// Writes a note down, after everything that was handed over before. Waits while the queue is full.
    pub async fn note(&self, note: MetaWrite) {
        // When the thread is gone a marker stands where it was, and an own node is asked once more; neither does harm.
        drop(self.queue.send(Write::MetaWrite(note)).await);
    }

    /// Makes somebody the owner, durably.
    ///
    /// # Errors
    /// One sentence for the log when it could not be written.
    pub async fn set_owner(&self, owner: PublicKey) -> Result<(), String> {
        let (reply, answer) = oneshot::channel();
        drop(self.queue.send(Write::Owner(owner, reply)).await);
        answer.await.unwrap_or_else(|_| Err("the store's writer has stopped".to_owned()))
    }

    /// [`Writer::store`] for a thread that may block.
    pub(super) fn store_blocking(&self, event: Event, propagation: Propagation) {
        if self.queue.blocking_send(Write::Event(event, StoreReply::Nobody, propagation)).is_err() {
            tracing::error!("the store's writer has stopped; an event was lost");
        }
    }

    /// [`Writer::set_owner`] for a thread that may block.
    pub(super) fn set_owner_blocking(&self, owner: PublicKey) -> Result<(), String> {
        let (reply, answer) = oneshot::channel();
        drop(self.queue.blocking_send(Write::Owner(owner, reply)));
        answer.blocking_recv().unwrap_or_else(|_| Err("the store's writer has stopped".to_owned()))
    }

    /// Makes the thread panic, as a fault in it would.
    #[cfg(test)]
    pub(crate) fn break_for_test(&self) {
        assert!(self.queue.try_send(Write::Panic).is_ok(), "there is room");
    }

    /// Writes what is still queued, then ends the thread. Blocks until that is done, as dropping it does.
    pub fn close(self) {}
}

/// Hands writes to the thread without waiting for it.
#[derive(Clone)]
pub(crate) struct WriteQueue(mpsc::Sender<Write>);

impl WriteQueue {
    /// Takes a write, or gives it back when the queue is full. When the thread is gone it is lost, and whoever waits for it
    /// sees that.
    pub(crate) fn offer(&self, write: StoreWrite<MetaWrite>) -> Option<StoreWrite<MetaWrite>> {
        match self.0.try_reserve() {
            Ok(room) => room.send(write.into()),
            Err(TrySendError::Full(())) => return Some(write),
            Err(TrySendError::Closed(())) => {
                tracing::error!("the store's writer has stopped; a write was lost")
            }
        }
        None
    }

    /// Waits until there is room; when the thread is gone there is, for nothing is kept any more.
    pub(crate) async fn room(&self) {
        drop(self.0.reserve().await);
    }
}

impl From<StoreWrite<MetaWrite>> for Write {
    fn from(write: StoreWrite<MetaWrite>) -> Self {
        match write {
            StoreWrite::Event(event, propagation, reply) => Self::Event(event, reply, propagation),
            StoreWrite::Sent(sequence) => Self::Sent(sequence),
            StoreWrite::Delivery(delivery, state) => Self::Delivery(delivery, state),
            StoreWrite::OwnNode(peer, cursor) => Self::MetaWrite(MetaWrite::OwnNode(peer, cursor)),
            StoreWrite::Revoked(event) => Self::MetaWrite(MetaWrite::Revoked(event)),
            StoreWrite::NotRevoked(person, peer) => Self::MetaWrite(MetaWrite::NotRevoked(person, peer)),
            StoreWrite::Owner(owner, reply) => Self::Owner(owner, reply),
            StoreWrite::Note(note) => Self::MetaWrite(note),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let (closed, _) = mpsc::channel(1);
        self.queue = closed;
        if let Some(Err(_panic)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!("the store's writer had stopped with a panic");
        }
    }
}

fn run(
    database: &Disk,
    (retention, idle): (Retention, Idle),
    Reports { progress, failure }: &Reports,
    mut writes: mpsc::Receiver<Write>,
) {
    let mut group = Vec::new();
    let (mut swept, mut swept_bytes) = (0, 0);
    let mut place = SweepPosition::default();
    let mut memory = Memory::default();
    let mut outages = Outages::new();
    let clock = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let clock = clock.expect("a thread without a clock cannot begin");
    // When what is not durable yet has to be.
    let mut settle_at: Option<Instant> = None;
    let started = Instant::now();
    // The last run may have left some.
    let mut deletions = Deletions {
        under_way: database.begin_read().is_ok_and(|read| deleting::is_under_way(&read)),
        left_aside: 0,
    };
    // It may have been killed before it moved its newest rows.
    let mut rows = database.newest_rows();
    let mut written = rows != NewestRows::InTable;
    let mut quiet_at = (rows != NewestRows::InTable).then(|| Instant::now() + idle.after);
    // A run that found its disk full begins with waiting for room.
    let mut outage = failure.borrow().clone();
    loop {
        if let Some(reason) = outage.take() {
            // Whoever hears the no may read at once, so it is said when reading works again.
            let say_no = || {
                fail(group.drain(..), &reason);
                refuse(&mut writes, &reason)
            };
            let Some(done) = outages.sit_out(database, say_no) else { return };
            failure.send_replace(None);
            progress.send_if_modified(|progress| std::mem::replace(progress, done) != done);
        }
        let busy = deletions.under_way || rows == NewestRows::Moving;
        let wake_at = if busy { Some(Instant::now()) } else { settle_at.or(quiet_at) };
        let Ok(first) = next(&clock, &mut writes, wake_at) else { break };
        let quiet = first.is_none() && settle_at.is_none() && !busy;
        let long_quiet = quiet && quiet_at.take_if(|at| *at <= Instant::now()).is_some();
        if long_quiet && rows == NewestRows::InTable {
            database.give_back(&progress.borrow().usage, idle.worthwhile);
            continue;
        }
        quiet_at = Some(Instant::now() + idle.after);
        group.extend(first);
        gather(&mut writes, &mut group);
        let so_far = *progress.borrow();
        let enough_bytes = SWEEP_BYTES.min(retention.others_limit(&so_far.usage) / SWEEP_PART);
        let sweep = swept == 0
            || so_far.newest.saturating_sub(swept) >= SWEEP_EVERY
            || so_far.usage.others_bytes.saturating_sub(swept_bytes) > enough_bytes;
        written = true;
        let settles = group.is_empty() && settle_at.is_some_and(|at| at <= Instant::now());
        let urgent = settles || group.iter().any(Write::is_urgent);
        let going_on = deletions.take_turn(&group);
        let moves = group.is_empty() && (rows == NewestRows::Moving || long_quiet);
        let moved = if moves { MOVED_WHILE_IDLE } else { 0 };
        let work = Work { urgent, retention, sweep: sweep.then_some(&mut place), going_on, moved };
        match commit(database, &group, work, &mut memory) {
            Ok((Finished { progress: done, durable, deleting, rows: waiting }, inserted)) => {
                (deletions.under_way, rows) = (deleting, waiting);
                settle_at = (!durable).then(|| settle_at.unwrap_or_else(|| Instant::now() + SETTLE_WITHIN));
                if sweep {
                    (swept, swept_bytes) = (done.newest.max(1), done.usage.others_bytes);
                }
                swept_bytes = swept_bytes.min(done.usage.others_bytes);
                failure.send_if_modified(|failure| failure.take().is_some());
                progress.send_if_modified(|progress| std::mem::replace(progress, done) != done);
                answer(group.drain(..), inserted);
            }
            Err(error) => {
                tracing::error!(%error, events = group.len(), "the store could not write");
                let reason = error.to_string();
                failure.send_replace(Some(reason.clone()));
                settle_at = None;
                outage = Some(reason);
            }
        }
    }
    // A node that has written nothing notes how long it has run, so that the next start does not doubt its clock.
    let long = started.elapsed() >= NOTE_RUN_AFTER;
    if (written || long)
        && database.check_file().is_ok()
        && let Err(error) = close(database)
    {
        tracing::error!(%error, "the store could not write its end; what came last is fetched again");
    }
}

/// Deletions that are not carried out yet.
struct Deletions {
    under_way: bool,
    /// Commits in a row that left them aside.
    left_aside: u32,
}

impl Deletions {
    /// Whether a commit of this group goes on with them: rather not when somebody waits for it.
    fn take_turn(&mut self, group: &[Write]) -> bool {
        if !self.under_way {
            return false;
        }
        let hasty = group.iter().any(Write::is_awaited) && self.left_aside < HASTY_COMMITS;
        self.left_aside = if hasty { self.left_aside + 1 } else { 0 };
        !hasty
    }
}

/// Nobody is left who would write.
struct Closed;

/// Waits for the next write; None when it is time to make durable what was written.
fn next(
    clock: &Runtime,
    writes: &mut mpsc::Receiver<Write>,
    settle_at: Option<Instant>,
) -> Result<Option<Write>, Closed> {
    let Some(settle_at) = settle_at else { return writes.blocking_recv().map(Some).ok_or(Closed) };
    if settle_at <= Instant::now() {
        return Ok(None);
    }
    match clock.block_on(async { tokio::time::timeout_at(settle_at.into(), writes.recv()).await }) {
        Ok(write) => write.map(Some).ok_or(Closed),
        Err(_) => Ok(None),
    }
}

/// Takes what is there into the group, and if that is much for which nobody waits, also what comes a little later.
fn gather(writes: &mut mpsc::Receiver<Write>, group: &mut Vec<Write>) {
    let until = Instant::now() + GATHER_WITHIN;
    loop {
        let before = group.len();
        while group.len() < GROUP {
            match writes.try_recv() {
                Ok(write) => group.push(write),
                Err(mpsc::error::TryRecvError::Empty) => break,
                Err(mpsc::error::TryRecvError::Disconnected) => return,
            }
        }
        let hurry = group.iter().skip(before.saturating_sub(1)).any(Write::is_awaited);
        if hurry || !(MANY..GROUP).contains(&group.len()) || Instant::now() >= until {
            return;
        }
        std::thread::sleep(GATHER_STEP);
    }
}
