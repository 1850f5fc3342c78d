//! Storage in IndexedDB.
//!
//! Events lie under [`TimelineKey::sort_key`], so that the natural order of the keys is the newest first, and the
//! oldest are a range at the end.

mod patience;
mod schema;

use std::{cell::RefCell, rc::Rc};

use gloo_events::EventListener;
use indexed_db_futures::{
    KeyRange,
    database::Database,
    error::OpenDbError,
    object_store::ObjectStore,
    prelude::*,
    transaction::{TransactionDurability, TransactionMode, TransactionOptions},
};
use js_sys::Uint8Array;
use nostrp2p_protocol::{EventId, UnsignedEvent};
use wasm_bindgen::{JsCast, JsValue};

use super::{
    EVENTS_SLACK, MAX_DELETIONS, MAX_EVENTS, OPENING_EVENTS, OPENING_PROFILES, Setting, Snapshot, Storage,
    StorageChange, StorageError, StoredSettings, row,
};
use crate::model::{TimelineKey, deleted, lists::MAX_LISTS};
use patience::limited;
use schema::{DELETIONS, EVENTS, LISTS, OUTBOX, PROFILES, SETTINGS};
pub use schema::{VAULT, VERSION};

/// The database of this page.
pub const NAME: &str = "nostrp2p";

/// Storage in IndexedDB. Cheap to clone: all clones share one connection.
#[derive(Debug, Clone)]
pub struct IndexedStorage {
    database: Rc<Database>,
    /// The epoch of the database, which changes when everything is forgotten. A tab that does not know of that has
    /// another one, and its writes are refused.
    epoch: Rc<RefCell<Option<String>>>,
    /// When another tab changes or deletes the database as a whole, as the next version of the page may, this one
    /// closes it; every write fails from then on.
    _letting_go: Rc<EventListener>,
}

impl IndexedStorage {
    /// Opens the database of this name, and brings its schema up to date.
    ///
    /// # Errors
    /// When the browser grants no storage, for instance in a private window, or does not answer in 15 s.
    pub async fn open(name: &str) -> Result<Self, StorageError> {
        limited(Box::pin(Self::open_now(name))).await
    }

    async fn open_now(name: &str) -> Result<Self, StorageError> {
        let current = schema::migrate(name).await.map_err(|_| not_granted())?;
        let opened = Database::open(name).await;
        let database = opened.map_err(|error| match error {
            OpenDbError::Base(error) => failed(error),
            _ => not_granted(),
        })?;
        let epoch = {
            let transaction = database.transaction(SETTINGS).build().map_err(failed)?;
            epoch(&transaction.object_store(SETTINGS).map_err(failed)?).await?
        };
        let also = (current.clone(), database.clone());
        let letting_go = EventListener::new(&current, "versionchange", move |_| {
            also.0.close();
            also.1.clone().close();
        });
        Ok(Self {
            database: Rc::new(database),
            epoch: Rc::new(RefCell::new(epoch)),
            _letting_go: Rc::new(letting_go),
        })
    }

    /// The value of the vault; undefined when it is empty.
    ///
    /// # Errors
    /// When the browser fails, or does not answer in 15 s.
    pub async fn vault(&self) -> Result<JsValue, StorageError> {
        limited(Box::pin(self.read_vault())).await
    }

    async fn read_vault(&self) -> Result<JsValue, StorageError> {
        let transaction = self.database.transaction(VAULT).build().map_err(failed)?;
        let store = transaction.object_store(VAULT).map_err(failed)?;
        let value: Option<JsValue> =
            store.get(VAULT_KEY).primitive().map_err(failed)?.await.map_err(failed)?;
        Ok(value.unwrap_or(JsValue::UNDEFINED))
    }

    /// Replaces the value of the vault; undefined empties it.
    ///
    /// # Errors
    /// When the browser fails, or does not answer in 15 s.
    pub async fn set_vault(&self, value: JsValue) -> Result<(), StorageError> {
        limited(Box::pin(self.write_vault(value))).await
    }

    async fn write_vault(&self, value: JsValue) -> Result<(), StorageError> {
        let stores = [VAULT, SETTINGS];
        let transaction = self.database.transaction(stores).with_mode(TransactionMode::Readwrite);
        let transaction = transaction.with_options(on_disk()).build().map_err(failed)?;
        self.check_epoch(&transaction.object_store(SETTINGS).map_err(failed)?).await?;
        let store = transaction.object_store(VAULT).map_err(failed)?;
        if value.is_undefined() {
            store.delete(VAULT_KEY).primitive().map_err(failed)?.await.map_err(failed)?;
        } else {
            store.put(value).with_key(VAULT_KEY).primitive().map_err(failed)?.await.map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)
    }
}

