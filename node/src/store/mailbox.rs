//! The owner's mail: what others have addressed to the owner, and by whom each piece is ranked when the mailbox is full.
//!
//! Neither age nor what others write takes mail away, only deletion (NIP-09), expiration (NIP-40), vanishing (NIP-62) and
//! the bound in bytes ([`super::Retention::mail_bytes`]). At the bound mail displaces mail of a lower [`Rank`] alone; where
//! there is none it is refused, so nobody erases what was acknowledged to others of the same rank.
//! What somebody brings to the inbox whom the owner does not follow displaces nothing, is displaced by nothing, and has a
//! part of the mailbox ([`BROUGHT_PART`]); the rest is for what comes over the overlay and from people who are followed.

use std::collections::BTreeSet;

use nostrp2p_core::Sender;
use nostrp2p_protocol::PublicKey;
use redb::{ReadableTable, TableDefinition, WriteTransaction};

use super::on_demand::OnDemand;

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
    pub(super) muted: BTreeSet<PublicKey>,
}

/// The open tables.
pub(super) struct Mailbox<'txn> {
    senders: OnDemand<'txn, u64, &'static SenderKey>,
    pub(super) by_sender: OnDemand<'txn, (&'static SenderKey, u64), u64>,
    /// Up to this rank nothing can be displaced: until some mail is gone, or the owner's lists have changed.
    pub(super) full_for: Option<Rank>,
    /// Bytes of what is [`BROUGHT`]. They are summed up when somebody brings something for the first time in a run, and
    /// followed from then on.
    pub(super) brought: Option<u64>,
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
    pub(super) fn brought_bytes(&mut self) -> Result<u64, redb::Error> {
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

pub(super) const fn is_brought(sender: &SenderKey) -> bool {
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

    pub(super) fn rank(&self, sender: &SenderKey) -> Rank {
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
