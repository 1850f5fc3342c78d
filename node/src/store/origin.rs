//! By what door an event came in, and what follows from it.

use nostrp2p_core::Sender;
use nostrp2p_protocol::{
    Event, Kind,
    event_policy::{Audience, audience},
};

use super::mailbox::{self, SenderKey};

/// Where an event comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) door: Door,
    /// Who answers for it, if it is mail; without, its author.
    pub(super) sender: Option<Sender>,
}

/// By what door an event came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    /// Others have sent it to everybody.
    Overlay,
    /// It was asked for, or handed over.
    Asked,
    /// It came from a relay: other nodes have it only if they ask.
    Mirror,
    /// It came from another node of the owner.
    OwnNode,
    /// The owner publishes it, for everybody or for some.
    Owner {
        /// Whether it is for everybody.
        shared: bool,
    },
    /// It stood in a file of the owner's, or in a damaged store.
    Restored {
        /// Whether it says that it was sent to everybody.
        shared: bool,
    },
}

impl Door {
    /// Whether an event that is for some people came so from one of them, and not from where anybody can read it.
    pub(super) const fn is_private(self) -> bool {
        matches!(self, Self::Asked | Self::OwnNode | Self::Owner { .. })
    }

    /// Whether the owner puts back what was there already: that is no gossip, and no rate counts.
    pub(super) const fn is_restoring(self) -> bool {
        matches!(self, Self::Restored { .. })
    }
}

impl Origin {
    pub(super) const fn by(door: Door) -> Self {
        Self { door, sender: None }
    }

    /// Whether neighbours may have an event when they catch up, as far as there is room for it. `own` says that the owner
    /// signed it.
    pub(super) fn is_shared(&self, event: &Event, own: bool) -> bool {
        let for_everyone = || audience(event) == Audience::Everyone;
        match self.door {
            Door::Overlay => true,
            Door::Owner { shared } => shared || for_everyone(),
            Door::Asked | Door::OwnNode => for_everyone(),
            Door::Restored { shared } => shared || (own && for_everyone()),
            Door::Mirror => false,
        }
    }

    /// Who answers for mail that came so. The key of a gift wrap is thrown away, so of one that came from the owner's other
    /// nodes or from a file nobody knows who handed it over: it counts as the owner's own copy.
    pub(super) fn sender_of(&self, event: &Event) -> SenderKey {
        let from_owner = matches!(self.door, Door::OwnNode | Door::Restored { .. });
        match self.sender {
            _ if from_owner && event.kind == Kind::GIFT_WRAP => mailbox::OWN,
            Some(sender) => mailbox::key_of(&sender),
            None => mailbox::key_of(&Sender::Person(event.pubkey)),
        }
    }
}
