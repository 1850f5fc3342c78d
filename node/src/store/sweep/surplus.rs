//! What goes first when more is stored of other people than there is room for: of people whom the owner does not follow
//! the one with the most, of that one the oldest. So a flood displaces itself, and a stranger displaces strangers alone.
//! Only when nothing of strangers is left does it go the same way with people who are followed.
//!
//! What is dropped so is younger than much that stays, so it counts as held when stores are compared (`known_authors.rs`).

use std::collections::BTreeSet;

use nostrp2p_protocol::{Event, PublicKey};
use redb::ReadableTable;

use super::{
    super::{
        index::{self, Prefix},
        loads::{Loads, Measure},
        record,
        retention::{Excess, SWEEP_ROWS},
        rows::FindRows,
        usage::{self, Owned},
        write::Tables,
    },
    keeping::{is_about_author, stays},
};

/// Drops what is too much, at most [`SWEEP_ROWS`] events at a time.
pub(in crate::store) fn drop_heaviest(
    tables: &mut Tables<'_>,
    excess: impl Fn(&Tables<'_>) -> Excess,
    followed: &BTreeSet<PublicKey>,
) -> Result<(), redb::Error> {
    let mut left = SWEEP_ROWS;
    for strangers in [true, false] {
        for measure in [Measure::Events, Measure::Bytes] {
            let over = excess(tables).by(measure);
            if over == 0 || left == 0 {
                continue;
            }
            if tables.loads.is_none() {
                tables.loads = Some(count(tables)?);
            }
            let level = level(&tables.loads_by(measure, strangers, followed), over);
            shave(tables, measure, level, &mut left, strangers, followed, &excess)?;
        }
    }
    Ok(())
}

impl Excess {
    const fn by(self, measure: Measure) -> u64 {
        match measure {
            Measure::Events => self.events,
            Measure::Bytes => self.bytes,
        }
    }
}

impl Tables<'_> {
    /// The loads of strangers or of those who are followed, the largest first.
    fn loads_by(
        &self,
        measure: Measure,
        strangers: bool,
        followed: &BTreeSet<PublicKey>,
    ) -> Vec<(u64, PublicKey)> {
        let loads = self.loads.iter().flat_map(Loads::iter);
        let some = loads.filter(|(author, _)| followed.contains(author) != strangers);
        let mut sorted: Vec<_> = some.map(|(author, load)| (load.by(measure), *author)).collect();
        sorted.sort_unstable_by(|one, other| other.cmp(one));
        sorted
    }
}

/// Down to which load all who have more must lose, so that together they lose no more than `over`.
fn level(sorted: &[(u64, PublicKey)], over: u64) -> u64 {
    let (mut sum, mut count) = (0_u64, 0_u64);
    for (place, (load, _)) in sorted.iter().enumerate() {
        sum = sum.saturating_add(*load);
        count += 1;
        let next = sorted.get(place + 1).map_or(0, |(load, _)| *load);
        if sum.saturating_sub(count.saturating_mul(next)) >= over {
            return sum.saturating_sub(over).div_ceil(count);
        }
    }
    0
}

