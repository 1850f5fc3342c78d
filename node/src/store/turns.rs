//! Who reads the store first: the owner, then everybody else, two at a time.
//!
//! A read of the owner never waits here. A read for others begins when fewer than [`MAX_FOR_OTHERS`] are under way, and
//! stands still while the owner reads or publishes, though not for longer than [`PATIENCE`] in all.

use std::{
    cell::Cell,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Reads for others that are under way at a time: a phone has more cores than that, and the owner needs one.
const MAX_FOR_OTHERS: usize = 2;
/// How long one read for others stands still for the owner in all. Its asker waits for 20 s.
const PATIENCE: Duration = Duration::from_secs(2);

/// Hands out turns. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Turns(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    others: Arc<Semaphore>,
    owners: Mutex<usize>,
    idle: Condvar,
    rows: AtomicU64,
}

/// The owner reads or publishes until this is dropped.
#[derive(Debug)]
pub(crate) struct OwnersTurn(Arc<Inner>);

/// Somebody else reads until this is dropped.
#[derive(Debug)]
pub(crate) struct OthersTurn {
    inner: Arc<Inner>,
    patience: Cell<Duration>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Turns {
    pub(super) fn new() -> Self {
        let others = Arc::new(Semaphore::new(MAX_FOR_OTHERS));
        Self(Arc::new(Inner { others, owners: Mutex::new(0), idle: Condvar::new(), rows: AtomicU64::new(0) }))
    }

    /// The owner's turn, which is always now.
    pub(crate) fn owner(&self) -> OwnersTurn {
        *self.0.owners.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        OwnersTurn(Arc::clone(&self.0))
    }

    /// The next turn of those that others have. Cancel-safe.
    pub(crate) async fn others(&self) -> OthersTurn {
        // The semaphore is never closed, so there is always a permit.
        let permit = Arc::clone(&self.0.others).acquire_owned().await.ok();
        OthersTurn { inner: Arc::clone(&self.0), patience: Cell::new(PATIENCE), _permit: permit }
    }

    /// Rows that were read for others since the start.
    pub(crate) fn rows_for_others(&self) -> u64 {
        self.0.rows.load(Ordering::Relaxed)
    }
}

impl OthersTurn {
    /// Stands still while it is the owner's turn. Blocks.
    pub(super) fn give_way(&self) {
        let mut owners = self.inner.owners.lock().unwrap_or_else(PoisonError::into_inner);
        while *owners > 0 && !self.patience.get().is_zero() {
            let begun = Instant::now();
            let waited = self.inner.idle.wait_timeout(owners, self.patience.get());
            owners = waited.unwrap_or_else(PoisonError::into_inner).0;
            self.patience.set(self.patience.get().saturating_sub(begun.elapsed()));
        }
    }

    /// Counts rows that were read.
    pub(super) fn count(&self, rows: usize) {
        self.inner.rows.fetch_add(u64::try_from(rows).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

impl Drop for OwnersTurn {
    fn drop(&mut self) {
        let mut owners = self.0.owners.lock().unwrap_or_else(PoisonError::into_inner);
        *owners = owners.saturating_sub(1);
        if *owners == 0 {
            self.0.idle.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn two_read_for_others_at_a_time() {
        let turns = Turns::new();
        let (first, _second) = (turns.others().await, turns.others().await);
        assert!(turns.others().now_or_never().is_none());
        let _owner = turns.owner();
        drop(first);
        assert!(turns.others().now_or_never().is_some());
    }

    #[tokio::test]
    async fn others_stand_still_while_the_owner_reads() {
        let turns = Turns::new();
        let other = turns.others().await;
        other.give_way();
        assert_eq!(other.patience.get(), PATIENCE, "nobody else reads");
        let (owner, also) = (turns.owner(), turns.owner());
        let waiting = std::thread::spawn(move || {
            other.give_way();
            other
        });
        drop(owner);
        drop(also);
        let other = waiting.join().unwrap();
        let left = other.patience.get();
        assert!(!left.is_zero(), "it went on when the owner had read, not when its patience ended");
        let _for_long = turns.owner();
        other.give_way();
        assert!(other.patience.get().is_zero(), "it waits for two seconds and no more");
    }
}
