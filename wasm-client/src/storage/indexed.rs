//! Storage in IndexedDB.
//!
//! Events lie under [`Place::sort_key`], so that the natural order of the keys is the newest first, and the
//! oldest are a range at the end.

mod database;
mod schema;

use std::{cell::RefCell, rc::Rc};

use js_sys::Uint8Array;
use nostrp2p_protocol::{EventId, Rumor};
use wasm_bindgen::{JsCast, JsValue};

use super::{
    Change, EVENTS_SLACK, MAX_DELETIONS, MAX_EVENTS, MAX_LISTS, OPENING_EVENTS, OPENING_PROFILES, Place,
    Setting, Settings, Snapshot, Storage, StorageError, row,
};
use crate::model::deleted;
use database::{Database, Mode, Store, after};
use schema::{DELETIONS, EVENTS, LISTS, OUTBOX, PROFILES, SETTINGS};
pub use schema::{VAULT, VERSION};

/// The database of this page.
pub const NAME: &str = "nostrp2p";

/// Storage in IndexedDB. Cheap to clone: all clones share one connection.
#[derive(Debug, Clone)]
pub struct IndexedStorage {
    database: Rc<Database>,
    /// What the database was called when everything in it was last forgotten. A tab that has not heard of it yet has
    /// another one, and its writes are refused.
    epoch: Rc<RefCell<Option<String>>>,
}

impl IndexedStorage {
    /// Opens the database of this name, and brings its schema up to date.
    ///
    /// # Errors
    /// When the browser grants no storage, for instance in a private window.
    pub async fn open(name: &str) -> Result<Self, StorageError> {
        let database = Database::open(name, VERSION, schema::migrate).await?;
        let epoch = epoch(&database.begin(&[SETTINGS], Mode::Read)?.store(SETTINGS)?).await?;
        Ok(Self { database: Rc::new(database), epoch: Rc::new(RefCell::new(epoch)) })
    }

    /// The value of the vault; undefined when it is empty.
    ///
    /// # Errors
    /// When the browser fails.
    pub async fn vault(&self) -> Result<JsValue, StorageError> {
        self.database.begin(&[VAULT], Mode::Read)?.store(VAULT)?.get(VAULT_KEY)?.value().await
    }

    /// Replaces the value of the vault; undefined empties it.
    ///
    /// # Errors
    /// When the browser fails.
    pub async fn set_vault(&self, value: JsValue) -> Result<(), StorageError> {
        let transaction = self.database.begin(&[VAULT, SETTINGS], Mode::WriteOnDisk)?;
        self.check_epoch(&transaction.store(SETTINGS)?).await?;
        let store = transaction.store(VAULT)?;
        if value.is_undefined() {
            store.delete(&VAULT_KEY.into())?;
        } else {
            store.put(VAULT_KEY, &value)?;
        }
        transaction.commit().await
    }
}

impl IndexedStorage {
    /// Refuses what was begun before another tab forgot everything. The transaction is rolled back when it is dropped.
    async fn check_epoch(&self, settings: &Store) -> Result<(), StorageError> {
        let stored = epoch(settings).await?;
        if stored == *self.epoch.borrow() { Ok(()) } else { Err(StorageError::forgotten()) }
    }
}

async fn epoch(settings: &Store) -> Result<Option<String>, StorageError> {
    Ok(settings.get(EPOCH_KEY)?.value().await?.as_string())
}

/// Whether these are drafts alone: they are written without a look at the epoch, for a page that is being closed would
/// not live to see the answer. Of drafts all tabs hear by themselves.
fn are_drafts(changes: &[Change]) -> bool {
    let is_draft = |change: &Change| {
        matches!(change, Change::Set(Setting::Draft(..) | Setting::Composing(_) | Setting::FormerDraft(_)))
    };
    changes.iter().all(is_draft)
}

/// All stores but the vault.
const ALL: [&str; 6] = [EVENTS, PROFILES, DELETIONS, LISTS, OUTBOX, SETTINGS];
/// Where the epoch lies among the settings; it reads as none of them.
const EPOCH_KEY: &str = "epoch";
/// The only key of the vault.
const VAULT_KEY: &str = "key";

impl Storage for IndexedStorage {
    async fn load(&self) -> Result<Snapshot, StorageError> {
        let transaction = self.database.begin(&ALL, Mode::Read)?;
        let read = async |name, limit| rows(&transaction.store(name)?, &JsValue::UNDEFINED, limit).await;
        let events = read(EVENTS, OPENING_EVENTS).await?;
        let profiles = read(PROFILES, OPENING_PROFILES).await?;
        let deletions = read(DELETIONS, MAX_DELETIONS).await?;
        let lists = read(LISTS, MAX_LISTS).await?;
        let outbox = read(OUTBOX, u32::MAX).await?;
        Ok(Snapshot {
            events: events.iter().filter_map(|row| row::to_rumor(row)).collect(),
            profiles: profiles.iter().filter_map(|row| row::to_rumor(row)).collect(),
            deletions: deletions.iter().filter_map(|row| row::to_rumor(row)).collect(),
            lists: lists.iter().filter_map(|row| row::to_rumor(row)).collect(),
            outbox: outbox.iter().filter_map(|row| row::to_event(row)).collect(),
            settings: read_settings(&transaction.store(SETTINGS)?).await?,
        })
    }

