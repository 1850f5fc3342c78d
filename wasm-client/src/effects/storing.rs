//! Storage: IndexedDB, or memory where the browser grants none.

use std::rc::Rc;

use nostrp2p_protocol::{EventId, UnsignedEvent, UnverifiedEvent};
use wasm_bindgen_futures::spawn_local;
use web_sys::Blob;

use super::{App, window};
use crate::{
    export,
    message::Message,
    model::TimelineKey,
    storage::{
        Snapshot, Storage, StorageChange, StorageError,
        indexed::{IndexedStorage, NAME},
        memory::MemoryStorage,
    },
    tabs::Tidings,
};

/// How many events are read at once for an export.
const EXPORT_AT_ONCE: u32 = 500;

/// The storage in use.
pub(super) enum Store {
    Indexed(IndexedStorage),
    Memory { storage: MemoryStorage, why: StorageError },
}

impl Store {
    /// Opens IndexedDB if it can; returns it a second time for the vault.
    pub(super) async fn open() -> (Self, Option<IndexedStorage>) {
        match IndexedStorage::open(NAME).await {
            Ok(storage) => (Self::Indexed(storage.clone()), Some(storage)),
            Err(why) => (Self::Memory { storage: MemoryStorage::default(), why }, None),
        }
    }

    /// The page's initial data; an error where nothing can be stored.
    pub(super) async fn load(&self) -> Result<Snapshot, StorageError> {
        match self {
            Self::Indexed(storage) => storage.load().await,
            Self::Memory { why, .. } => Err(why.clone()),
        }
    }

    async fn apply(&self, changes: Vec<StorageChange>) -> Result<(), StorageError> {
        match self {
            Self::Indexed(storage) => storage.apply(changes).await,
            Self::Memory { storage, .. } => storage.apply(changes).await,
        }
    }

    /// Everything that is stored, the newest first.
    async fn everything(&self) -> Result<Snapshot, StorageError> {
        let mut all = self.load().await?;
        while let Some(last) = all.events.last() {
            let older = self.older(TimelineKey::new(last.created_at, last.id()), EXPORT_AT_ONCE).await?;
            if older.is_empty() {
                break;
            }
            all.events.extend(older);
        }
        Ok(all)
    }

    async fn older(&self, than: TimelineKey, limit: u32) -> Result<Vec<UnsignedEvent>, StorageError> {
        match self {
            Self::Indexed(storage) => storage.older(than, limit).await,
            Self::Memory { storage, .. } => storage.older(than, limit).await,
        }
    }
}

impl App {
    /// Offers everything that is stored as a file.
    pub(super) fn export_held(self: &Rc<Self>, name: String) {
        let app = Rc::clone(self);
        spawn_local(async move {
            match app.store.everything().await {
                Ok(all) => window::download_text(&app.window, &name, &export::held(&all)),
                Err(error) => app.dispatch(Message::StorageFailed(error)),
            }
        });
    }

    /// Puts events into the file of everything.
    pub(super) fn export_part(&self, events: &[UnverifiedEvent]) {
        if let Ok(part) = window::blob(&export::signed(events)) {
            self.exported.borrow().push(&part);
        }
    }

    /// Offers the export file under this name; without one it is discarded.
    pub(super) fn export_end(&self, name: Option<String>) {
        let parts = self.exported.take();
        if let (Some(name), Ok(file)) = (name, Blob::new_with_blob_sequence(&parts)) {
            window::download(&self.window, &name, &file);
        }
    }

    pub(super) fn save(self: &Rc<Self>, changes: Vec<StorageChange>) {
        let app = Rc::clone(self);
        self.tell_of_drafts(&changes);
        spawn_local(async move {
            let forgets = changes.iter().any(|change| matches!(change, StorageChange::ForgetAll));
            match app.store.apply(changes).await {
                Ok(()) if forgets => app.tell_tabs(&Tidings::Key),
                Ok(()) => {}
                Err(error) => app.dispatch(Message::StorageFailed(error)),
            }
        });
    }

    pub(super) fn save_outgoing(self: &Rc<Self>, id: EventId, changes: Vec<StorageChange>) {
        let app = Rc::clone(self);
        self.tell_of_drafts(&changes);
        spawn_local(async move {
            let result = app.store.apply(changes).await;
            app.dispatch(Message::OutgoingSaved(id, result));
        });
    }

    pub(super) fn load_older(self: &Rc<Self>, than: TimelineKey, limit: u32) {
        let app = Rc::clone(self);
        spawn_local(async move {
            let message = match app.store.older(than, limit).await {
                Ok(events) => Message::OlderLoaded(events),
                Err(error) => {
                    app.dispatch(Message::StorageFailed(error));
                    Message::OlderLoaded(Vec::new())
                }
            };
            app.dispatch(message);
        });
    }
}
