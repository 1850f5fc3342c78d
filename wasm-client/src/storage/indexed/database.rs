//! IndexedDB with futures in place of its events, as far as this page needs it.

use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue, closure::Closure, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    DomException, IdbDatabase, IdbKeyRange, IdbObjectStore, IdbOpenDbRequest, IdbRequest, IdbTransaction,
    IdbVersionChangeEvent,
};

use crate::storage::StorageError;

/// What comes of a step here.
pub(super) type Result<T> = std::result::Result<T, StorageError>;

#[wasm_bindgen]
extern "C" {
    /// A database with what `web_sys` counts as unstable.
    #[wasm_bindgen(extends = IdbDatabase)]
    type Durable;

    #[wasm_bindgen(method, catch, js_name = transaction)]
    fn begin(
        this: &Durable,
        stores: &Array,
        mode: &str,
        options: &Object,
    ) -> std::result::Result<IdbTransaction, JsValue>;

    /// A transaction with what `web_sys` counts as out of date.
    #[wasm_bindgen(extends = IdbTransaction)]
    type Ending;

    #[wasm_bindgen(method, catch, js_name = commit)]
    fn end(this: &Ending) -> std::result::Result<(), JsValue>;
}

/// An open database.
#[derive(Debug)]
pub(super) struct Database(IdbDatabase);

/// What a transaction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Read,
    Write,
    /// Through with it when the disk has it, and not when the system has.
    WriteOnDisk,
}

/// A transaction. Unless it is committed, what it wrote is rolled back when it is dropped.
pub(super) struct Transaction {
    raw: IdbTransaction,
    open: bool,
}

/// A store within a transaction, in which all keys are texts.
pub(super) struct Store(IdbObjectStore);

/// A request that was made: it is carried out also if nobody waits for it. Its failure aborts the transaction.
pub(super) struct Request(IdbRequest);

impl Database {
    /// Opens the database of this name. `migrate` gets the version from which its schema is to be brought up to date.
    pub(super) async fn open(name: &str, version: u32, migrate: fn(&IdbDatabase, u32)) -> Result<Self> {
        let factory = web_sys::window().and_then(|window| window.indexed_db().ok().flatten());
        let factory = factory.ok_or_else(none)?;
        let request: IdbOpenDbRequest = factory.open_with_u32(name, version).map_err(failed)?;
        let upgrade = Closure::new(move |event: IdbVersionChangeEvent| {
            let request = event.target().and_then(|target| target.dyn_into::<IdbOpenDbRequest>().ok());
            let database = request.and_then(|request| request.result().ok()?.dyn_into::<IdbDatabase>().ok());
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "versions are small counts"
            )]
            if let Some(database) = database {
                migrate(&database, event.old_version() as u32);
            }
        });
        let upgrade: Closure<dyn FnMut(IdbVersionChangeEvent)> = upgrade;
        request.set_onupgradeneeded(Some(upgrade.as_ref().unchecked_ref()));
        let database = Request(request.into()).value().await?;
        database.dyn_into().map(Self).map_err(|_| none())
    }

    /// Begins a transaction over these stores.
    pub(super) fn begin(&self, stores: &[&str], mode: Mode) -> Result<Transaction> {
        let names: Array = stores.iter().map(|name| JsValue::from_str(name)).collect();
        let options = Object::new();
        if mode == Mode::WriteOnDisk {
            Reflect::set(&options, &"durability".into(), &"strict".into()).map_err(failed)?;
        }
        let word = if mode == Mode::Read { "readonly" } else { "readwrite" };
        let raw = self.0.unchecked_ref::<Durable>().begin(&names, word, &options).map_err(failed)?;
        Ok(Transaction { raw, open: mode != Mode::Read })
    }
}

impl Transaction {
    /// One of the stores that it is over.
    pub(super) fn store(&self, name: &str) -> Result<Store> {
        self.raw.object_store(name).map(Store).map_err(failed)
    }

    /// Ends it, and waits until all of it is done.
    pub(super) async fn commit(mut self) -> Result<()> {
        self.open = false;
        let done = ended(|done, aborted| {
            self.raw.set_oncomplete(Some(done));
            self.raw.set_onabort(Some(aborted));
        });
        // At once, for a page that is being closed does not live to see that it ends by itself. Where browsers lack this,
        // that is all there is.
        if let Err(error) = self.raw.unchecked_ref::<Ending>().end()
            && error.has_type::<DomException>()
        {
            return Err(failed(error));
        }
        match done.await {
            Ok(_) => Ok(()),
            Err(_) => Err(self.raw.error().map_or_else(none, said)),
        }
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if self.open {
            // One that ended by itself refuses, which is fine.
            drop(self.raw.abort());
        }
    }
}

impl Store {
    pub(super) fn put(&self, key: &str, value: &JsValue) -> Result<()> {
        self.0.put_with_key(value, &key.into()).map(drop).map_err(failed)
    }

    pub(super) fn get(&self, key: &str) -> Result<Request> {
        made(self.0.get(&key.into()))
    }

    pub(super) fn delete(&self, keys: &JsValue) -> Result<()> {
        self.0.delete(keys).map(drop).map_err(failed)
    }

    pub(super) fn clear(&self) -> Result<()> {
        self.0.clear().map(drop).map_err(failed)
    }

    pub(super) fn count(&self) -> Result<Request> {
        made(self.0.count())
    }

    /// The first values with these keys; undefined for all keys.
    pub(super) fn values(&self, keys: &JsValue, limit: u32) -> Result<Request> {
        made(self.0.get_all_with_key_and_limit(keys, limit))
    }

    /// The first keys.
    pub(super) fn keys(&self, limit: u32) -> Result<Request> {
        made(self.0.get_all_keys_with_key_and_limit(&JsValue::UNDEFINED, limit))
    }
}

impl Request {
    /// Waits for what it gives.
    pub(super) async fn value(self) -> Result<JsValue> {
        let answered = ended(|done, not| {
            self.0.set_onsuccess(Some(done));
            self.0.set_onerror(Some(not));
        });
        match answered.await {
            Ok(_) => self.0.result().map_err(failed),
            Err(_) => Err(self.0.error().ok().flatten().map_or_else(none, said)),
        }
    }

    /// Waits for the list that it gives.
    pub(super) async fn list(self) -> Result<Array> {
        self.value().await?.dyn_into().map_err(failed)
    }
}

/// All keys behind this one.
pub(super) fn after(key: &str) -> Result<JsValue> {
    IdbKeyRange::lower_bound_with_open(&key.into(), true).map(JsValue::from).map_err(failed)
}

/// Waits until one of two handlers is called, which `listen` sets.
fn ended(mut listen: impl FnMut(&Function, &Function)) -> JsFuture {
    Promise::new(&mut |done, not| listen(&done, &not)).into()
}

fn made(request: std::result::Result<IdbRequest, JsValue>) -> Result<Request> {
    request.map(Request).map_err(failed)
}

fn none() -> StorageError {
    StorageError("this browser grants no storage".to_owned())
}

/// The browser's own words where there are some.
fn failed(error: JsValue) -> StorageError {
    match error.dyn_into::<DomException>() {
        Ok(error) => said(error),
        Err(_) => StorageError("the stored data do not read".to_owned()),
    }
}

fn said(error: DomException) -> StorageError {
    StorageError(error.message())
}
