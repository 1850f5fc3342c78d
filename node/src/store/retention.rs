//! How much is kept.

use super::{rows::MOVE_AT_BYTES, usage::Usage};

/// How much is kept. The owner's own events are kept whatever their age and number, and so is mail up to its bound.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Most events that are neither the owner's nor addressed to the owner. Default 100,000.
    pub events: u64,
    /// Longest time since `created_at` of these, in seconds. Default 30 days.
    pub seconds: u64,
    /// Most bytes of mail: of what others have addressed to the owner. Default 1 GiB.
    pub mail_bytes: u64,
    /// Bytes of disk that the store is to stay below. Default 4 GiB. Of these others' events get a quarter, as long as own
    /// events and mail leave that.
    pub disk_bytes: u64,
}

const GIB: u64 = 1 << 30;
/// Others' events get one part of so many of the disk's bytes.
const OTHERS_SHARE: u64 = 4;
/// Index rows that are not in their table yet get one part of so many of the disk's bytes.
const ROWS_SHARE: u64 = 64;

impl Default for Retention {
    fn default() -> Self {
        Self { events: 100_000, seconds: 30 * 86_400, mail_bytes: GIB, disk_bytes: 4 * GIB }
    }
}

impl Retention {
    /// Nothing is dropped: for commands that look at a store or put something into it while the node is stopped.
    pub const EVERYTHING: Self =
        Self { events: u64::MAX, seconds: u64::MAX, mail_bytes: u64::MAX, disk_bytes: u64::MAX };

    /// Most bytes of mail beside what the owner has written.
    pub const fn mail_limit(&self, usage: &Usage) -> u64 {
        let left = self.disk_bytes.saturating_sub(usage.own_bytes);
        if self.mail_bytes < left { self.mail_bytes } else { left }
    }

    /// Most bytes of what is neither the owner's nor mail.
    pub const fn others_limit(&self, usage: &Usage) -> u64 {
        let left = self.disk_bytes.saturating_sub(usage.own_bytes).saturating_sub(usage.mail_bytes);
        let share = self.disk_bytes / OTHERS_SHARE;
        if share < left { share } else { left }
    }

    /// Bytes of new index rows that may be in memory, and as many in the file, before they are moved to the others: where
    /// there is little disk, less.
    pub(super) fn rows_in_memory(&self) -> usize {
        usize::try_from(self.disk_bytes / ROWS_SHARE).unwrap_or(usize::MAX).min(MOVE_AT_BYTES)
    }

    /// By how much the bounds for others' events are passed.
    pub(super) const fn excess(&self, usage: &Usage) -> Excess {
        Excess {
            events: usage.others.saturating_sub(self.events),
            bytes: usage.others_bytes.saturating_sub(self.others_limit(usage)),
        }
    }
}

/// By how much the bounds are passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Excess {
    pub(super) events: u64,
    pub(super) bytes: u64,
}

impl Excess {
    pub(super) const NONE: Self = Self { events: 0, bytes: 0 };
}

/// Number of new events after which old ones are looked for.
pub(super) const SWEEP_EVERY: u64 = 1_000;
/// Rows looked at in one go, so that a commit stays short: more than can have come since the last sweep.
pub(super) const SWEEP_ROWS: usize = 4_000;
