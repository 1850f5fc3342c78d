//! A bounded number of slots for connections; when it is full, an idle connection is closed for a new one.
//!
//! Without that, an attacker who opens connections and says nothing (slow-loris) would keep everybody else waiting
//! until a deadline.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// How long a connection that is asked to close may take; a new one would not wait for longer.
const GOING: Duration = Duration::from_secs(3);

/// The places. Clones share them.
#[derive(Clone)]
pub(crate) struct ConnectionSlots {
    free: Arc<Semaphore>,
    idle: Arc<Mutex<Idle>>,
}

/// The idle holders, the longest idle first, each with the signal that asks it to close.
#[derive(Default)]
struct Idle {
    next: u64,
    waiting: BTreeMap<u64, Arc<Notify>>,
}

/// A place that is taken until this is dropped. It begins idle.
pub(crate) struct Slot {
    _permit: OwnedSemaphorePermit,
    seat: SlotHandle,
}

/// By this the holder of a slot reports whether it is busy. Clones are the same holder.
#[derive(Clone)]
pub(crate) struct SlotHandle {
    idle: Arc<Mutex<Idle>>,
    number: Arc<Mutex<Option<u64>>>,
    leave: Arc<Notify>,
}

impl ConnectionSlots {
    pub(crate) fn new(count: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(count)), idle: Arc::default() }
    }

    /// How many are free.
    pub(crate) fn left(&self) -> usize {
        self.free.available_permits()
    }

    /// Whether all are taken.
    pub(crate) fn full(&self) -> bool {
        self.left() == 0
    }

    /// Takes a slot. When there is none, asks the longest idle holder to close; waits while all are busy.
    /// Cancel-safe, except that a holder may already have been asked to close.
    pub(crate) async fn take(&self) -> Slot {
        if self.full() {
            self.send_one_away();
        }
        self.free_one().await
    }

    /// As [`ConnectionSlots::take`], but None when everybody is at work, or who is sent away does not go.
    pub(crate) async fn take_soon(&self) -> Option<Slot> {
        if self.full() && !self.send_one_away() {
            return None;
        }
        timeout(GOING, self.free_one()).await.ok()
    }

    async fn free_one(&self) -> Slot {
        // The semaphore is never closed.
        let permit = Arc::clone(&self.free).acquire_owned().await.expect("never closed");
        let seat = SlotHandle { idle: Arc::clone(&self.idle), number: Arc::default(), leave: Arc::default() };
        seat.rest();
        Slot { _permit: permit, seat }
    }

    /// Waits until all `count` places are free.
    pub(crate) async fn all_free(&self, count: u32) {
        drop(self.free.acquire_many(count).await);
    }

    /// Asks the longest idle holder to close; returns whether there was one.
    pub(crate) fn send_one_away(&self) -> bool {
        let longest = lock(&self.idle).waiting.pop_first();
        longest.map(|(_, leave)| leave.notify_one()).is_some()
    }
}

impl Slot {
    pub(crate) fn seat(&self) -> &SlotHandle {
        &self.seat
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.seat.work();
    }
}

impl SlotHandle {
    /// From now on it does nothing: it may be sent away.
    pub(crate) fn rest(&self) {
        let mut number = lock(&self.number);
        let mut idle = lock(&self.idle);
        idle.next += 1;
        let next = idle.next;
        idle.waiting.insert(next, Arc::clone(&self.leave));
        if let Some(before) = number.replace(next) {
            idle.waiting.remove(&before);
        }
    }

    /// From now on it is at work: it stays.
    pub(crate) fn work(&self) {
        if let Some(before) = lock(&self.number).take() {
            lock(&self.idle).waiting.remove(&before);
        }
    }

    /// Completes when the holder is asked to close. Cancel-safe.
    pub(crate) async fn sent_away(&self) {
        self.leave.notified().await;
    }
}

/// After a panic the list is still correct.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn the_longest_idle_makes_room_and_who_works_stays() {
        let places = ConnectionSlots::new(3);
        let worker = places.take().await;
        worker.seat().work();
        let first = places.take().await;
        let second = places.take().await;
        // The first one has asked something meanwhile, so the second has been idle for longer.
        first.seat().work();
        first.seat().rest();
        assert!(places.take().now_or_never().is_none());
        assert!(second.seat().sent_away().now_or_never().is_some());
        for stays in [&worker, &first] {
            assert!(stays.seat().sent_away().now_or_never().is_none());
        }
        drop(second);
        let third = places.take().await;
        assert!(third.seat().sent_away().now_or_never().is_none());
        drop((worker, first, third));
        places.all_free(3).await;
        assert!(lock(&places.idle).waiting.is_empty());
    }

    #[tokio::test]
    async fn when_everybody_works_the_next_waits() {
        let places = ConnectionSlots::new(1);
        let worker = places.take().await;
        worker.seat().work();
        assert!(places.take().now_or_never().is_none());
        drop(worker);
        places.take().await;
    }

    #[tokio::test]
    async fn who_will_not_wait_gets_a_place_of_an_idle_one_or_none() {
        let places = ConnectionSlots::new(1);
        let idle = places.take().await;
        let (newcomer, ()) = tokio::join!(places.take_soon(), async {
            idle.seat().sent_away().await;
            drop(idle);
        });
        let newcomer = newcomer.unwrap();
        newcomer.seat().work();
        assert!(places.take_soon().await.is_none(), "everybody is at work");
    }
}
