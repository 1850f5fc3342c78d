//! The versions of the database, each a step from the one before.

use indexed_db_futures::{
    database::{Database, VersionChangeEvent},
    prelude::*,
};

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

type Step = fn(&Database) -> indexed_db_futures::Result<()>;

/// The step to each version, the first one to version 1. Steps are added and never changed.
const MIGRATIONS: [Step; 2] = [create_stores, create_deletions_and_lists];

/// The version of the schema.
#[expect(clippy::cast_possible_truncation, reason = "the table has a handful of rows")]
pub const VERSION: u32 = MIGRATIONS.len() as u32;

/// Takes all steps from the version that is there.
pub(super) fn migrate(event: VersionChangeEvent, database: Database) -> indexed_db_futures::Result<()> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "versions are small counts")]
    let from = event.old_version() as usize;
    MIGRATIONS.iter().skip(from).try_for_each(|step| step(&database))
}

fn create_stores(database: &Database) -> indexed_db_futures::Result<()> {
    [EVENTS, PROFILES, OUTBOX, SETTINGS, VAULT]
        .into_iter()
        .try_for_each(|name| database.create_object_store(name).build().map(drop))
}

fn create_deletions_and_lists(database: &Database) -> indexed_db_futures::Result<()> {
    [DELETIONS, LISTS].into_iter().try_for_each(|name| database.create_object_store(name).build().map(drop))
}
