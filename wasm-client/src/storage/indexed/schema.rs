//! The versions of the database, each a step from the one before.

use gloo_events::EventListener;
use js_sys::Promise;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Event, IdbDatabase, IdbOpenDbRequest, IdbVersionChangeEvent};

/// Cached events under their place.
pub(super) const EVENTS: &str = "events";
/// The latest profile of each person under the public key.
pub(super) const PROFILES: &str = "profiles";
/// Deletions under their place.
pub(super) const DELETIONS: &str = "deletions";
/// Versions of the own lists of people under their place.
pub(super) const LISTS: &str = "lists";
/// Events that the node has not acknowledged, by id.
pub(super) const OUTBOX: &str = "outbox";
/// Settings under their name, as `name value`.
pub(super) const SETTINGS: &str = "settings";
/// The encrypted key and what it is encrypted with; see `crate::vault`.
pub const VAULT: &str = "vault";

type Step = fn(&IdbDatabase) -> Result<(), JsValue>;

/// The step to each version, the first one to version 1. Steps are added and never changed.
const MIGRATIONS: [Step; 2] = [create_stores, create_deletions_and_lists];

/// The version of the schema.
#[expect(clippy::cast_possible_truncation, reason = "the table has a handful of rows")]
pub const VERSION: u32 = MIGRATIONS.len() as u32;

/// Opens the database of this name, takes all steps from the version that is there, and gives the open database.
///
/// It uses the browser's own interface, because indexed_db_futures formats numbers for the error of a step, which makes the
/// first load 8.5 KB larger. If a step fails, the database stays as it was.
///
/// # Errors
/// What the browser says.
pub(super) async fn migrate(name: &str) -> Result<IdbDatabase, JsValue> {
    let factory = web_sys::window().ok_or(JsValue::NULL)?.indexed_db()?.ok_or(JsValue::NULL)?;
    let request = factory.open_with_u32(name, VERSION)?;
    let upgrade = EventListener::once(&request, "upgradeneeded", |event| {
        let from = event.dyn_ref::<IdbVersionChangeEvent>().map_or(0.0, IdbVersionChangeEvent::old_version);
        let taken = opened(event).and_then(|database| take_steps(&database, from));
        // Otherwise half a schema would count as the whole one for good.
        if taken.is_err()
            && let Some(transaction) = request_of(event).ok().and_then(|request| request.transaction())
        {
            drop(transaction.abort());
        }
    });
    let answer = Promise::new(&mut |resolve, reject| {
        request.set_onsuccess(Some(&resolve));
        request.set_onerror(Some(&reject));
    });
    let event: Event = JsFuture::from(answer).await?.dyn_into()?;
    drop(upgrade);
    opened(&event)
}

fn request_of(event: &Event) -> Result<IdbOpenDbRequest, JsValue> {
    event.target().ok_or(JsValue::NULL)?.dyn_into().map_err(JsValue::from)
}

fn opened(event: &Event) -> Result<IdbDatabase, JsValue> {
    request_of(event)?.result()?.dyn_into()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "versions are small counts")]
fn take_steps(database: &IdbDatabase, from: f64) -> Result<(), JsValue> {
    MIGRATIONS.iter().skip(from as usize).try_for_each(|step| step(database))
}

fn create_stores(database: &IdbDatabase) -> Result<(), JsValue> {
    [EVENTS, PROFILES, OUTBOX, SETTINGS, VAULT]
        .into_iter()
        .try_for_each(|name| database.create_object_store(name).map(drop))
}

fn create_deletions_and_lists(database: &IdbDatabase) -> Result<(), JsValue> {
    [DELETIONS, LISTS].into_iter().try_for_each(|name| database.create_object_store(name).map(drop))
}
