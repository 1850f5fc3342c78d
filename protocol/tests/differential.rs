//! Compares ids, signatures and bech32 with the crate `nostr` over seeded random events full of nasty text.

use nostr::prelude::{SecretKey as TheirKey, ToBech32 as _};
use nostrp2p_protocol::{Event, EventTemplate, Kind, SecretKey, Tag, UnverifiedEvent};
use rand::{RngExt, SeedableRng, rngs::StdRng};

const EVENTS: usize = 3_000;

/// Pieces that break naive escaping, byte counting or normalisation.
const NASTY: [&str; 24] = [
    "\"",
    "\\",
    "\n",
    "\r",
    "\t",
    "\u{8}",
    "\u{c}",
    "\u{0}",
    "\u{1}",
    "\u{1f}",
    "\u{7f}",
    "\u{80}",
    "\u{2028}",
    "\u{2029}",
    "\u{202e}",
    "\u{feff}",
    "\u{fffd}",
    "\u{ffff}",
    "😀",
    "👨‍👩‍👧",
    "é",
    "e\u{301}",
    "</script>",
    "\\u0041",
];

fn text(random: &mut StdRng) -> String {
    let mut text = String::new();
    for _ in 0..random.random_range(0..12) {
        match random.random_range(0..3) {
            0 => text.push_str(NASTY[random.random_range(0..NASTY.len())]),
            1 => text.extend((0..random.random_range(0..9)).map(|_| random.random::<char>())),
            _ => text.extend((0..9).map(|_| char::from(random.random_range(0x20u8..0x7f)))),
        }
    }
    text
}

fn draft(random: &mut StdRng) -> EventTemplate {
    let tags = (0..random.random_range(0..5))
        .map(|_| Tag::new((0..random.random_range(1..5)).map(|_| text(random)).collect::<Vec<_>>()))
        .collect();
    let created_at = random.random_range(0..=u64::from(u32::MAX));
    EventTemplate { created_at, kind: Kind(random.random()), tags, content: text(random) }
}

#[test]
fn the_crate_nostr_agrees_on_every_event() {
    let seed = rand::random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    for number in 0..EVENTS {
        let key = SecretKey::from_bytes(random.random()).unwrap();
        let event: Event = draft(&mut random).sign(&key, &random.random());
        let json = serde_json::to_string(&event).unwrap();

        let theirs = nostr::prelude::Event::from_json(&json).unwrap();
        theirs.verify().unwrap_or_else(|error| panic!("event {number} of seed {seed}: {error}\n{json}"));

        let back: UnverifiedEvent = serde_json::from_str(&theirs.as_json()).unwrap();
        assert_eq!(back.verify().as_ref(), Ok(&event), "event {number} of seed {seed}");
        let compact =
            UnverifiedEvent::from_compact(&UnverifiedEvent::from(event.clone()).to_compact()).unwrap();
        assert_eq!(compact.verify(), Ok(event), "event {number} of seed {seed}");
    }
}

#[test]
fn the_crate_nostr_agrees_on_keys_and_their_text_forms() {
    let seed = rand::random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    for _ in 0..500 {
        let bytes: [u8; 32] = random.random();
        let ours = SecretKey::from_bytes(bytes).unwrap();
        let theirs = TheirKey::from_slice(&bytes).unwrap();
        assert_eq!(*ours.to_nsec(), theirs.to_bech32().unwrap());
        let their_public = nostr::prelude::Keys::new(theirs).public_key();
        assert_eq!(ours.public_key().to_string(), their_public.to_hex());
        assert_eq!(ours.public_key().to_npub(), their_public.to_bech32().unwrap());
    }
}
