//! The events that pass between the overlay and Nostr relays: which go out, and which come in.

use std::collections::BTreeSet;

use nostrp2p_protocol::{
    Event, Filter, Kind, PublicKey,
    event_policy::{EventAddress, is_open, is_open_kind, is_protected},
    limits::MAX_LIST_ENTRIES,
};

/// Most authors of one filter; relays refuse long ones. Two of these fit into 64 KiB.
const AUTHORS: usize = 450;
/// The kinds that a mirror asks of people whom the owner follows: profile, posts, deletions, reposts, pictures, polls, voice messages,
/// highlights, relay list, articles.
const OF_PEOPLE: [u16; 11] = [0, 1, 5, 6, 16, 20, 1068, 1222, 9802, 10_002, 30_023];
/// The kinds that a mirror asks of anybody, where they name the owner: replies and mentions, reposts, likes, comments, voice answers.
const TO_OWNER: [u16; 6] = [1, 6, 7, 16, 1111, 1244];

/// The kinds that a mirror asks of the owner, who wrote them with other programs: posts, deletions, reposts, likes, pictures, polls, comments, voice
/// messages, highlights, articles.
const BY_OWNER: [u16; 13] = [1, 5, 6, 7, 16, 20, 1018, 1068, 1111, 1222, 1244, 9802, 30_023];

/// The kinds of the owner's own events that are wanted: profile, follow list, and every list and set of NIP-51 and of
/// the NIPs that it names, as another program may have left them.
const OF_OWNER: [u16; 38] = [
    0, 3, 10_000, 10_001, 10_002, 10_003, 10_004, 10_005, 10_006, 10_007, 10_009, 10_012, 10_013, 10_015,
    10_017, 10_018, 10_019, 10_020, 10_030, 10_044, 10_050, 10_051, 10_063, 10_101, 10_102, 30_000, 30_002,
    30_003, 30_004, 30_005, 30_006, 30_007, 30_015, 30_030, 30_063, 30_267, 39_089, 39_092,
];

/// The filters for a relay: first the owner's profile and lists, on which pages and programs build the next ones, then
/// what the owner wrote elsewhere and what is for the owner, then what `followed` write.
pub fn interest(owner: &PublicKey, followed: &BTreeSet<PublicKey>) -> Vec<Filter> {
    let followed: Vec<PublicKey> = followed.iter().take(MAX_LIST_ENTRIES).copied().collect();
    let kinds = |kinds: &[u16]| Some(kinds.iter().copied().map(Kind).collect());
    let by_people = followed.chunks(AUTHORS).map(|authors| Filter {
        authors: Some(authors.iter().copied().collect()),
        kinds: kinds(&OF_PEOPLE),
        ..Filter::default()
    });
    let of_owner = Filter { authors: Some([*owner].into()), kinds: kinds(&OF_OWNER), ..Filter::default() };
    let by_owner = Filter { authors: Some([*owner].into()), kinds: kinds(&BY_OWNER), ..Filter::default() };
    let to_owner = interest_in_answers(owner);
    [of_owner, by_owner, to_owner].into_iter().chain(by_people).collect()
}

/// The only filter for a relay that the node uses because somebody reads there whom the owner has answered: it asks for what
/// names the owner.
pub fn interest_in_answers(owner: &PublicKey) -> Filter {
    let kinds = Some(TO_OWNER.into_iter().map(Kind).collect());
    Filter { kinds, tags: [('p', [owner.to_string()].into())].into(), ..Filter::default() }
}

/// Whether an event of the owner is given to mirrors: never a private one, and none that is protected (NIP-70).
///
/// A deletion is given if one of its targets was, which `was_given` says, or if it names an address of an open kind.
pub fn is_offered(event: &Event, owner: &PublicKey, was_given: impl Fn(&str) -> bool) -> bool {
    if event.pubkey != *owner || is_protected(event) {
        return false;
    }
    if event.kind == Kind::DELETION {
        return event.tag_values("e").any(was_given) || event.tag_values("a").any(is_open_address);
    }
    is_open(event)
}

/// Whether `kind:pubkey:d` is of a kind that is open.
fn is_open_address(address: &str) -> bool {
    EventAddress::parse(address).is_some_and(|address| is_open_kind(address.kind))
}
