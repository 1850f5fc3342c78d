//! Holds our own MessagePack against rmp-serde: what we write is what it writes, and what we take it takes too, as
//! the same value.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![expect(clippy::print_stdout, reason = "a failure names the seed that it came from")]

use std::collections::BTreeSet;

use nostrp2p_protocol::{
    EventId, EventTemplate, Filter, Kind, PublicKey, SecretKey, Tag, UnverifiedEvent,
    frame::{ClientFrame, NodeFrame, Path, PeerStatus},
};
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_bytes::{ByteArray, ByteBuf};

/// A compact event as serde sees it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Compact(ByteArray<32>, u64, u16, Vec<Vec<Element>>, String, ByteArray<64>);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Element {
    Text(String),
    Binary(ByteArray<32>),
}

/// A filter as serde sees it.
type Conditions = (
    Option<Vec<ByteBuf>>,
    Option<Vec<ByteBuf>>,
    Option<BTreeSet<u16>>,
    Vec<(char, BTreeSet<String>)>,
    Option<u64>,
    Option<u64>,
    Option<u32>,
);

fn random(name: &str) -> StdRng {
    let seed = rand::random();
    println!("{name}: seed {seed}");
    StdRng::seed_from_u64(seed)
}

/// A number of any width that MessagePack knows, its edges included.
fn number(random: &mut StdRng) -> u64 {
    let edge = 1u64.checked_shl(random.random_range(0..=64)).unwrap_or_default();
    edge.wrapping_add(random.random_range(0..3)).wrapping_sub(1)
}

/// A text of any width that MessagePack knows, short ones above all.
fn text(random: &mut StdRng) -> String {
    let longest = [3, 40, 300, 70_000]
        [usize::from(random.random_range(0..40u8) == 0) * 2 + usize::from(random.random_range(0..4u8) == 0)];
    (0..random.random_range(0..=longest)).map(|_| if random.random() { 'é' } else { 'x' }).collect()
}

fn event(random: &mut StdRng) -> UnverifiedEvent {
    let tag = |random: &mut StdRng| {
        let name = ["e", "p", "q", "t", ""][random.random_range(0..5)];
        let id = hex(&random.random::<[u8; 32]>());
        let value = match random.random_range(0..3) {
            0 => id,
            1 => id.to_uppercase(),
            _ => text(random),
        };
        Tag::new(
            std::iter::once(name.to_owned())
                .chain([value])
                .chain((0..random.random_range(0..20)).map(|_| text(random))),
        )
    };
    let tags = (0..random.random_range(0..20)).map(|_| tag(random)).collect();
    let created_at = number(random).min(1 << 53);
    let key = SecretKey::from_bytes(random.random()).unwrap();
    let draft = EventTemplate { created_at, kind: Kind(random.random()), tags, content: text(random) };
    UnverifiedEvent { claimed_id: None, ..draft.sign(&key, &random.random()).into() }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let bytes: Option<Vec<u8>> =
        (0..text.len() / 2).map(|at| u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()).collect();
    bytes.filter(|_| text.chars().all(|c| !c.is_ascii_uppercase()))?.try_into().ok()
}

/// What serde would write for this event.
fn model(event: &UnverifiedEvent) -> Compact {
    let element = |tag: &Tag, index: usize, element: &String| match unhex(element) {
        Some(bytes) if index == 1 && element.len() == 64 && ["e", "p", "q"].contains(&tag.name()) => {
            Element::Binary(ByteArray::new(bytes))
        }
        _ => Element::Text(element.clone()),
    };
    let elements =
        |tag: &Tag| tag.elements().iter().enumerate().map(|(at, text)| element(tag, at, text)).collect();
    let unsigned = &event.unsigned;
    Compact(
        ByteArray::new(*unsigned.pubkey.as_bytes()),
        unsigned.created_at,
        unsigned.kind.0,
        unsigned.tags.iter().map(elements).collect(),
        unsigned.content.clone(),
        ByteArray::new(*event.sig.as_bytes()),
    )
}

/// Changes some bytes, mostly to markers.
fn change(random: &mut StdRng, bytes: &mut [u8]) {
    for _ in 0..random.random_range(1..4) {
        let at = random.random_range(0..bytes.len().min(200));
        bytes[at] = if random.random() { random.random() } else { random.random_range(0xc0..=0xdf) };
    }
}

/// Whether all of the bytes are one value of MessagePack.
fn is_one_value(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    IgnoredAny::deserialize(&mut rmp_serde::Deserializer::new(&mut rest)).is_ok() && rest.is_empty()
}

#[test]
fn events_are_written_as_rmp_serde_writes_them_and_read_back() {
    let mut random = random("events");
    for _ in 0..400 {
        let event = event(&mut random);
        let bytes = event.to_compact();
        assert_eq!(bytes, rmp_serde::to_vec(&model(&event)).unwrap());
        assert_eq!(UnverifiedEvent::from_compact(&bytes), Ok(event));
    }
}

#[test]
fn what_is_taken_of_a_changed_event_rmp_serde_takes_as_the_same() {
    let mut random = random("changed events");
    let mut taken = 0;
    for _ in 0..200 {
        let bytes = event(&mut random).to_compact();
        for _ in 0..50 {
            let mut changed = bytes.clone();
            change(&mut random, &mut changed);
            if let Ok(event) = UnverifiedEvent::from_compact(&changed) {
                let theirs: Compact = rmp_serde::from_slice(&changed).unwrap();
                // Both may have read a number or text in a longer form than is written.
                let ours: Compact = rmp_serde::from_slice(&event.to_compact()).unwrap();
                assert_eq!(as_text(ours), as_text(theirs));
                taken += 1;
            }
        }
    }
    assert!(taken > 1_000, "only {taken}");
}