impl IndexedStorage {
    /// Refuses what was begun before another tab forgot everything. The transaction is rolled back when it is dropped.
    async fn check_epoch(&self, settings: &ObjectStore<'_>) -> Result<(), StorageError> {
        let stored = epoch(settings).await?;
        if stored == *self.epoch.borrow() { Ok(()) } else { Err(StorageError::forgotten()) }
    }
}

async fn epoch(settings: &ObjectStore<'_>) -> Result<Option<String>, StorageError> {
    let value: Option<JsValue> =
        settings.get(EPOCH_KEY).primitive().map_err(failed)?.await.map_err(failed)?;
    Ok(value.and_then(|value| value.as_string()))
}

/// Whether these are drafts alone. They are written without a check of the epoch, because a page that is being closed
/// would not live to see the answer; and all tabs get drafts by messages.
fn are_drafts(changes: &[StorageChange]) -> bool {
    let is_draft = |change: &StorageChange| {
        matches!(change, StorageChange::Set(Setting::EventTemplate(..) | Setting::Composing(_)))
    };
    changes.iter().all(is_draft)
}

/// Data that nobody else has, a key or a post, counts as written when the disk has it, and not when the system has,
/// so it survives a power cut. Everything else comes again from the node.
fn on_disk() -> TransactionOptions {
    TransactionOptions::new().with_durability(TransactionDurability::Strict)
}

/// All stores but the vault.
const ALL: [&str; 6] = [EVENTS, PROFILES, DELETIONS, LISTS, OUTBOX, SETTINGS];
/// Where the epoch lies among the settings; it reads as none of them.
const EPOCH_KEY: &str = "epoch";
/// The only key of the vault.
const VAULT_KEY: &str = "key";

impl Storage for IndexedStorage {
    async fn load(&self) -> Result<Snapshot, StorageError> {
        limited(Box::pin(self.load_now())).await
    }

    async fn apply(&self, changes: Vec<StorageChange>) -> Result<(), StorageError> {
        limited(Box::pin(self.apply_now(changes))).await
    }

    async fn older(&self, than: TimelineKey, limit: u32) -> Result<Vec<UnsignedEvent>, StorageError> {
        limited(Box::pin(self.older_now(than, limit))).await
    }
}

impl IndexedStorage {
    async fn load_now(&self) -> Result<Snapshot, StorageError> {
        let stores = ALL;
        let transaction = self.database.transaction(stores).build().map_err(failed)?;
        let events = transaction.object_store(EVENTS).map_err(failed)?;
        let profiles = transaction.object_store(PROFILES).map_err(failed)?;
        let deletions = transaction.object_store(DELETIONS).map_err(failed)?;
        let lists = transaction.object_store(LISTS).map_err(failed)?;
        let outbox = transaction.object_store(OUTBOX).map_err(failed)?;
        let settings = transaction.object_store(SETTINGS).map_err(failed)?;

        let events = rows(&events, None, OPENING_EVENTS).await?;
        let profiles = rows(&profiles, None, OPENING_PROFILES).await?;
        let deletions = rows(&deletions, None, MAX_DELETIONS).await?;
        let lists = rows(&lists, None, MAX_LISTS).await?;
        let outbox = rows(&outbox, None, u32::MAX).await?;
        Ok(Snapshot {
            events: events.iter().filter_map(|row| row::to_rumor(row)).collect(),
            profiles: profiles.iter().filter_map(|row| row::to_rumor(row)).collect(),
            deletions: deletions.iter().filter_map(|row| row::to_rumor(row)).collect(),
            lists: lists.iter().filter_map(|row| row::to_rumor(row)).collect(),
            outbox: outbox.iter().filter_map(|row| row::to_event(row)).collect(),
            settings: read_settings(&settings).await?,
        })
    }

