//! The table of kinds: how events of each kind travel, and who may see them.
//!
//! An event of a kind without a row stays on its author's node for its author alone; if it is ephemeral it is not
//! stored at all. Each constant of [`Kind`] has a row, and PROTOCOL.md says the same; the tests below compare them.

use std::collections::BTreeSet;

use crate::Kind;

/// How events of a kind travel from their author's node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Routing {
    /// Broadcast to all.
    Everyone,
    /// Broadcast, or delivered to the people whom it answers or mentions; see [`super::is_for_everyone`].
    AsConversation,
    /// Delivered to the people in its `p` tags.
    ToNamed,
    /// Delivered to the person in its last `p` tag (NIP-25).
    ToLastNamed,
    /// Sent wherever the events went that it deletes (NIP-09).
    AsTargets,
    /// Delivered to the author of the poll in its `e` tag (NIP-88), and served on request: votes.
    ToPollAuthor,
    /// Not pushed, but served on request: lists of a person that others need.
    OnRequest,
    /// Not at all: it stays on its author's node.
    Stays,
    /// It is not even stored: logins and other ephemeral events (NIP-01).
    Unstored,
}

/// Who may see events of a kind on the relay of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReadAccess {
    /// Anybody: guests see it, and mirrors are given it.
    Anybody,
    /// The author and the people it names.
    OwnerOnly,
}

use ReadAccess::{Anybody, OwnerOnly};
use Routing::{
    AsConversation, AsTargets, Everyone, OnRequest, Stays, ToLastNamed, ToNamed, ToPollAuthor, Unstored,
};

/// One row for each kind, the lowest number first. Kinds that stay on the author's node are for anybody's eyes where their
/// NIP makes them so.
///
/// The mute list (10000) is public by NIP-51, but shows whom a person dislikes. 30078 (data of programs) and drafts
/// (30024, 31234) are nobody's business.
const TABLE: [(u16, Routing, ReadAccess); 84] = [
    (0, Everyone, Anybody),
    (1, AsConversation, Anybody),
    (2, Stays, Anybody),
    (3, OnRequest, Anybody),
    (4, Stays, OwnerOnly),
    (5, AsTargets, OwnerOnly),
    (6, Everyone, Anybody),
    (7, ToLastNamed, OwnerOnly),
    (8, Stays, Anybody),
    (13, Stays, OwnerOnly),
    (14, Stays, OwnerOnly),
    (15, Stays, OwnerOnly),
    (16, Everyone, Anybody),
    (20, Everyone, Anybody),
    (21, Stays, Anybody),
    (22, Stays, Anybody),
    (40, Stays, Anybody),
    (41, Stays, Anybody),
    (42, Stays, Anybody),
    (43, Stays, Anybody),
    (44, Stays, Anybody),
    (62, Stays, Anybody),
    (818, Stays, Anybody),
    (1018, ToPollAuthor, Anybody),
    (1040, Stays, Anybody),
    (1059, ToNamed, OwnerOnly),
    (1063, Stays, Anybody),
    (1068, Everyone, Anybody),
    (1111, AsConversation, Anybody),
    (1222, Everyone, Anybody),
    (1244, AsConversation, Anybody),
    (1311, Stays, Anybody),
    (1337, Stays, Anybody),
    (1617, Stays, Anybody),
    (1621, Stays, Anybody),
    (1984, Stays, Anybody),
    (1985, Stays, Anybody),
    (9802, Everyone, Anybody),
    (10_000, Stays, OwnerOnly),
    (10_001, OnRequest, Anybody),
    (10_002, OnRequest, Anybody),
    (10_003, Stays, Anybody),
    (10_004, Stays, Anybody),
    (10_005, Stays, Anybody),
    (10_006, Stays, Anybody),
    (10_007, Stays, Anybody),
    (10_009, Stays, Anybody),
    (10_012, Stays, Anybody),
    (10_015, Stays, Anybody),
    (10_020, Stays, Anybody),
    (10_030, OnRequest, Anybody),
    (10_044, OnRequest, Anybody),
    (10_050, OnRequest, Anybody),
    (10_063, OnRequest, Anybody),
    (21_059, Unstored, OwnerOnly),
    (22_242, Unstored, OwnerOnly),
    (30_000, Stays, Anybody),
    (30_002, Stays, Anybody),
    (30_003, Stays, Anybody),
    (30_004, Stays, Anybody),
    (30_005, Stays, Anybody),
    (30_007, Stays, Anybody),
    (30_008, Stays, Anybody),
    (30_009, Stays, Anybody),
    (30_015, Stays, Anybody),
    (30_017, Stays, Anybody),
    (30_018, Stays, Anybody),
    (30_023, Everyone, Anybody),
    (30_030, Stays, Anybody),
    (30_040, Stays, Anybody),
    (30_041, Stays, Anybody),
    (30_063, Stays, Anybody),
    (30_078, Stays, OwnerOnly),
    (30_311, Stays, Anybody),
    (30_315, Stays, Anybody),
    (30_402, Stays, Anybody),
    (30_617, Stays, Anybody),
    (30_618, Stays, Anybody),
    (30_818, Stays, Anybody),
    (31_922, Stays, Anybody),
    (31_923, Stays, Anybody),
    (31_924, Stays, Anybody),
    (31_925, Stays, Anybody),
    (34_550, Stays, Anybody),
];

fn row(kind: Kind) -> Option<&'static (u16, Routing, ReadAccess)> {
    TABLE.binary_search_by_key(&kind.0, |row| row.0).ok().and_then(|place| TABLE.get(place))
}

