//! A relay of the rest of Nostr, by the library of others: what mirrors talk to.

use std::net::Ipv4Addr;

use nostr_relay_builder::{LocalRelay, RelayBuilder};
use nostr_sdk::prelude::{
    Event as SdkEvent, Filter, JsonUtil, MemoryDatabase, MemoryDatabaseOptions, NostrDatabase,
};
use nostrp2p_protocol::Event;

use crate::{free_port, until};

/// Someone else's relay in memory. Its events outlive a restart.
#[derive(Debug)]
pub struct ForeignRelay {
    database: MemoryDatabase,
    port: u16,
    relay: LocalRelay,
}

impl ForeignRelay {
    /// Starts one without events.
    ///
    /// # Panics
    /// When it does not come to listen.
    pub async fn start() -> Self {
        let database = MemoryDatabase::with_opts(MemoryDatabaseOptions { events: true, max_events: None });
        let port = free_port();
        let relay = Self::run(&database, port).await;
        Self { database, port, relay }
    }

    async fn run(database: &MemoryDatabase, port: u16) -> LocalRelay {
        let builder = RelayBuilder::default().addr(Ipv4Addr::LOCALHOST.into()).port(port);
        let relay = LocalRelay::new(builder.database(database.clone()));
        until("the relay to listen", || relay.run()).await;
        relay
    }

    /// Stops it: connections end, and nobody listens there any more.
    pub fn stop(&self) {
        self.relay.shutdown();
    }

    /// Starts it again at the same port, with what it had.
    ///
    /// # Panics
    /// When it does not come to listen.
    pub async fn start_again(&mut self) {
        self.relay = Self::run(&self.database, self.port).await;
    }

    /// Where it listens, on this machine.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    /// Its store.
    pub const fn database(&self) -> &MemoryDatabase {
        &self.database
    }

    /// Puts an event into its store, as if it had come long ago: nobody who listens is told.
    ///
    /// # Panics
    /// When the library does not read what this project signs.
    pub async fn put(&self, event: &Event) {
        let json = serde_json::to_string(event).expect("an event");
        let event = SdkEvent::from_json(json).expect("an event that others read");
        self.database.save_event(&event).await.expect("a store in memory");
    }

    /// What is stored there, by content, in order.
    ///
    /// # Panics
    /// When the store in memory fails.
    pub async fn contents(&self) -> Vec<String> {
        let events = self.database.query(Filter::new()).await.expect("a store in memory");
        let mut contents: Vec<String> = events.into_iter().map(|event| event.content).collect();
        contents.sort_unstable();
        contents
    }

    /// Waits until exactly this is stored there.
    ///
    /// # Panics
    /// When it comes to hold something else.
    pub async fn holds(&self, expected: &[&str]) {
        until(&format!("the relay to hold {expected:?}"), || async {
            let seen = self.contents().await;
            if seen == expected { Ok(()) } else { Err(seen) }
        })
        .await;
    }
}
