//! Kind numbers that nostrp2p knows, and the ranges of kinds of NIP-01.

use serde::{Deserialize, Serialize};

/// An event kind (NIP-01), 0 to 65535.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Kind(pub u16);

impl Kind {
    /// Profile: name, picture and so on of a person (NIP-01).
    pub const PROFILE: Self = Self(0);
    /// Post, and with `p` tags a reply or mention (NIP-10).
    pub const POST: Self = Self(1);
    /// Follow list (NIP-02).
    pub const FOLLOW_LIST: Self = Self(3);
    /// Deletion request (NIP-09).
    pub const DELETION: Self = Self(5);
    /// Repost of a post (NIP-18).
    pub const REPOST: Self = Self(6);
    /// Reaction (NIP-25).
    pub const REACTION: Self = Self(7);
    /// Request to vanish (NIP-62): everything that its author wrote is to go.
    pub const VANISH: Self = Self(62);
    /// Mute list (NIP-51).
    pub const MUTE_LIST: Self = Self(10_000);
    /// Poll (NIP-88).
    pub const POLL: Self = Self(1068);
    /// Vote in a poll (NIP-88).
    pub const VOTE: Self = Self(1018);
    /// Gift wrap, which carries a direct message (NIP-59, NIP-17).
    pub const GIFT_WRAP: Self = Self(1059);
    /// Gift wrap that no relay stores (NIP-59).
    pub const EPHEMERAL_GIFT_WRAP: Self = Self(21059);
    /// Login (NIP-42). Never stored.
    pub const LOGIN: Self = Self(22242);
    /// Application data (NIP-78); with a `d` tag `nostrp2p:node:...` the delegation of a node.
    pub const APPLICATION_DATA: Self = Self(30078);

    /// Whether only the newest of an author counts: 0, 3 and 10000 to 19999 (NIP-01).
    pub const fn is_replaceable(self) -> bool {
        matches!(self.0, 0 | 3 | 10_000..=19_999)
    }

    /// Whether it is a list of people that may be longer than other events: a follow list (NIP-02), a mute list or a set of
    /// people (NIP-51). See [`crate::limits::MAX_LIST_ENTRIES`].
    pub const fn is_long_list(self) -> bool {
        matches!(self.0, 3 | 10_000 | 30_000)
    }

    /// Whether it is never stored: 20000 to 29999 (NIP-01).
    pub const fn is_ephemeral(self) -> bool {
        matches!(self.0, 20_000..=29_999)
    }

    /// Whether only the newest of an author and `d` tag counts: 30000 to 39999 (NIP-01).
    pub const fn is_addressable(self) -> bool {
        matches!(self.0, 30_000..=39_999)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ranges_of_nip_01_do_not_overlap() {
        for number in 0..=u16::MAX {
            let kind = Kind(number);
            let ranges = [kind.is_replaceable(), kind.is_ephemeral(), kind.is_addressable()];
            assert!(ranges.iter().filter(|is| **is).count() <= 1, "{number}");
        }
        assert!(Kind::PROFILE.is_replaceable() && Kind::FOLLOW_LIST.is_replaceable());
        assert!(Kind::LOGIN.is_ephemeral() && Kind::APPLICATION_DATA.is_addressable());
        assert!(
            !Kind::POST.is_replaceable() && !Kind(9_999).is_replaceable() && !Kind(40_000).is_addressable()
        );
    }
}