    async fn apply(&self, changes: Vec<Change>) -> Result<(), StorageError> {
        let keeps = changes.iter().any(|change| matches!(change, Change::Keep(_)));
        let written = changes.iter().any(|change| matches!(change, Change::Outgoing(_)));
        // What nobody else has yet survives a power cut. Everything else comes again from the node.
        let mode = if written { Mode::WriteOnDisk } else { Mode::Write };
        let transaction = self.database.begin(&ALL, mode)?;
        let stores = Stores {
            events: transaction.store(EVENTS)?,
            profiles: transaction.store(PROFILES)?,
            deletions: transaction.store(DELETIONS)?,
            lists: transaction.store(LISTS)?,
            outbox: transaction.store(OUTBOX)?,
            settings: transaction.store(SETTINGS)?,
        };
        let (mut deleted, mut listed) = (false, false);
        if !are_drafts(&changes) {
            self.check_epoch(&stores.settings).await?;
        }
        let mut epoch = None;
        for change in changes {
            if matches!(change, Change::ForgetAll) {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
                let random = (js_sys::Math::random() * f64::from(u32::MAX)) as u32;
                epoch = Some(random.to_string());
            }
            if let Change::Deletion(rumor) = &change {
                deleted = true;
                stores.take_out(rumor).await?;
            }
            listed |= matches!(change, Change::List(_));
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
            stores.settings.put(EPOCH_KEY, &JsValue::from_str(epoch))?;
            // Before the end: what this tab writes next may ask for it as soon as this is through.
            self.epoch.replace(Some(epoch.clone()));
        }
        transaction.commit().await
    }

    async fn older(&self, than: Place, limit: u32) -> Result<Vec<Rumor>, StorageError> {
        let events = self.database.begin(&[EVENTS], Mode::Read)?.store(EVENTS)?;
        let rows = rows(&events, &after(&than.sort_key())?, limit).await?;
        Ok(rows.iter().filter_map(|row| row::to_rumor(row)).collect())
    }
}

struct Stores {
    events: Store,
    profiles: Store,
    deletions: Store,
    lists: Store,
    outbox: Store,
    settings: Store,
}

impl Stores {
    /// Requests one change. Its failure aborts the transaction, so nobody waits for it here.
    fn apply(&self, change: Change) -> Result<(), StorageError> {
        let place = |rumor: &Rumor| Place::new(rumor.created_at, rumor.id()).sort_key();
        let put =
            |store: &Store, key: String, rumor: &Rumor| store.put(&key, &bytes(&row::from_rumor(rumor)));
        match change {
            Change::Keep(rumor) => put(&self.events, place(&rumor), &rumor),
            Change::Profile(rumor) => put(&self.profiles, rumor.pubkey.to_string(), &rumor),
            Change::Deletion(rumor) => put(&self.deletions, place(&rumor), &rumor),
            Change::List(rumor) => put(&self.lists, place(&rumor), &rumor),
            Change::Outgoing(event) => {
                self.outbox.put(&event.id().to_string(), &bytes(&row::from_event(&event)))
            }
            Change::Settled(id) => self.outbox.delete(&id.to_string().into()),
            Change::Set(setting) => self.set(&setting),
            Change::ForgetEvents => {
                [&self.events, &self.profiles, &self.deletions].into_iter().try_for_each(Store::clear)
            }
            Change::ForgetAll => {
                let all = [
                    &self.events,
                    &self.profiles,
                    &self.deletions,
                    &self.lists,
                    &self.outbox,
                    &self.settings,
                ];
                all.into_iter().try_for_each(Store::clear)
            }
        }
    }

    /// Takes out the posts that a deletion names. Their time is not known, so all keys are looked through; people
    /// rarely delete.
    async fn take_out(&self, deletion: &Rumor) -> Result<(), StorageError> {
        let targets: Vec<EventId> = deleted::targets(deletion).collect();
        for key in self.events.keys(u32::MAX)?.list().await? {
            let named = |key: String| targets.iter().any(|id| key.ends_with(&id.to_string()));
            if !key.as_string().is_some_and(named) {
                continue;
            }
            let own = |row: &Vec<u8>| row::to_rumor(row).is_some_and(|rumor| rumor.pubkey == deletion.pubkey);
            if rows(&self.events, &key, 1).await?.iter().any(own) {
                self.events.delete(&key)?;
            }
        }
        Ok(())
    }

    fn set(&self, setting: &Setting) -> Result<(), StorageError> {
        let name = setting.name();
        match setting.text() {
            Some(text) => self.settings.put(&name, &JsValue::from_str(&format!("{name} {text}"))),
            None => self.settings.delete(&JsValue::from_str(&name)),
        }
    }
}

/// The first rows with these keys; undefined for all keys. A value that is no byte array was not written by this page;
/// it is passed over like a row that does not read.
async fn rows(store: &Store, keys: &JsValue, limit: u32) -> Result<Vec<Vec<u8>>, StorageError> {
    let values = store.values(keys, limit)?.list().await?;
    let bytes = values.iter().filter_map(|value| value.dyn_into::<Uint8Array>().ok());
    Ok(bytes.map(|array| array.to_vec()).collect())
}

async fn read_settings(store: &Store) -> Result<Settings, StorageError> {
    let mut settings = Settings::default();
    for value in store.values(&JsValue::UNDEFINED, u32::MAX)?.list().await? {
        let text = value.as_string().unwrap_or_default();
        if let Some((name, text)) = text.split_once(' ') {
            settings.read(name, text);
        }
    }
    Ok(settings)
}

/// Drops the oldest events once there are clearly too many.
async fn trim(events: &Store, max: u32, slack: u32) -> Result<(), StorageError> {
    let count = events.count()?.value().await?.as_f64().unwrap_or_default();
    if count <= f64::from(max + slack) {
        return Ok(());
    }
    match events.keys(max)?.list().await?.iter().last().and_then(|last| last.as_string()) {
        Some(last) => events.delete(&after(&last)?),
        None => Ok(()),
    }
}

fn bytes(bytes: &[u8]) -> JsValue {
    Uint8Array::from(bytes).into()
}