    async fn apply_now(&self, changes: Vec<StorageChange>) -> Result<(), StorageError> {
        let keeps = changes.iter().any(|change| matches!(change, StorageChange::Keep(_)));
        let written = changes.iter().any(|change| matches!(change, StorageChange::Outgoing(_)));
        let options = if written { on_disk() } else { TransactionOptions::new() };
        let transaction = self.database.transaction(ALL).with_mode(TransactionMode::Readwrite);
        let transaction = transaction.with_options(options).build().map_err(failed)?;
        let stores = Stores {
            events: transaction.object_store(EVENTS).map_err(failed)?,
            profiles: transaction.object_store(PROFILES).map_err(failed)?,
            deletions: transaction.object_store(DELETIONS).map_err(failed)?,
            lists: transaction.object_store(LISTS).map_err(failed)?,
            outbox: transaction.object_store(OUTBOX).map_err(failed)?,
            settings: transaction.object_store(SETTINGS).map_err(failed)?,
        };
        let (mut deleted, mut listed) = (false, false);
        if !are_drafts(&changes) {
            self.check_epoch(&stores.settings).await?;
        }
        let mut epoch = None;
        for change in changes {
            if matches!(change, StorageChange::ForgetAll) {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
                let random = (js_sys::Math::random() * f64::from(u32::MAX)) as u32;
                epoch = Some(random.to_string());
            }
            if let StorageChange::Deletion(unsigned) = &change {
                deleted = true;
                stores.take_out(unsigned).await?;
            }
            listed |= matches!(change, StorageChange::List(_));
            stores.apply(change)?;
        }
        if keeps {
            trim(&stores.events, MAX_EVENTS, EVENTS_SLACK).await?;
        }
        if deleted {
            trim(&stores.deletions, MAX_DELETIONS, 0).await?;
        }
        if listed {
            trim(&stores.lists, MAX_LISTS, 0).await?;
        }
        if let Some(epoch) = &epoch {
            put(&stores.settings, EPOCH_KEY.to_owned(), JsValue::from_str(epoch))?;
            // Before the end: what this tab writes next may ask for it as soon as this is through.
            self.epoch.replace(Some(epoch.clone()));
        }
        transaction.commit().await.map_err(failed)
    }

    async fn older_now(&self, than: TimelineKey, limit: u32) -> Result<Vec<UnsignedEvent>, StorageError> {
        let transaction = self.database.transaction(EVENTS).build().map_err(failed)?;
        let events = transaction.object_store(EVENTS).map_err(failed)?;
        let rows = rows(&events, Some(KeyRange::LowerBound(than.sort_key(), true)), limit).await?;
        Ok(rows.iter().filter_map(|row| row::to_rumor(row)).collect())
    }
}

struct Stores<'a> {
    events: ObjectStore<'a>,
    profiles: ObjectStore<'a>,
    deletions: ObjectStore<'a>,
    lists: ObjectStore<'a>,
    outbox: ObjectStore<'a>,
    settings: ObjectStore<'a>,
}

impl Stores<'_> {
    /// Requests one change. Its failure aborts the transaction, so nobody waits for it here.
    fn apply(&self, change: StorageChange) -> Result<(), StorageError> {
        match change {
            StorageChange::Keep(unsigned) => {
                let key = TimelineKey::new(unsigned.created_at, unsigned.id()).sort_key();
                put(&self.events, key, bytes(&row::from_rumor(&unsigned)))
            }
            StorageChange::Profile(unsigned) => {
                put(&self.profiles, unsigned.pubkey.to_string(), bytes(&row::from_rumor(&unsigned)))
            }
            StorageChange::Deletion(unsigned) => {
                let key = TimelineKey::new(unsigned.created_at, unsigned.id()).sort_key();
                put(&self.deletions, key, bytes(&row::from_rumor(&unsigned)))
            }
            StorageChange::List(unsigned) => {
                let key = TimelineKey::new(unsigned.created_at, unsigned.id()).sort_key();
                put(&self.lists, key, bytes(&row::from_rumor(&unsigned)))
            }
            StorageChange::Outgoing(event) => {
                put(&self.outbox, event.id().to_string(), bytes(&row::from_event(&event)))
            }
            StorageChange::Settled(id) => delete(&self.outbox, id.to_string()),
            StorageChange::Set(setting) => self.set(&setting),
            StorageChange::ForgetEvents => {
                [&self.events, &self.profiles, &self.deletions].into_iter().try_for_each(clear)
            }
            StorageChange::ForgetAll => {
                let all = [
                    &self.events,
                    &self.profiles,
                    &self.deletions,
                    &self.lists,
                    &self.outbox,
                    &self.settings,
                ];
                all.into_iter().try_for_each(clear)
            }
        }
    }

    /// Takes out the posts that a deletion names. Their time is not known, so all keys are looked through; people
    /// rarely delete.
    async fn take_out(&self, deletion: &UnsignedEvent) -> Result<(), StorageError> {
        let targets: Vec<EventId> = deleted::targets(deletion).collect();
        let keys = self.events.get_all_keys::<String>().primitive().map_err(failed)?.await.map_err(failed)?;
        for key in keys.filter_map(Result::ok) {
            if !targets.iter().any(|id| key.ends_with(&id.to_string())) {
                continue;
            }
            let range = KeyRange::Only(key.clone());
            let own =
                |row: &Vec<u8>| row::to_rumor(row).is_some_and(|unsigned| unsigned.pubkey == deletion.pubkey);
            if rows(&self.events, Some(range), 1).await?.iter().any(own) {
                delete(&self.events, key)?;
            }
        }
        Ok(())
    }

    fn set(&self, setting: &Setting) -> Result<(), StorageError> {
        let name = setting.name();
        match setting.text() {
            Some(text) => {
                put(&self.settings, name.clone().into_owned(), JsValue::from_str(&format!("{name} {text}")))
            }
            None => delete(&self.settings, name.into_owned()),
        }
    }
}

