//! The store in memory as the runtime's store; it never waits and never fails.

use std::{
    future::{Future, pending},
    sync::Arc,
    time::Duration,
};

use nostrp2p_core::{
    DeliveryKey, Input, Inserted, OwnNodeCursor, Propagation, Remembered, Sharing, StoreQuery, Stored,
    SyncSet, SyncWindow,
};
use nostrp2p_protocol::{
    Delegation, Event, EventId, PeerId, PublicKey, UnsignedEvent, UnverifiedEvent,
    event_policy::{Target, references},
    rpc::{Found, OwnPage},
    sync::{self, Compared},
};
use nostrp2p_runtime::{EventStore, StoreReply, StoreWrite, Unreadable};

use tokio::time::sleep;

use crate::identity::Identity;

/// How often is looked whether there is room again.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Called with each new event, and where it comes from.
pub(crate) type OnStored = Arc<dyn Fn(&Event, &Propagation) + Send + Sync>;

/// A node's memory as the runtime's store.
#[derive(Clone)]
pub(crate) struct MemoryStore {
    identity: Arc<Identity>,
    on_stored: OnStored,
}

impl MemoryStore {
    pub(crate) fn new(identity: Arc<Identity>, on_stored: OnStored) -> Self {
        Self { identity, on_stored }
    }

    fn insert(&self, event: Event, propagation: &Propagation) -> Inserted {
        let sharing = match propagation {
            Propagation::Shared | Propagation::Ahead => Sharing::Shared,
            _ => Sharing::ByItself,
        };
        let Some(sequence) = self.identity.memory().insert(event.clone(), sharing) else {
            return Inserted::Surplus;
        };
        match propagation {
            Propagation::Ahead => self.identity.memory().note_unsent(sequence, true),
            Propagation::To(people, since) => {
                let mut memory = self.identity.memory();
                people.iter().for_each(|person| memory.begin_delivery(sequence, *person, *since));
            }
            _ => {}
        }
        (self.on_stored)(&event, propagation);
        Inserted::New(sequence)
    }
}

impl EventStore for MemoryStore {
    type Note = ();
    type Turn = ();

    fn write(&self, write: StoreWrite<()>) -> Option<StoreWrite<()>> {
        if self.identity.memory().blocked {
            return Some(write);
        }
        match write {
            StoreWrite::Event(event, propagation, reply) => {
                let stored: Stored = Ok(self.insert(event, &propagation));
                match reply {
                    StoreReply::Nobody => {}
                    StoreReply::Told(reply) | StoreReply::Readable(reply) | StoreReply::Durable(reply) => {
                        drop(reply.send(stored));
                    }
                }
            }
            StoreWrite::Sent(sequence) => self.identity.memory().note_unsent(sequence, false),
            StoreWrite::Delivery(delivery, state) => self.identity.memory().note_delivery(delivery, state),
            StoreWrite::Owner(_, reply) => drop(reply.send(Ok(()))),
            StoreWrite::OwnNode(..)
            | StoreWrite::Revoked(_)
            | StoreWrite::NotRevoked(..)
            | StoreWrite::Note(()) => {}
        }
        None
    }

    async fn room(&self) {
        while self.identity.memory().blocked {
            sleep(LOOK_EVERY).await;
        }
    }

    fn rolled_back(&self) -> impl Future<Output = ()> + Send + 'static {
        pending()
    }

    fn owners_turn(&self) {}

    fn newest(&self) -> u64 {
        self.identity.memory().newest()
    }

    async fn memory(&self, _: Option<PublicKey>) -> Vec<Input> {
        let mut inputs = vec![Input::OwnDelegation(Some(self.identity.delegation.clone()))];
        if !self.identity.old_friends.is_empty() {
            let people = self.identity.old_friends.iter().map(|person| (*person, 0)).collect();
            inputs.push(Input::Remembered(Remembered::People(0, people)));
        }
        let waiting = self.identity.memory().waiting();
        inputs.extend(
            waiting
                .into_iter()
                .map(|(delivery, state)| Input::Remembered(Remembered::Waiting(delivery, state))),
        );
        inputs
    }

    async fn own_nodes(&self) -> Vec<(PeerId, OwnNodeCursor)> {
        vec![]
    }

    async fn delegation(&self, _: PublicKey) -> Result<Option<Delegation>, Unreadable> {
        Ok(Some(self.identity.delegation.clone()))
    }

    async fn own_words(&self, _: PublicKey) -> Vec<Delegation> {
        vec![]
    }

    async fn targets(&self, unsigned: UnsignedEvent) -> Result<Vec<Target>, Unreadable> {
        Ok(self.identity.memory().named(&references(&unsigned)))
    }

    async fn event(&self, sequence: u64) -> Result<Option<Event>, Unreadable> {
        Ok(self.identity.memory().by_sequence(sequence).cloned())
    }

    async fn undelivered(&self, event: EventId) -> Vec<DeliveryKey> {
        self.identity.memory().undelivered(&event)
    }

    async fn unsent(&self) -> Vec<(u64, Event)> {
        self.identity.memory().unsent()
    }

    async fn shared(
        &self,
        window: SyncWindow,
        _statements: bool,
    ) -> Result<Option<(SyncWindow, SyncSet)>, Unreadable> {
        Ok(Some((window, SyncSet::new(self.identity.memory().shared(window)))))
    }

    async fn answer(&self, query: StoreQuery) -> Option<(Vec<u8>, usize)> {
        let answer = match query {
            StoreQuery::Compare(window, _, message, _) => {
                let set = SyncSet::new(self.identity.memory().shared(window));
                Compared { message: set.answer(&message)? }.encode()
            }
            StoreQuery::Shared(ids, _) => {
                let events = self.identity.memory().shared_events(&ids);
                sync::found(events.into_iter().map(plain)).encode()
            }
            StoreQuery::Public(filters, _) => {
                let events = self.identity.memory().public(&filters);
                Found { events: events.into_iter().map(plain).collect() }.encode()
            }
            StoreQuery::Own(owner, cursor, _) => {
                let memory = self.identity.memory();
                // A memory is as long as the run, so each node has one store.
                let (through, events) = memory.of_owner(&owner, cursor.after);
                let (store, newest) = (self.identity.seed, memory.newest());
                OwnPage { store, through, newest, events: events.into_iter().map(plain).collect() }.encode()
            }
        };
        Some((answer, 0))
    }
}

fn plain(event: Event) -> UnverifiedEvent {
    UnverifiedEvent { claimed_id: None, ..event.into() }
}
