//! Rows in order, packed: those that one or more commits have put in or removed.

use std::cmp::Ordering;

/// Set in the length of a row that was removed.
const REMOVED: u16 = 1 << 15;
/// Bytes before a row: its length, big-endian, with [`REMOVED`].
const HEAD: usize = 2;

/// A row, and whether it is there or was removed.
pub(super) type Change<'a> = (&'a [u8], bool);

/// Rows in order, each once.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct SortedRun {
    /// Length and row, one after the other: as it is in the log.
    bytes: Vec<u8>,
    /// Where each begins.
    starts: Vec<u32>,
}

impl SortedRun {
    /// Takes rows that are in order, each once.
    pub(super) fn of<'a>(changes: impl Iterator<Item = Change<'a>>) -> Self {
        let mut run = Self::default();
        changes.for_each(|change| run.push(change));
        run
    }

    /// Reads what [`SortedRun::as_bytes`] gave; None when that is not it.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (mut run, mut rest) = (Self::default(), bytes);
        while let Some((head, behind)) = rest.split_first_chunk::<HEAD>() {
            let head = u16::from_be_bytes(*head);
            let (row, behind) = behind.split_at_checked(usize::from(head & !REMOVED))?;
            run.push((row, head & REMOVED == 0));
            rest = behind;
        }
        rest.is_empty().then_some(run)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Bytes of memory that it takes.
    pub(super) const fn size(&self) -> usize {
        self.bytes.len() + self.starts.len() * size_of::<u32>()
    }

    pub(super) const fn len(&self) -> usize {
        self.starts.len()
    }

    /// A row by its place in the order.
    pub(super) fn get(&self, place: usize) -> Option<Change<'_>> {
        let (head, rest) =
            self.bytes.get(usize::try_from(*self.starts.get(place)?).ok()?..)?.split_first_chunk()?;
        let head = u16::from_be_bytes(*head);
        Some((rest.get(..usize::from(head & !REMOVED))?, head & REMOVED == 0))
    }

    /// How many rows come before this one; with `itself` it counts too.
    pub(super) fn before(&self, row: &[u8], itself: bool) -> usize {
        let (mut from, mut to) = (0, self.len());
        while from < to {
            let middle = usize::midpoint(from, to);
            let order = self.get(middle).map_or(Ordering::Greater, |(other, _)| other.cmp(row));
            if order == Ordering::Less || (itself && order == Ordering::Equal) {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        from
    }

    /// Both in one; of a row that is in both, what `newer` says.
    pub(super) fn merged(older: &Self, newer: &Self) -> Self {
        let mut merged = Self {
            bytes: Vec::with_capacity(older.bytes.len() + newer.bytes.len()),
            starts: Vec::with_capacity(older.len() + newer.len()),
        };
        let (mut at_older, mut at_newer) = (0, 0);
        loop {
            let (one, other) = (older.get(at_older), newer.get(at_newer));
            let order = match (one, other) {
                (None, None) => return merged,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((one, _)), Some((other, _))) => one.cmp(other),
            };
            at_older += usize::from(order.is_le());
            at_newer += usize::from(order.is_ge());
            let change = if order.is_lt() { one } else { other };
            change.into_iter().for_each(|change| merged.push(change));
        }
    }

    /// Adds a row behind the last. One that is longer than any that there is, or beyond 4 GiB, is left out: neither occurs.
    fn push(&mut self, (row, there): Change<'_>) {
        let (Ok(start), Ok(length)) = (u32::try_from(self.bytes.len()), u16::try_from(row.len())) else {
            return;
        };
        debug_assert!(length < REMOVED, "a row is a few dozen bytes");
        self.starts.push(start);
        self.bytes.extend(if there { length } else { length | REMOVED }.to_be_bytes());
        self.bytes.extend(row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(changes: &[(&str, bool)]) -> SortedRun {
        SortedRun::of(changes.iter().map(|(row, there)| (row.as_bytes(), *there)))
    }

    #[test]
    fn what_was_written_is_read_and_nothing_else() {
        let written = run(&[("a", true), ("bb", false), ("ccc", true)]);
        assert_eq!(SortedRun::parse(written.as_bytes()), Some(written));
        assert_eq!(SortedRun::parse(&[]), Some(SortedRun::default()));
        for damaged in [&[0][..], &[0, 2, 1], &[0x80, 5, 1, 2]] {
            assert_eq!(SortedRun::parse(damaged), None, "{damaged:?}");
        }
    }

    #[test]
    fn the_newer_of_two_decides() {
        let (older, newer) =
            (run(&[("a", true), ("b", true), ("d", false)]), run(&[("b", false), ("c", true)]));
        let expected = run(&[("a", true), ("b", false), ("c", true), ("d", false)]);
        assert_eq!(SortedRun::merged(&older, &newer), expected);
    }

    #[test]
    fn places_are_counted() {
        let run = run(&[("b", true), ("d", true)]);
        let places = ["a", "b", "c", "d", "e"]
            .map(|row| (run.before(row.as_bytes(), false), run.before(row.as_bytes(), true)));
        assert_eq!(places, [(0, 0), (0, 1), (1, 1), (1, 2), (2, 2)]);
    }
}
