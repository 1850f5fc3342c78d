//! What one question may cost: rows of the store that are read for it, and for whose eyes they are.

use std::collections::BTreeSet;

use nostrp2p_protocol::Kind;

use super::turns::OthersTurn;

/// Index rows that one question of the owner may touch, so that a filter that matches nothing cannot keep the disk busy:
/// more than a store holds by default, and less than a second of work.
const OWNERS_ROWS: usize = 200_000;
/// Opening a range of the index costs about as much as reading so many rows.
pub(super) const RANGE_ROWS: usize = 10;
/// Keys that are read without what they stand for cost about as much as one row in so many.
pub(super) const KEYS_IN_A_ROW: usize = 25;
/// Rows after which a read for others looks whether the owner wants to read: a third of a millisecond.
const LOOK_EVERY: usize = 64;

/// The budget of one question, which may be put to the store in several parts.
pub(crate) struct Reading<'a> {
    rows: usize,
    left: usize,
    looked_at: usize,
    public: Option<&'a BTreeSet<Kind>>,
    turn: Option<&'a OthersTurn>,
}

impl<'a> Reading<'a> {
    /// Reads for the owner, who sees everything.
    pub(crate) const fn for_owner() -> Self {
        Self { rows: OWNERS_ROWS, left: OWNERS_ROWS, looked_at: OWNERS_ROWS, public: None, turn: None }
    }

    /// Reads at most so many rows for somebody who may see public events of these kinds.
    pub(crate) const fn of_public(rows: usize, kinds: &'a BTreeSet<Kind>, turn: &'a OthersTurn) -> Self {
        Self { rows, left: rows, looked_at: rows, public: Some(kinds), turn: Some(turn) }
    }

    /// Reads at most so many rows for another node.
    pub(crate) const fn for_node(rows: usize, turn: &'a OthersTurn) -> Self {
        Self { rows, left: rows, looked_at: rows, public: None, turn: Some(turn) }
    }

    /// The rows that were read.
    pub(crate) const fn read(&self) -> usize {
        self.rows.saturating_sub(self.left)
    }

    /// Counts rows that were read without asking first; false when they were more than there were left.
    pub(crate) fn charge(&mut self, rows: usize) -> bool {
        self.take(rows)
    }

    /// Kinds of which whoever asks may see public events; None for who sees everything.
    pub(super) const fn public(&self) -> Option<&'a BTreeSet<Kind>> {
        self.public
    }

    /// Whether less than half of the rows are left.
    pub(super) const fn is_half_spent(&self) -> bool {
        self.left < self.rows / 2
    }

    /// Takes rows; false when there are not so many left. A read for others gives way to the owner now and then.
    pub(super) fn take(&mut self, rows: usize) -> bool {
        let Some(left) = self.left.checked_sub(rows) else {
            self.left = 0;
            return false;
        };
        self.left = left;
        if let Some(turn) = self.turn
            && (self.looked_at == self.rows || self.looked_at - left >= LOOK_EVERY)
        {
            turn.give_way();
            self.looked_at = left;
        }
        true
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        if let Some(turn) = self.turn {
            turn.count(self.read());
        }
    }
}
