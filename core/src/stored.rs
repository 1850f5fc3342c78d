//! What a store reports about an event, and what it is told about its origin. The store decides neither.

use nostrp2p_protocol::{PublicKey, event_policy::Audience};

use crate::mailbox::Sender;

/// The result of storing an event, or a sentence for the log why it failed.
pub type Stored = Result<Inserted, String>;

/// The store's decision about an event.
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

/// Whether neighbours may get an event of this node when they catch up.
///
/// It matters for deletions alone, because they do not show whether their targets were public.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// It was broadcast, or came from a node that had it by broadcast.
    Shared,
    /// It came by another path; it is shared if the event itself is public.
    ByItself,
    /// As before; it came from another node of the owner.
    OwnNode,
}

/// The origin of an event, and whether it still has to reach other nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Propagation {
    /// It came from other nodes, or stays here.
    Done,
    /// Another node has handed it over for the owner; this is who answers for it.
    Handed(Sender),
    /// Anybody has brought it to the owner's inbox; this is who answers for it. It goes nowhere from here.
    Brought(Sender),
    /// Another node of the owner had it.
    OwnNode,
    /// It came from a file of the owner, or from a damaged store, with this mark.
    Restored(Mark),
    /// Others have shared it with everybody: neighbours may have it from here, also if it is a deletion.
    Shared,
    /// It came from this relay; other nodes get it only if they ask.
    Mirrored(String),
    /// It is public, and no other node has taken it yet.
    Ahead,
    /// It is for these people; the delivery to each begins at this time, in seconds since 1970.
    To(Vec<PublicKey>, u64),
}

/// The origin of another person's event in an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// None: neighbours get it only if they ask.
    None,
    /// It was broadcast: neighbours may have it.
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
    /// The propagation of an event that the owner has just published. `now` is in seconds since 1970.
    pub fn of_own(audience: &Audience, now: u64) -> Self {
        match audience {
            Audience::Everyone => Self::Ahead,
            Audience::People(people) => Self::To(people.iter().copied().collect(), now),
            Audience::AsTargets | Audience::PollAuthor | Audience::Nobody | Audience::Unwanted => Self::Done,
        }
    }
}
