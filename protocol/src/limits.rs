//! The limits of messages. A receiver refuses or ignores whatever exceeds them.

use crate::Kind;

/// Longest canonical serialisation of an event, in bytes: 64 KiB, as strfry takes.
pub const MAX_EVENT_BYTES: usize = 64 * 1024;

/// Most tags of an event. [`MAX_EVENT_BYTES`] is reached earlier by long ones: about 900 plain `p` tags fit.
pub const MAX_TAGS: usize = 2_000;

/// Most entries of a long list ([`Kind::is_long_list`]), as people's follow and mute lists may have.
pub const MAX_LIST_ENTRIES: usize = 10_000;

/// Most tags of a long list: its entries, and `d`, `title` and other tags that describe it.
pub const MAX_LIST_TAGS: usize = MAX_LIST_ENTRIES + 100;

/// Longest canonical serialisation of a long list, in bytes: [`MAX_LIST_ENTRIES`] people of 72 bytes each, or of 97 with a
/// relay. It fits into an answer of [`MAX_BATCH_BYTES`], with room.
pub const MAX_LIST_BYTES: usize = 960 * 1024;

/// Most people (`p` tags) whom a post, repost, reaction or gift wrap names. A conversation of more is a mailing list, and
/// mentions of hundreds are how spam calls for attention; a guess. Lists of people may hold more.
pub const MAX_PEOPLE: usize = 100;

/// Most elements of one tag. The longest in the NIPs has about a dozen; a guess with room.
pub const MAX_TAG_ELEMENTS: usize = 100;

/// How far ahead of the receiver's clock an event may be dated, in seconds: 900, as strfry takes.
pub const MAX_SECONDS_AHEAD: u64 = 900;

/// Whether a time lies further ahead than any honest clock says. Both in seconds since 1970.
pub const fn is_ahead(at: u64, now: u64) -> bool {
    at > now.saturating_add(MAX_SECONDS_AHEAD)
}

/// Latest `created_at` of an event in seconds: what a double and JavaScript hold exactly.
pub const MAX_CREATED_AT: u64 = (1 << 53) - 1;

/// Longest frame between client and node in bytes: an event and its frame with room, 128 KiB as relays take.
pub const MAX_FRAME_BYTES: usize = 128 * 1024;

/// Longest frame of a client whose owner has signed in, in bytes: a long list and its frame, with room.
pub const MAX_OWNER_FRAME_BYTES: usize = MAX_LIST_BYTES + 16 * 1024;

/// Longest message of a Nostr program at the relay, in bytes, as long as nobody has signed in: a question that names
/// [`MAX_FILTER_VALUES`] people, each in 67 bytes of JSON, with as many events and a search has room.
pub const MAX_RELAY_MESSAGE_BYTES: usize = 256 * 1024;

/// Longest message and body of the owner's Nostr programs, in bytes: a long list in JSON with white space, or a question
/// that names [`MAX_OWNER_FILTER_VALUES`] people.
pub const MAX_OWNER_MESSAGE_BYTES: usize = 1_280 * 1024;

/// Longest body of a batch after decompression, in bytes. The node closes a batch well before.
pub const MAX_BATCH_BYTES: usize = 1024 * 1024;

/// Most events of one batch or answer: 500, the filter limit that strfry takes.
pub const MAX_BATCH_EVENTS: usize = 500;

/// Most filters of one question.
pub const MAX_FILTERS: usize = 20;

/// Most values of one field of a filter, from anybody.
pub const MAX_FILTER_VALUES: usize = 2_000;

/// Most values of one field of a filter of the owner's programs: everybody in a long list.
pub const MAX_OWNER_FILTER_VALUES: usize = MAX_LIST_ENTRIES;

/// Longest text of a refusal or an agent name, in bytes. Longer ones are cut by the sender.
pub const MAX_TEXT_BYTES: usize = 1_000;

/// Longest name of a read marker, in bytes: a kind of view and an event id fit.
pub const MAX_MARKER_BYTES: usize = 80;

/// Most read markers of an owner. When there are more, those with the earliest time are dropped.
pub const MAX_MARKERS: usize = 1_000;

/// Most addresses of each kind that a node tells its clients: it keeps two or three helpers.
pub const MAX_WAYS: usize = 8;

/// Longest way to a node in bytes: a DNS name has at most 253.
pub const MAX_WAY_BYTES: usize = 270;

/// Most tags of an event of this kind, and the longest canonical serialisation in bytes.
pub const fn of_kind(kind: Kind) -> (usize, usize) {
    if kind.is_long_list() { (MAX_LIST_TAGS, MAX_LIST_BYTES) } else { (MAX_TAGS, MAX_EVENT_BYTES) }
}

// What is built on each other fits: an event into its frame, and into an answer among others.
const _: () = assert!(MAX_EVENT_BYTES * 3 / 2 < MAX_FRAME_BYTES && MAX_LIST_BYTES < MAX_OWNER_FRAME_BYTES);
const _: () =
    assert!(MAX_OWNER_FRAME_BYTES < MAX_BATCH_BYTES && MAX_OWNER_FRAME_BYTES < MAX_OWNER_MESSAGE_BYTES);