/// How events of a kind travel, unless they are protected (NIP-70).
pub fn routing(kind: Kind) -> Routing {
    match row(kind) {
        Some((_, routing, _)) => *routing,
        None if kind.is_ephemeral() => Unstored,
        None => Stays,
    }
}

/// Whether events of a kind are served on request: the follow list, pinned notes, relays (NIP-65), emoji, the
/// encryption key (NIP-4E), relays for direct messages (NIP-17), media servers (NIP-B7).
pub fn is_served_on_request(kind: Kind) -> bool {
    routing(kind) == OnRequest
}

/// Whether some events of a kind may be seen by anybody.
pub fn is_open_kind(kind: Kind) -> bool {
    row(kind).is_some_and(|(_, _, access)| *access == Anybody)
}

/// Whether events of a kind are for everyone or for some people, as each of them says: posts, comments (NIP-22) and voice
/// answers (NIP-A0).
pub fn is_conversation(kind: Kind) -> bool {
    routing(kind) == AsConversation
}

/// The kinds of which that is true.
pub fn conversation_kinds() -> BTreeSet<Kind> {
    kinds(|(_, routing, _)| *routing == AsConversation)
}

/// Whether a kind is part of a direct message (NIP-04, NIP-17): who is not signed in never sees any.
pub const fn is_direct_message(kind: Kind) -> bool {
    matches!(kind.0, 4 | 13..=15 | 1059 | 21_059)
}

/// Whether a kind is signed by a key that is thrown away, which says nothing about who sent it (NIP-59).
pub const fn is_gift_wrap(kind: Kind) -> bool {
    matches!(kind, Kind::GIFT_WRAP | Kind::EPHEMERAL_GIFT_WRAP)
}

/// Whether a kind passes on another event (NIP-18).
pub const fn is_repost(kind: Kind) -> bool {
    matches!(kind.0, 6 | 16)
}

/// The kinds of which some events are public ([`super::is_public`]).
pub fn public_kinds() -> BTreeSet<Kind> {
    kinds(|(_, routing, _)| matches!(routing, Everyone | AsConversation | OnRequest | ToPollAuthor))
}

/// The kinds of which some events are open ([`super::is_open`]).
pub fn open_kinds() -> BTreeSet<Kind> {
    kinds(|(_, _, access)| *access == Anybody)
}

fn kinds(are: impl Fn(&(u16, Routing, ReadAccess)) -> bool) -> BTreeSet<Kind> {
    TABLE.iter().filter(|row| are(row)).map(|row| Kind(row.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_are_in_order_and_what_is_public_is_open() {
        assert!(TABLE.is_sorted_by(|one, next| one.0 < next.0));
        assert!(public_kinds().is_subset(&open_kinds()));
        for (kind, travels, _) in TABLE {
            let kind = Kind(kind);
            assert_eq!(travels == Unstored, kind.is_ephemeral(), "{kind:?}");
            assert!(travels != OnRequest || kind.is_replaceable(), "{kind:?}: one event answers a question");
            assert!(!(is_direct_message(kind) && is_open_kind(kind)), "{kind:?}");
        }
        assert_eq!((routing(Kind(20_001)), routing(Kind(40_000))), (Unstored, Stays));
        assert!(!is_open_kind(Kind(30_024)) && !is_open_kind(Kind(31_234)), "drafts");
    }

    #[test]
    fn each_kind_that_has_a_name_has_a_row() {
        let named = include_str!("../kind.rs").lines().filter_map(|line| {
            let number = line.trim().strip_prefix("pub const ")?.split_once("Self = Self(")?.1;
            number.strip_suffix(");")?.replace('_', "").parse().ok()
        });
        let named: Vec<u16> = named.collect();
        assert!(named.len() > 10, "the constants are written differently now");
        for kind in named {
            assert!(row(Kind(kind)).is_some(), "kind {kind} has a name and no row");
        }
    }

    /// The words of PROTOCOL.md for each way of travelling.
    const fn words(travels: Routing) -> &'static str {
        match travels {
            Everyone => "everyone",
            AsConversation => "the people in the `p` tags",
            ToNamed => "the people in the `p` tags",
            ToLastNamed => "the person in the last `p` tag",
            AsTargets => "wherever the events in its `e` and `a` tags went",
            ToPollAuthor => "the author of the poll in its `e` tag",
            OnRequest => "whoever asks, see Questions",
            Unstored => "nobody, and it is not stored",
            Stays => "stays on the author's node",
        }
    }

    #[test]
    fn protocol_md_says_of_each_kind_what_the_table_says() {
        let (_, chapter) = include_str!("../../../PROTOCOL.md").split_once("## What travels how").unwrap();
        let rows = chapter.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
        let rows: Vec<(BTreeSet<u16>, &str)> = rows
            .take_while(|line| line.starts_with('|'))
            .map(|line| {
                let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
                (cells[1].split(", ").filter_map(|kind| kind.parse().ok()).collect(), cells[2])
            })
            .collect();
        for (kind, travels, _) in TABLE.iter().filter(|row| !matches!(row.1, Stays | Unstored)) {
            let said =
                rows.iter().any(|(kinds, text)| kinds.contains(kind) && text.starts_with(words(*travels)));
            assert!(said, "PROTOCOL.md does not say how {kind} travels");
        }
        for (kinds, text) in &rows {
            for kind in kinds {
                let said = routing(Kind(*kind));
                let matches =
                    text.starts_with(words(said)) || (said == AsConversation && *text == words(Everyone));
                assert!(matches, "PROTOCOL.md says of {kind}: {text}; the table says {said:?}");
            }
        }
    }
}
