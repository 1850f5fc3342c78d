//! Sessions that wait for what other nodes are asked for.

use nostrp2p_core::{FetchTarget, Input};
use nostrp2p_protocol::Event;
use tokio::sync::oneshot;

use super::{DriverEvent, Running};
use crate::store::Propagation;

/// Answers of sessions that wait at a time: those of five programs with all their subscriptions. Others do not wait.
const MAX_WAITING: usize = 1_000;

/// Who waits until nothing of what it wants is being asked for, and what of it is on its way into the store.
#[derive(Default)]
pub(super) struct Fetches {
    waiting: Vec<(Vec<FetchTarget>, oneshot::Sender<()>)>,
    storing: usize,
}

impl Running {
    /// Has other nodes asked. `over` is dropped when there is nothing to wait for any more.
    pub(super) async fn want(&mut self, wants: Vec<FetchTarget>, over: Option<oneshot::Sender<()>>) {
        self.handle(Input::Fetch(wants.clone())).await;
        let Some(over) = over.filter(|_| self.fetches.waiting.len() < MAX_WAITING) else { return };
        self.fetches.waiting.push((wants, over));
        self.release_sessions();
    }

    /// Stores an event that another node has answered with.
    pub(super) async fn store_fetched(&mut self, event: Event) {
        self.note_time(&event).await;
        let stored = self.writer.store_one_of_many(event, Propagation::Done).await;
        self.fetches.storing += 1;
        self.tasks.push(Box::pin(async move {
            // What became of it shows in the store.
            drop(stored.await);
            DriverEvent::FetchedStored
        }));
    }

    /// An event of an answer can be read, or could not be stored.
    pub(super) fn on_fetched_stored(&mut self) {
        self.fetches.storing = self.fetches.storing.saturating_sub(1);
        self.release_sessions();
    }

    /// Lets those go on for whom there is nothing more to come, and forgets those who have gone on by themselves.
    pub(super) fn release_sessions(&mut self) {
        if self.fetches.storing == 0 {
            let core = &self.core;
            self.fetches.waiting.retain(|(wants, over)| !over.is_closed() && core.is_fetching(wants));
        }
    }
}
