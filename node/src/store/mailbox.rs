//! The owner's mail: what others have addressed to the owner, and by whom each piece is ranked when the mailbox is full.
//!
//! Neither age nor what others write takes mail away, only deletion (NIP-09), expiration (NIP-40), vanishing (NIP-62) and
//! the bound in bytes ([`super::Retention::mail_bytes`]). At the bound mail displaces mail of a lower [`Rank`] alone; where
//! there is none it is refused, so nobody erases what was acknowledged to others of the same rank.
//! What somebody brings to the inbox whom the owner does not follow displaces nothing, is displaced by nothing, and has a
//! part of the mailbox ([`BROUGHT_PART`]); the rest is for what comes over the overlay and from people who are followed.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use nostrp2p_core::Sender;
use nostrp2p_protocol::{Event, Kind, PublicKey};
use redb::{ReadableTable, TableDefinition, WriteTransaction};

use super::{
    index::{self, Prefix},
    on_demand::OnDemand,
    usage::Owned,
    write::Tables,
};

/// Sequence number -> who answers for it ([`key_of`]), of each piece of mail, and of own copies ([`OWN`]).
pub(super) const MAIL: TableDefinition<u64, &SenderKey> = TableDefinition::new("mail");
/// Sender and sequence number -> what that piece of mail counts, in bytes ([`super::usage::cost`]).
pub(super) const BY_SENDER: TableDefinition<(&SenderKey, u64), u64> = TableDefinition::new("mail_by_sender");

/// What sort of sender, and the key of a person or node.
pub(super) type SenderKey = [u8; 33];
/// The sender of what is the owner's own under a key that is thrown away: gift wraps for others, and copies of them.
pub(super) const OWN: SenderKey = [2; 33];

/// The sort of what was brought to the inbox by people who were not followed then; its key is the person's, or nobody's.
const BROUGHT: u8 = 3;

/// All that people who are not followed bring to the inbox has one part of so many of the mailbox.
pub(super) const BROUGHT_PART: u64 = 4;

/// When mail is displaced, one part of so many of the mailbox is freed besides, so that the next piece finds room at once.
const SLACK: u64 = 256;

/// Who keeps their mail longest in a full mailbox: the highest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Muted,
    Stranger,
    Followed,
}

/// The people on the owner's follow list and on the public part of the mute list.
#[derive(Debug, Default)]
pub(super) struct Circle {
    pub(super) followed: BTreeSet<PublicKey>,
    muted: BTreeSet<PublicKey>,
}

/// The open tables.
pub(super) struct Mailbox<'txn> {
    senders: OnDemand<'txn, u64, &'static SenderKey>,
    by_sender: OnDemand<'txn, (&'static SenderKey, u64), u64>,
    /// Up to this rank nothing can be displaced: until some mail is gone, or the owner's lists have changed.
    pub(super) full_for: Option<Rank>,
    /// Bytes of what is [`BROUGHT`]. They are summed up when somebody brings something for the first time in a run, and
    /// followed from then on.
    pub(super) brought: Option<u64>,
}

/// A piece of mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Mail {
    sequence: u64,
    bytes: u64,
}

impl<'txn> Mailbox<'txn> {
    pub(super) const fn of(transaction: &'txn WriteTransaction) -> Self {
        Self {
            senders: OnDemand::new(transaction, MAIL),
            by_sender: OnDemand::new(transaction, BY_SENDER),
            full_for: None,
            brought: None,
        }
    }

    /// Opens the tables that are opened when they are used, for that creates them.
    pub(super) fn create_missing(&self) -> Result<(), redb::Error> {
        self.senders.get()?;
        self.by_sender.get()?;
        Ok(())
    }

    pub(super) fn insert(
        &mut self,
        sequence: u64,
        sender: &SenderKey,
        bytes: u64,
    ) -> Result<(), redb::Error> {
        self.senders.get_mut()?.insert(sequence, sender)?;
        if *sender != OWN {
            self.by_sender.get_mut()?.insert((sender, sequence), bytes)?;
        }
        if let Some(brought) = self.brought.as_mut().filter(|_| is_brought(sender)) {
            *brought = brought.saturating_add(bytes);
        }
        Ok(())
    }

    pub(super) fn sender(&self, sequence: u64) -> Result<Option<SenderKey>, redb::Error> {
        Ok(self.senders.get()?.get(sequence)?.map(|sender| *sender.value()))
    }

    pub(super) fn remove(&mut self, sequence: u64) -> Result<(), redb::Error> {
        let Some(sender) = self.senders.get_mut()?.remove(sequence)?.map(|sender| *sender.value()) else {
            return Ok(());
        };
        let bytes = self.by_sender.get_mut()?.remove((&sender, sequence))?.map_or(0, |bytes| bytes.value());
        if let Some(brought) = self.brought.as_mut().filter(|_| is_brought(&sender)) {
            *brought = brought.saturating_sub(bytes);
        }
        self.full_for = None;
        Ok(())
    }

    /// Bytes of what people have brought who were not followed then.
    fn brought_bytes(&mut self) -> Result<u64, redb::Error> {
        if let Some(brought) = self.brought {
            return Ok(brought);
        }
        let (mut first, mut last) = ([0; 33], [u8::MAX; 33]);
        (first[0], last[0]) = (BROUGHT, BROUGHT);
        let mut sum = 0_u64;
        for row in self.by_sender.get()?.range((&first, 0)..=(&last, u64::MAX))? {
            sum = sum.saturating_add(row?.1.value());
        }
        self.brought = Some(sum);
        Ok(sum)
    }
}

/// The form of a sender in the tables.
pub(super) fn key_of(sender: &Sender) -> SenderKey {
    let (sort, key) = match sender {
        Sender::Person(person) => (0, person.as_bytes()),
        Sender::Node(node) => (1, node.as_ed25519()),
        Sender::Anyone => (BROUGHT, &[0; 32]),
    };
    let mut bytes = [sort; 33];
    bytes.iter_mut().skip(1).zip(key).for_each(|(to, from)| *to = *from);
    bytes
}

const fn is_brought(sender: &SenderKey) -> bool {
    sender[0] == BROUGHT
}

impl Circle {
    /// The form of a sender who has brought something to the inbox: people who are followed count as everywhere.
    pub(super) fn bearer(&self, sender: SenderKey) -> SenderKey {
        let mut bearer = sender;
        if self.rank(&sender) != Rank::Followed {
            bearer[0] = BROUGHT;
        }
        bearer
    }

    fn rank(&self, sender: &SenderKey) -> Rank {
        let [0 | BROUGHT, key @ ..] = sender else { return Rank::Stranger };
        let person = PublicKey::from_bytes(*key);
        if self.muted.contains(&person) {
            Rank::Muted
        } else if self.followed.contains(&person) {
            Rank::Followed
        } else {
            Rank::Stranger
        }
    }
}

impl Tables<'_> {
    /// Whose a stored event is.
    pub(super) fn owned(&self, sequence: u64, event: &Event) -> Result<Owned, redb::Error> {
        if Some(event.pubkey) == self.owner {
            return Ok(Owned::Own);
        }
        Ok(match self.mailbox.sender(sequence)? {
            Some(OWN) => Owned::Own,
            Some(_) => Owned::Mail,
            None => Owned::Other,
        })
    }

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
