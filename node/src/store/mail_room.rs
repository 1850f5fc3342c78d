//! Making room in a full mailbox; `mailbox.rs` says for whom.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use nostrp2p_protocol::{Event, Kind, PublicKey};
use redb::ReadableTable;

use super::{
    index::{self, Prefix},
    mailbox::{BROUGHT_PART, Circle, Rank, SenderKey, is_brought},
    rows::FindRows,
    write::Tables,
};

/// When mail is displaced, one part of so many of the mailbox is freed besides, so that the next piece finds room at once.
const SLACK: u64 = 256;

/// A piece of mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Mail {
    sequence: u64,
    bytes: u64,
}

impl Tables<'_> {
    /// Makes room in the mailbox for mail of `sender`, by dropping mail of a lower rank: the lowest first, of it the sender
    /// with the most bytes, of whom the oldest. Returns whether there is room now.
    pub(super) fn make_room(&mut self, sender: &SenderKey, bytes: u64) -> Result<bool, redb::Error> {
        let limit = self.bounds.mail_limit(&self.usage);
        if is_brought(sender) {
            let brought = self.mailbox.brought_bytes()?.saturating_add(bytes);
            return Ok(
                brought <= limit / BROUGHT_PART && self.usage.mail_bytes.saturating_add(bytes) <= limit
            );
        }
        if self.usage.mail_bytes.saturating_add(bytes) <= limit {
            return Ok(true);
        }
        let circle = self.circle()?;
        let rank = circle.rank(sender);
        let refused = self.mailbox.full_for.is_some_and(|full| rank <= full);
        let victims = if refused { Vec::new() } else { self.lower_mail(rank, &circle)? };
        self.circle = Some(circle);
        let free: u64 = victims.iter().map(|mail| mail.bytes).sum();
        if self.usage.mail_bytes.saturating_sub(free).saturating_add(bytes) > limit {
            self.mailbox.full_for = self.mailbox.full_for.max(Some(rank));
            return Ok(false);
        }
        let aim = limit.saturating_sub(bytes).saturating_sub(limit / SLACK);
        for Mail { sequence, .. } in victims {
            if self.usage.mail_bytes <= aim {
                break;
            }
            if let Some(event) = self.event(sequence)? {
                self.remove(sequence, &event)?;
            }
        }
        Ok(true)
    }

    /// The mail of all whose rank is lower, in the order in which it is dropped.
    fn lower_mail(&self, rank: Rank, circle: &Circle) -> Result<Vec<Mail>, redb::Error> {
        let mut lower: BTreeMap<SenderKey, Vec<Mail>> = BTreeMap::new();
        if rank == Rank::Muted {
            return Ok(Vec::new());
        }
        for row in self.mailbox.by_sender.get()?.iter()? {
            let (key, bytes) = row?;
            let (sender, sequence) = key.value();
            let of = circle.rank(sender);
            if of < rank && (!is_brought(sender) || of == Rank::Muted) {
                lower.entry(*sender).or_default().push(Mail { sequence, bytes: bytes.value() });
            }
        }
        let mut lower: Vec<(Rank, Reverse<u64>, Vec<Mail>)> = lower
            .into_iter()
            .map(|(sender, mail)| {
                (circle.rank(&sender), Reverse(mail.iter().map(|mail| mail.bytes).sum()), mail)
            })
            .collect();
        lower.sort_unstable();
        Ok(lower.into_iter().flat_map(|(_, _, mail)| mail).collect())
    }

    /// The people on the owner's lists, as far as they were read in this transaction. Give them back when done.
    pub(super) fn circle(&mut self) -> Result<Circle, redb::Error> {
        if let Some(circle) = self.circle.take() {
            return Ok(circle);
        }
        Ok(Circle { followed: self.listed(Kind::FOLLOW_LIST)?, muted: self.listed(Kind::MUTE_LIST)? })
    }

    /// The people on the owner's newest list of a kind.
    fn listed(&mut self, kind: Kind) -> Result<BTreeSet<PublicKey>, redb::Error> {
        let Some(owner) = self.owner else { return Ok(BTreeSet::new()) };
        let rows = Prefix::author_kind(&owner, kind).range(0, u64::MAX);
        let Some((_, sequence)) = self.rows.backwards(&rows)?.next()?.and_then(index::tail) else {
            return Ok(BTreeSet::new());
        };
        let list = self.event(sequence)?;
        let people = |list: Event| list.tag_values("p").filter_map(|person| person.parse().ok()).collect();
        Ok(list.map(people).unwrap_or_default())
    }
}
