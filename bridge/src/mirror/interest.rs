//! What passes between the overlay and the rest of Nostr: which events go out, and which come in.

use std::collections::BTreeSet;

use nostrp2p_protocol::{
    Event, Filter, Kind, PublicKey,
    event_policy::{EventAddress, is_open, is_open_kind, is_protected},
};

/// Most authors of one filter; relays refuse long ones.
const AUTHORS: usize = 500;
/// Most authors of all; a follow list of this length fits.
const MAX_AUTHORS: usize = 2_000;
/// What is wanted of people who are followed: profile, posts, deletions, reposts, relay list, articles.
const OF_PEOPLE: [u16; 7] = [0, 1, 5, 6, 16, 10_002, 30_023];
/// What is wanted that names the owner: replies and mentions, reposts, likes, comments.
const TO_OWNER: [u16; 5] = [1, 6, 7, 16, 1111];

/// What is wanted of the owner's own: profile, follow, mute, relay and other lists, as another program may have left them.
const OF_OWNER: [u16; 15] = [
    0, 3, 10_000, 10_001, 10_002, 10_003, 10_004, 10_005, 10_006, 10_007, 10_015, 10_030, 10_050, 30_000,
    30_003,
];

/// The filters for a relay: what `followed` write, what is for the owner, and the owner's profile and lists.
pub fn interest(owner: &PublicKey, followed: &BTreeSet<PublicKey>) -> Vec<Filter> {
    let followed: Vec<PublicKey> = followed.iter().take(MAX_AUTHORS).copied().collect();
    let kinds = |kinds: &[u16]| Some(kinds.iter().copied().map(Kind).collect());
    let by_people = followed.chunks(AUTHORS).map(|authors| Filter {
        authors: Some(authors.iter().copied().collect()),
        kinds: kinds(&OF_PEOPLE),
        ..Filter::default()
    });
    let to_owner = Filter {
        kinds: kinds(&TO_OWNER),
        tags: [('p', [owner.to_string()].into())].into(),
        ..Filter::default()
    };
    let of_owner = Filter { authors: Some([*owner].into()), kinds: kinds(&OF_OWNER), ..Filter::default() };
    by_people.chain([to_owner, of_owner]).collect()
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
