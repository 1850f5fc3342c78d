//! Events that end by themselves (NIP-40): from then on they are not shown, and soon they are gone.

use nostrp2p_protocol::{Event, UnsignedEvent, delegation};
use redb::TableDefinition;

/// When an event ends, in seconds since 1970, and its sequence number.
pub(super) const ENDS: TableDefinition<(u64, u64), ()> = TableDefinition::new("ends");

/// When an event ends. Delegations are kept past their end, for an ended one is how an owner takes his word back.
pub(super) fn end_of(unsigned: &UnsignedEvent) -> Option<u64> {
    if delegation::is_delegation(unsigned) {
        return None;
    }
    unsigned.tag_values("expiration").next()?.parse().ok()
}

/// Whether an event has not ended.
pub(super) fn lives(event: &Event, now: u64) -> bool {
    end_of(event).is_none_or(|end| now < end)
}
