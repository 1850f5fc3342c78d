//! What a store reports about an event, and what it is told about its origin. The store decides neither.

use nostrp2p_protocol::{PublicKey, event_policy::Audience};

use crate::mailbox::Sender;

/// What became of an event: where it is stored, or a sentence for the log why it could not be.
pub type Stored = Result<Inserted, String>;

/// What became of an event that was to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// It is stored under this new sequence number.
    New(u64),
    /// It was there already, under this sequence number.
    Known(u64),
    /// A newer one of the same author, kind and `d` tag is there, under this sequence number.
    Superseded(u64),
    /// It is not stored, because its author has deleted it (NIP-09).
    Deleted,
    /// It is not stored, because it has ended (NIP-40).
    Ended,
    /// It is not stored, because its author has written too much in that hour (see [`nostrp2p_protocol::event_policy::room`]).
    Surplus,
    /// It is not stored now, because the mailbox is full and holds no mail that ranks lower.
    MailboxFull,
}

impl Inserted {
    /// The sequence number under which a reader finds this event or what replaced it; None when there is neither.
    pub const fn sequence(self) -> Option<u64> {
        match self {
            Self::New(sequence) | Self::Known(sequence) | Self::Superseded(sequence) => Some(sequence),
            Self::Deleted | Self::Ended | Self::Surplus | Self::MailboxFull => None,
        }
    }
}

/// Whether neighbours may have an event of this node when they catch up.
///
/// It decides for deletions alone: whether their targets were for everyone cannot be seen in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// It was broadcast, or came from somebody to whom it was.
    Shared,
    /// It came in another way: it is shared if it is for everyone by itself.
    ByItself,
    /// As before; it came from another node of the owner.
    OwnNode,
}

/// Where an event comes from, and whether it still has to reach other nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Propagation {
    /// It came from there, or stays here.
    Done,
    /// Another node has handed it over for the owner; this is who answers for it.
    Handed(Sender),
    /// Anybody has brought it to the owner's inbox; this is who answers for it. It goes nowhere from here.
    Brought(Sender),
    /// Another node of the owner had it.
    OwnNode,
    /// It stood in a file of the owner's, or in a damaged store, with this mark.
    Restored(Mark),
    /// Others have shared it with everybody: neighbours may have it from here, also if it is a deletion.
    Shared,
    /// It came from this relay and is not for other nodes, unless they ask.
    Mirrored(String),
    /// It is for everyone, and nobody has taken it yet.
    Ahead,
    /// It is for these people; each gets a delivery that begins at this time.
    To(Vec<PublicKey>, u64),
}

/// What an export says of an event of somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// Nothing: neighbours do not get it from here unless they ask.
    None,
    /// It was sent to everybody: neighbours may have it.
    Shared,
    /// It came from this relay.
    Mirrored(String),
}

impl From<Sharing> for Propagation {
    fn from(sharing: Sharing) -> Self {
        match sharing {
            Sharing::Shared => Self::Shared,
            Sharing::ByItself => Self::Done,
            Sharing::OwnNode => Self::OwnNode,
        }
    }
}

impl Propagation {
    /// That of an event which the owner has published just now, `now` in seconds since 1970.
    pub fn of_own(audience: &Audience, now: u64) -> Self {
        match audience {
            Audience::Everyone => Self::Ahead,
            Audience::People(people) => Self::To(people.iter().copied().collect(), now),
            Audience::AsTargets | Audience::PollAuthor | Audience::Nobody | Audience::Unwanted => Self::Done,
        }
    }
}
