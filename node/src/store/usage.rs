//! How many bytes are stored, and whose they are. Bounds are in bytes as well as in events: an event may have 200 bytes or
//! 64 KiB.
//!
//! What an event costs is reckoned from its record and its index rows and not measured: redb does not say what a row takes.
//! A test holds the sum against the file.

use nostrp2p_protocol::UnsignedEvent;
use redb::{ReadableTable, Table};

/// Bytes of an event besides its record and its index rows: its rows by id, by sequence number and among shared events.
const EVENT_BYTES: u64 = 256;
/// Bytes of an index row, with the free space of its page.
const ROW_BYTES: u64 = 64;

/// What the store holds. `cost` says what an event counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes of what the owner wrote, on whatever device.
    pub own_bytes: u64,
    /// Bytes of what others have addressed to the owner.
    pub mail_bytes: u64,
    /// Bytes of everything else.
    pub others_bytes: u64,
    /// Events that are neither the owner's nor addressed to the owner.
    pub others: u64,
}

/// Whose an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owned {
    /// The owner's own.
    Own,
    /// Somebody else has addressed it to the owner.
    Mail,
    /// Neither.
    Other,
}

/// Rows of the table of numbers, in the order of the fields of [`Usage`].
const ROWS: [&str; 4] = ["bytes_own", "bytes_mail", "bytes_others", "others"];

impl Usage {
    /// Bytes of everything.
    pub const fn bytes(&self) -> u64 {
        self.own_bytes.saturating_add(self.mail_bytes).saturating_add(self.others_bytes)
    }

    pub(super) fn load(meta: &impl ReadableTable<&'static str, u64>) -> Result<Self, redb::Error> {
        let mut numbers = [0; 4];
        for (number, row) in numbers.iter_mut().zip(ROWS) {
            *number = meta.get(row)?.map_or(0, |value| value.value());
        }
        let [own_bytes, mail_bytes, others_bytes, others] = numbers;
        Ok(Self { own_bytes, mail_bytes, others_bytes, others })
    }

    pub(super) fn save(&self, meta: &mut Table<'_, &'static str, u64>) -> Result<(), redb::Error> {
        let numbers = [self.own_bytes, self.mail_bytes, self.others_bytes, self.others];
        for (number, row) in numbers.into_iter().zip(ROWS) {
            meta.insert(row, number)?;
        }
        Ok(())
    }

    pub(super) const fn add(&mut self, owned: Owned, bytes: u64) {
        let sum = self.bytes_of(owned);
        *sum = sum.saturating_add(bytes);
        if matches!(owned, Owned::Other) {
            self.others = self.others.saturating_add(1);
        }
    }

    pub(super) const fn subtract(&mut self, owned: Owned, bytes: u64) {
        let sum = self.bytes_of(owned);
        *sum = sum.saturating_sub(bytes);
        if matches!(owned, Owned::Other) {
            self.others = self.others.saturating_sub(1);
        }
    }

    const fn bytes_of(&mut self, owned: Owned) -> &mut u64 {
        match owned {
            Owned::Own => &mut self.own_bytes,
            Owned::Mail => &mut self.mail_bytes,
            Owned::Other => &mut self.others_bytes,
        }
    }
}

/// What an event counts, in bytes; `record` is the length of its record.
pub(super) fn cost(unsigned: &UnsignedEvent, record: usize) -> u64 {
    let tags = unsigned.tags.iter().filter(|tag| tag.name().len() == 1 && tag.value().is_some()).count();
    // All events, its kind, and its author and kind.
    let rows = u64::try_from(tags).unwrap_or(u64::MAX).saturating_add(3);
    u64::try_from(record).unwrap_or(u64::MAX).saturating_add(EVENT_BYTES).saturating_add(rows * ROW_BYTES)
}
