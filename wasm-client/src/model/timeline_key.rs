//! The order of events in a timeline.

use nostrp2p_protocol::EventId;

/// The position of an event in a timeline: the newest first, of two in the same second the lower id first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimelineKey {
    /// `u64::MAX` less the time of the event, so that later is smaller.
    inverted: u64,
    /// The event.
    pub id: EventId,
}

impl TimelineKey {
    /// The place of an event.
    pub const fn new(created_at: u64, id: EventId) -> Self {
        Self { inverted: u64::MAX - created_at, id }
    }

    /// The time of the event, in seconds since 1970.
    pub const fn created_at(&self) -> u64 {
        u64::MAX - self.inverted
    }

    /// A text that sorts like the place.
    pub fn sort_key(&self) -> String {
        format!("{:016x}{}", self.inverted, self.id)
    }
}