fn put(store: &ObjectStore<'_>, key: String, value: JsValue) -> Result<(), StorageError> {
    store.put(value).with_key(key).primitive().map(drop).map_err(failed)
}

fn delete(store: &ObjectStore<'_>, key: String) -> Result<(), StorageError> {
    store.delete(key).primitive().map(drop).map_err(failed)
}

fn clear(store: &ObjectStore<'_>) -> Result<(), StorageError> {
    store.clear().map(drop).map_err(failed)
}

async fn rows(
    store: &ObjectStore<'_>,
    range: Option<KeyRange<String>>,
    limit: u32,
) -> Result<Vec<Vec<u8>>, StorageError> {
    let values = match range {
        Some(range) => {
            store.get_all::<JsValue>().with_query::<String, _>(range).with_limit(limit).primitive()
        }
        None => return all(store.get_all::<JsValue>().with_limit(limit).primitive().map_err(failed)?.await),
    };
    all(values.map_err(failed)?.await)
}

fn all(
    values: indexed_db_futures::Result<impl Iterator<Item = indexed_db_futures::Result<JsValue>>>,
) -> Result<Vec<Vec<u8>>, StorageError> {
    let values = values.map_err(failed)?;
    // A value that is no byte array was not written by this page; it is passed over like a row that does not read.
    let bytes = values.filter_map(|value| value.ok()?.dyn_into::<Uint8Array>().ok());
    Ok(bytes.map(|array| array.to_vec()).collect())
}

async fn read_settings(store: &ObjectStore<'_>) -> Result<StoredSettings, StorageError> {
    let mut settings = StoredSettings::default();
    for value in store.get_all::<JsValue>().primitive().map_err(failed)?.await.map_err(failed)? {
        let text = value.ok().and_then(|value| value.as_string()).unwrap_or_default();
        if let Some((name, text)) = text.split_once(' ') {
            settings.read(name, text);
        }
    }
    Ok(settings)
}

/// Drops the oldest events once there are clearly too many.
async fn trim(events: &ObjectStore<'_>, max: u32, slack: u32) -> Result<(), StorageError> {
    let count = events.count().primitive().map_err(failed)?.await.map_err(failed)?;
    if count <= max + slack {
        return Ok(());
    }
    let keys = events.get_all_keys::<String>().with_limit(max).primitive().map_err(failed)?;
    let last = keys.await.map_err(failed)?.last().transpose().map_err(failed)?;
    match last {
        Some(last) => {
            events.delete::<String, _>(KeyRange::LowerBound(last, true)).primitive().map(drop).map_err(failed)
        }
        None => Ok(()),
    }
}

fn not_granted() -> StorageError {
    StorageError("this browser grants no storage".to_owned())
}

fn bytes(bytes: &[u8]) -> JsValue {
    Uint8Array::from(bytes).into()
}

/// The browser's own words where there are some; the other cases would bring the formatting of numbers along.
fn failed(error: indexed_db_futures::error::Error) -> StorageError {
    StorageError(match error {
        indexed_db_futures::error::Error::DomException(error) => error.message(),
        _ => "the stored data do not read".to_owned(),
    })
}