/// The event with each tag value as text, for binary that stood where text is written counts as the same.
fn as_text(
    Compact(pubkey, created_at, kind, tags, content, sig): Compact,
) -> impl PartialEq + std::fmt::Debug {
    let text = |element| match element {
        Element::Text(text) => text,
        Element::Binary(bytes) => hex(bytes.as_slice()),
    };
    let tags: Vec<Vec<String>> = tags.into_iter().map(|tag| tag.into_iter().map(text).collect()).collect();
    (pubkey, created_at, kind, tags, content, sig)
}

#[test]
fn frames_are_written_as_rmp_serde_writes_them() {
    let mut random = random("frames");
    for _ in 0..2_000 {
        let (after, gather_ms) = (number(&mut random), u32::try_from(number(&mut random) >> 32).unwrap());
        assert_eq!(
            ClientFrame::Watch { after, gather_ms }.encode(),
            rmp_serde::to_vec(&(5u8, after, gather_ms)).unwrap()
        );
        let (filter, conditions) = filter(&mut random);
        let request = random.random();
        assert_eq!(
            ClientFrame::Fetch { request, filters: vec![filter] }.encode(),
            rmp_serde::to_vec(&(6u8, request, [conditions])).unwrap()
        );
        let peers: Vec<PeerStatus> = (0..random.random_range(0..20)).map(|_| peer(&mut random)).collect();
        let theirs: Vec<_> = peers.iter().map(peer_model).collect();
        assert_eq!(
            NodeFrame::Status { peers, stored: after, caught_up: None }.encode(),
            rmp_serde::to_vec(&(69u8, theirs, after, ())).unwrap()
        );
    }
}

fn filter(random: &mut StdRng) -> (Filter, Conditions) {
    let values = |random: &mut StdRng| -> Option<BTreeSet<[u8; 32]>> {
        random.random::<bool>().then(|| (0..random.random_range(0..20)).map(|_| random.random()).collect())
    };
    let (ids, authors) = (values(random), values(random));
    let kinds: Option<BTreeSet<u16>> =
        random.random::<bool>().then(|| (0..random.random_range(0..20)).map(|_| random.random()).collect());
    let mut tags: Vec<(char, BTreeSet<String>)> = Vec::new();
    for name in ['e', 'é'] {
        if random.random() {
            tags.push((name, (0..random.random_range(0..3)).map(|_| text(random)).collect()));
        }
    }
    let since = random.random::<bool>().then(|| number(random));
    let limit = random.random::<bool>().then(|| random.random());
    let binary = |values: &Option<BTreeSet<[u8; 32]>>| {
        values.as_ref().map(|values| values.iter().map(|value| ByteBuf::from(value.to_vec())).collect())
    };
    let conditions = (binary(&ids), binary(&authors), kinds.clone(), tags.clone(), since, None, limit);
    let filter = Filter {
        ids: ids.map(|ids| ids.into_iter().map(EventId::from_bytes).collect()),
        authors: authors.map(|authors| authors.into_iter().map(PublicKey::from_bytes).collect()),
        kinds: kinds.map(|kinds| kinds.into_iter().map(Kind).collect()),
        tags: tags.into_iter().collect(),
        since,
        until: None,
        limit,
    };
    (filter, conditions)
}

fn peer(random: &mut StdRng) -> PeerStatus {
    PeerStatus {
        peer: nostrp2p_protocol::PeerId::from_ed25519(random.random()),
        owner: random.random::<bool>().then(|| PublicKey::from_bytes(random.random())),
        path: [Path::Direct, Path::Punched, Path::Relayed][random.random_range(0..3)],
        delay_ms: random.random::<bool>().then(|| random.random()),
    }
}

fn peer_model(status: &PeerStatus) -> (ByteArray<32>, Option<ByteArray<32>>, u8, Option<u32>) {
    let owner = status.owner.map(|owner| ByteArray::new(*owner.as_bytes()));
    let path = match status.path {
        Path::Direct => 0,
        Path::Punched => 1,
        Path::Relayed => 2,
    };
    (ByteArray::new(*status.peer.as_ed25519()), owner, path, status.delay_ms)
}

#[test]
fn a_changed_frame_that_is_taken_is_one_value_to_rmp_serde() {
    let mut random = random("changed frames");
    let mut taken = 0;
    for _ in 0..300 {
        let peers = (0..3).map(|_| peer(&mut random)).collect();
        let mut frames =
            vec![NodeFrame::Status { peers, stored: number(&mut random), caught_up: None }.encode()];
        let filters = vec![filter(&mut random).0, filter(&mut random).0];
        frames.push(ClientFrame::Subscribe { request: random.random(), filters }.encode());
        for frame in frames {
            for _ in 0..30 {
                let mut changed = frame.clone();
                change(&mut random, &mut changed);
                if NodeFrame::decode(&changed).is_ok() || ClientFrame::decode(&changed).is_ok() {
                    assert!(is_one_value(&changed), "{}", hex(&changed));
                    taken += 1;
                }
            }
        }
    }
    assert!(taken > 1_000, "only {taken}");
    let mut noise = [0; 64];
    for _ in 0..200_000 {
        random.fill_bytes(&mut noise);
        let length = random.random_range(1..64);
        let noise = &noise[..length];
        if NodeFrame::decode(noise).is_ok() || ClientFrame::decode(noise).is_ok() {
            assert!(is_one_value(noise), "{}", hex(noise));
        }
    }
}