/// Drops of each author what is above the level, then the oldest of those who are at the level, until it is enough.
fn shave(
    tables: &mut Tables<'_>,
    measure: Measure,
    level: u64,
    left: &mut usize,
    strangers: bool,
    followed: &BTreeSet<PublicKey>,
    excess: &impl Fn(&Tables<'_>) -> Excess,
) -> Result<(), redb::Error> {
    for (load, author) in tables.loads_by(measure, strangers, followed) {
        if load <= level || *left == 0 {
            break;
        }
        for (_, sequence) in written_by(tables, &author, *left)? {
            if tables.load_of(&author, measure) <= level {
                break;
            }
            drop_if_spare(tables, sequence, &author, followed, left)?;
        }
    }
    if excess(tables).by(measure) == 0 {
        return Ok(());
    }
    let mut heads: Vec<(u64, u64, PublicKey)> = Vec::new();
    for (load, author) in tables.loads_by(measure, strangers, followed) {
        if load < level || load == 0 || heads.len() == SWEEP_ROWS {
            break;
        }
        heads.extend(written_by(tables, &author, 1)?.first().map(|(at, sequence)| (*at, *sequence, author)));
    }
    heads.sort_unstable();
    for (_, sequence, author) in heads {
        if excess(tables).by(measure) == 0 || *left == 0 {
            break;
        }
        drop_if_spare(tables, sequence, &author, followed, left)?;
    }
    Ok(())
}

impl Tables<'_> {
    fn load_of(&self, author: &PublicKey, measure: Measure) -> u64 {
        self.loads.as_ref().map_or(0, |loads| loads.of(author, measure))
    }
}

fn drop_if_spare(
    tables: &mut Tables<'_>,
    sequence: u64,
    author: &PublicKey,
    followed: &BTreeSet<PublicKey>,
    left: &mut usize,
) -> Result<(), redb::Error> {
    let Some(event) = tables.event(sequence)? else { return Ok(()) };
    if *left == 0 || event.pubkey != *author || stays(tables, sequence, &event, followed)? {
        return Ok(());
    }
    *left -= 1;
    tables.forget(sequence, &event)
}

/// Times and numbers of the events of an author that are neither the owner's nor mail, the oldest first, profile and
/// follow list last: at most so many and these.
fn written_by(
    tables: &mut Tables<'_>,
    author: &PublicKey,
    most: usize,
) -> Result<Vec<(u64, u64)>, redb::Error> {
    let mut rows = Vec::new();
    let mut last = Vec::new();
    for kind in index::kinds_of(&tables.rows, author, usize::MAX)? {
        let (rows, most) = match kind {
            kind if is_about_author(kind) => (&mut last, 1),
            _ => (&mut rows, most),
        };
        let mut found = 0;
        let mut range = tables.rows.forwards(&Prefix::author_kind(author, kind).range(0, u64::MAX))?;
        while let Some(row) = range.next()? {
            let Some((created_at, sequence)) = index::tail(row) else { continue };
            if found == most {
                break;
            }
            if tables.mailbox.sender(sequence)?.is_none() {
                found += 1;
                rows.push((created_at, sequence));
            }
        }
    }
    rows.sort_unstable();
    rows.truncate(most);
    rows.extend(last);
    Ok(rows)
}

fn count(tables: &Tables<'_>) -> Result<Loads, redb::Error> {
    let mut loads = Loads::default();
    for row in tables.events.iter()? {
        let (sequence, value) = row?;
        let Some(event) = record::decode(value.value()) else { continue };
        if tables.owned(sequence.value(), &event)? == Owned::Other {
            loads.add(event.pubkey, cost(&event, value.value()));
        }
    }
    Ok(loads)
}

fn cost(event: &Event, record: &[u8]) -> u64 {
    usage::cost(event, record.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_with_the_most_lose_down_to_one_level_and_together_no_more_than_is_too_much() {
        let check = |loads: &[u64], over: u64, expected: u64| {
            let sorted: Vec<_> = loads.iter().map(|load| (*load, PublicKey::from_bytes([1; 32]))).collect();
            assert_eq!(level(&sorted, over), expected, "{loads:?} {over}");
            let lost: u64 = loads.iter().map(|load| load.saturating_sub(expected)).sum();
            assert!(lost <= over, "{loads:?} {over}");
        };
        check(&[100, 10, 1], 50, 50);
        check(&[100, 10, 1], 90, 10);
        check(&[100, 10, 1], 92, 9);
        check(&[100, 10, 1], 93, 9);
        check(&[1, 1, 1], 2, 1);
        check(&[5, 5], 100, 0);
        check(&[], 1, 0);
    }
}
