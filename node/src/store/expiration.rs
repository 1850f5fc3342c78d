//! Events that end by themselves (NIP-40): from then on they are not shown, and soon they are gone.

use redb::TableDefinition;

/// When an event ends, in seconds since 1970, and its sequence number.
pub(super) const ENDS: TableDefinition<(u64, u64), ()> = TableDefinition::new("ends");
