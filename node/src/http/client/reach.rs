//! People who read on Nostr relays only and get nothing private: a mirror knows them, and no node acts for them. And
//! the relays that have an event of the owner.

use std::collections::{BTreeMap, BTreeSet};

use nostrp2p_protocol::{
    EventId, Filter, PublicKey,
    frame::{Delivery, MAX_MIRRORS, NodeFrame, RequestId},
};
use tokio::sync::oneshot;

use super::{Gone, Session, reading::refusal, stopping};
use crate::{driver::Command, store::Store};

/// Newest events of a person that are looked at: one that a relay has brought is enough.
const LOOKED_AT: u32 = 5;

impl Session {
    /// Says who of these people reads on Nostr relays only.
    pub(super) async fn on_reach(&mut self, request: RequestId, people: Vec<PublicKey>) -> Result<(), Gone> {
        let (reply, answer) = oneshot::channel();
        let people: BTreeSet<PublicKey> = people.into_iter().collect();
        drop(self.app.commands.send(Command::Strangers(people, reply)).await);
        let Ok(strangers) = answer.await else { return self.refuse(request, stopping()).await };
        match self.read(move |store, _| mirrored(store, strangers)).await {
            Ok(relay_only) => self.send(NodeFrame::Reach { request, relay_only }).await,
            Err(unread) => self.refuse(request, refusal(unread)).await,
        }
    }

    /// Says how an event of the owner stands with the relays that get it.
    pub(super) async fn on_relays(&mut self, request: RequestId, id: EventId) -> Result<(), Gone> {
        let waits = |(url, ids): (&String, &Vec<EventId>)| {
            ids.contains(&id).then(|| (url.clone(), Delivery::Waiting))
        };
        let mut states: BTreeMap<String, Delivery> =
            self.app.mirrors.addressed.borrow().iter().filter_map(waits).collect();
        match self.read(move |store, _| store.relayed(&id)).await {
            Ok(relayed) => {
                let state = |taken| if taken { Delivery::Delivered } else { Delivery::GivenUp };
                states.extend(relayed.into_iter().map(|(relay, taken)| (relay, state(taken))));
                let relays = states.into_iter().take(MAX_MIRRORS).collect();
                self.send(NodeFrame::Relays { request, relays }).await
            }
            Err(unread) => self.refuse(request, refusal(unread)).await,
        }
    }
}

/// Those of whom a mirror has brought something.
fn mirrored(store: &Store, people: BTreeSet<PublicKey>) -> Result<Vec<PublicKey>, redb::Error> {
    let mut found = Vec::new();
    for person in people {
        let filter = Filter { authors: Some([person].into()), limit: Some(LOOKED_AT), ..Filter::default() };
        let events = store.find(&[filter])?.events;
        if events.iter().any(|event| store.is_mirrored(&event.id())) {
            found.push(person);
        }
    }
    Ok(found)
}
