//! The versions of the database, each a step from the one before.

use web_sys::IdbDatabase;

/// Cached events under their place.
pub(super) const EVENTS: &str = "events";
/// The latest profile of each person under the public key.
pub(super) const PROFILES: &str = "profiles";
/// Deletions under their place.
pub(super) const DELETIONS: &str = "deletions";
/// Versions of the own lists of people under their place.
pub(super) const LISTS: &str = "lists";
/// What the node has not acknowledged, under the event id.
pub(super) const OUTBOX: &str = "outbox";
/// Settings under their name, as `name value`.
pub(super) const SETTINGS: &str = "settings";
/// The encrypted key and what it is encrypted with; see `crate::vault`.
pub const VAULT: &str = "vault";

type Step = fn(&IdbDatabase);

/// The step to each version, the first one to version 1. Steps are added and never changed.
const MIGRATIONS: [Step; 2] = [create_stores, create_deletions_and_lists];

/// The version of the schema.
#[expect(clippy::cast_possible_truncation, reason = "the table has a handful of rows")]
pub const VERSION: u32 = MIGRATIONS.len() as u32;

/// Takes all steps from the version that is there.
pub(super) fn migrate(database: &IdbDatabase, from: u32) {
    MIGRATIONS.iter().skip(from as usize).for_each(|step| step(database));
}

fn create_stores(database: &IdbDatabase) {
    create(database, &[EVENTS, PROFILES, OUTBOX, SETTINGS, VAULT]);
}

fn create_deletions_and_lists(database: &IdbDatabase) {
    create(database, &[DELETIONS, LISTS]);
}

/// A store that cannot be made is missed by the first transaction over it, which says so.
fn create(database: &IdbDatabase, names: &[&str]) {
    names.iter().for_each(|name| drop(database.create_object_store(name)));
}
