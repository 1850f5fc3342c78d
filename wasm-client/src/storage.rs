//! Data that survives a reload: cached events, profiles, the outbox, and settings.
//!
//! [`Storage`] has three methods; each is one transaction. [`memory`] is for tests and for pages that may not store;
//! `indexed` is IndexedDB. Both pass the same contract tests. The secret key is not here: see `vault`.

#[cfg(any(test, target_arch = "wasm32"))]
pub mod contract;
#[cfg(target_arch = "wasm32")]
pub mod indexed;
pub mod memory;
pub mod row;
pub mod settings;

use std::future::Future;

use nostrp2p_protocol::{Event, EventId, UnsignedEvent};

use crate::model::TimelineKey;
pub use settings::{Setting, StoredSettings};

/// Most events that are cached: two weeks of a busy network, about 5 MB; a guess.
pub const MAX_EVENTS: u32 = 10_000;
/// How many more may pile up before the oldest are dropped, so that not every write has to look.
pub const EVENTS_SLACK: u32 = 500;
/// How many events the page opens with: some screens full.
pub const OPENING_EVENTS: u32 = 200;
/// Most deletions that are remembered: so long ago nothing that was deleted is cached any more. A guess.
pub const MAX_DELETIONS: u32 = 2_000;
/// Most profiles that are loaded when the page opens.
pub const OPENING_PROFILES: u32 = 2_000;

/// Everything that the page opens with.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// The newest cached events, the newest first, at most [`OPENING_EVENTS`].
    pub events: Vec<UnsignedEvent>,
    /// The latest profile of each person, at most [`OPENING_PROFILES`].
    pub profiles: Vec<UnsignedEvent>,
    /// The newest deletions, the newest first, at most [`MAX_DELETIONS`].
    pub deletions: Vec<UnsignedEvent>,
    /// The versions of the own lists of people, the newest first, at most [`crate::model::lists::MAX_LISTS`].
    pub lists: Vec<UnsignedEvent>,
    /// Events that the node has not acknowledged yet.
    pub outbox: Vec<Event>,
    /// All settings.
    pub settings: StoredSettings,
}

/// One change. A list of them is applied whole or not at all.
#[derive(Debug, Clone, PartialEq)]
pub enum StorageChange {
    /// Caches an event.
    Keep(UnsignedEvent),
    /// Caches a profile in place of the person's former one.
    Profile(UnsignedEvent),
    /// Takes out the cached posts that a deletion names and its author wrote, and remembers it.
    Deletion(UnsignedEvent),
    /// Keeps a version of an own list of people.
    List(UnsignedEvent),
    /// Keeps an event until the node has acknowledged it.
    Outgoing(Event),
    /// The node has acknowledged it, or the person gave it up.
    Settled(EventId),
    /// Changes a setting.
    Set(Setting),
    /// Drops cached events, profiles and deletions: the node has another store now.
    ForgetEvents,
    /// Drops everything.
    ForgetAll,
}

/// Why storing failed, in the browser's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the browser's storage failed: {0}")]
pub struct StorageError(pub String);

impl StorageError {
    /// All was forgotten by another tab, and nothing is written to what it left.
    pub fn forgotten() -> Self {
        Self(FORGOTTEN.to_owned())
    }

    /// Whether that is why.
    pub fn is_forgotten(&self) -> bool {
        self.0 == FORGOTTEN
    }

    /// The browser gives no answer.
    pub fn silent() -> Self {
        Self(SILENT.to_owned())
    }
}

const FORGOTTEN: &str = "another tab has forgotten everything";
/// Why nothing is stored while the browser gives no answer.
pub const SILENT: &str = "it does not answer";

/// A place that keeps things over a reload.
pub trait Storage {
    /// Loads what the page opens with.
    fn load(&self) -> impl Future<Output = Result<Snapshot, StorageError>>;

    /// Applies changes durably, all or none.
    fn apply(&self, changes: Vec<StorageChange>) -> impl Future<Output = Result<(), StorageError>>;

    /// Loads cached events that stand behind this place, the newest first.
    fn older(
        &self,
        than: TimelineKey,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<UnsignedEvent>, StorageError>>;
}