const _: () = assert!(MAX_FILTER_VALUES * 67 < MAX_RELAY_MESSAGE_BYTES);
const _: () = assert!(MAX_OWNER_FILTER_VALUES * 67 < MAX_OWNER_MESSAGE_BYTES);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Event, EventTemplate, Filter, Oversize, PublicKey, SecretKey, Tag,
        frame::{ClientFrame, NodeFrame},
        rpc::{Found, OwnPage, RpcRequest},
    };

    fn people(count: usize) -> impl Iterator<Item = String> {
        (0..count).map(|number| format!("{number:064x}"))
    }

    fn event(kind: u16, tags: Vec<Tag>, content: &str) -> Event {
        let draft =
            EventTemplate { created_at: 1_700_000_000, kind: Kind(kind), tags, content: content.to_owned() };
        draft.sign(&SecretKey::from_bytes([1; 32]).unwrap(), &[0; 32])
    }

    fn list(kind: u16, entries: usize, more: usize) -> Event {
        let mut tags: Vec<Tag> = (0..more).map(|_| Tag::new(["title", "x"])).collect();
        tags.extend(people(entries).map(|person| Tag::new(["p".to_owned(), person])));
        event(kind, tags, "")
    }

    #[test]
    fn each_kind_is_taken_up_to_its_numbers() {
        for kind in 0..=u16::MAX {
            let long = matches!(kind, 3 | 10_000 | 30_000);
            let expected = if long { (10_100, 983_040) } else { (2_000, 65_536) };
            assert_eq!(of_kind(Kind(kind)), expected, "{kind}");
        }
        for kind in [3, 10_000, 30_000] {
            assert_eq!(list(kind, MAX_LIST_ENTRIES, 100).check_shape(), Ok(()));
            assert_eq!(list(kind, MAX_LIST_ENTRIES, 101).check_shape(), Err(Oversize::ListTags));
            let empty = event(kind, vec![], "").size();
            let full = |more| event(kind, vec![], &"x".repeat(MAX_LIST_BYTES - empty + more));
            assert_eq!(full(0).check_shape(), Ok(()));
            assert_eq!(full(1).check_shape(), Err(Oversize::ListBytes));
            assert!(full(0).is_long() && !event(kind, vec![Tag::new(["t"]); MAX_TAGS], "").is_long());
        }
        let empty = event(1, vec![], "").size();
        let full = |more| event(1, vec![], &"x".repeat(MAX_EVENT_BYTES - empty + more));
        assert_eq!((full(0).check_shape(), full(1).check_shape()), (Ok(()), Err(Oversize::Bytes)));
        assert_eq!(event(1, vec![Tag::new(["t"]); MAX_TAGS], "").check_shape(), Ok(()));
        assert_eq!(event(1, vec![Tag::new(["t"]); MAX_TAGS + 1], "").check_shape(), Err(Oversize::Tags));
    }

    #[test]
    fn the_longest_list_passes_through_every_message_that_may_hold_it() {
        let with_relay = |person| Tag::new(["p".to_owned(), person, "wss://relay.example.com".to_owned()]);
        let long = event(3, people(MAX_LIST_ENTRIES - 100).map(with_relay).collect(), "");
        assert_eq!(long.check_shape(), Ok(()));
        let sealed = "x".repeat(MAX_LIST_BYTES - 400);
        for long in [long, list(30_000, MAX_LIST_ENTRIES, 100), event(10_000, vec![], &sealed)] {
            let unsigned = long.clone().into_rumor();
            let published = ClientFrame::Publish { request: 1, event: long.clone().into() }.encode();
            assert!(published.len() <= MAX_OWNER_FRAME_BYTES, "{}", published.len());
            assert!(
                ClientFrame::decode(&published).is_err() && ClientFrame::decode_of_owner(&published).is_ok()
            );
            let answer = NodeFrame::Answer { request: 1, complete: true, events: vec![unsigned] };
            assert_eq!(NodeFrame::decode(&answer.clone().encode()), Ok(answer));
            let unverified = crate::UnverifiedEvent { claimed_id: None, ..long.into() };
            let found = Found { events: vec![unverified.clone()] };
            assert_eq!(Found::decode(&found.clone().encode()), Ok(found));
            let page = OwnPage { store: 1, through: 2, newest: 2, events: vec![unverified] };
            assert_eq!(OwnPage::decode(&page.clone().encode()), Ok(page));
        }
    }

    #[test]
    fn the_longest_messages_of_nostr_programs_fit_with_their_white_space() {
        let spaced = |person| format!("\n      [\"p\", \"{person}\", \"wss://relay.example.com\"],");
        let list: usize = people(MAX_LIST_ENTRIES).map(spaced).map(|line| line.len()).sum();
        let question: usize =
            people(MAX_OWNER_FILTER_VALUES).map(|key| format!("\n  \"{key}\",").len()).sum();
        assert!(list.max(question) + 1_000 < MAX_OWNER_MESSAGE_BYTES);
    }

    #[test]
    fn filters_hold_what_they_may_and_no_more() {
        let of = |count: usize| Filter {
            authors: Some(people(count).filter_map(|person| person.parse::<PublicKey>().ok()).collect()),
            ..Filter::default()
        };
        assert!(
            of(MAX_FILTER_VALUES).check_shape().is_ok() && of(MAX_FILTER_VALUES + 1).check_shape().is_err()
        );
        assert!(of(MAX_OWNER_FILTER_VALUES).check_shape_of_owner().is_ok());
        assert!(of(MAX_OWNER_FILTER_VALUES + 1).check_shape_of_owner().is_err());
        let asked = RpcRequest::Events(vec![of(MAX_FILTER_VALUES)]);
        assert_eq!(RpcRequest::decode(&asked.clone().encode()), Ok(asked));
    }
}
