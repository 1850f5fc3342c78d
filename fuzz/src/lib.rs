//! What every decoder must hold for any bytes: it does not panic, and what it takes survives its encoding. And what every
//! session must hold whatever is said: see `sessions`.
//!
//! Each function is one target. `tests/corpora.rs` runs them over the corpora and seeded changes of them, with every
//! test run; `cargo xtask fuzz` gives them to libFuzzer.
#![expect(clippy::panic, reason = "a broken promise must stop the fuzzer")]

mod sessions;

use std::sync::{Arc, Mutex, OnceLock};

use nostrp2p_bridge::{Policy, Session};
use nostrp2p_core::{Comparison, SyncSet};
use nostrp2p_node::{
    decoders,
    settings::{Flags, explain},
};
use nostrp2p_overlay::PeerAddress;
use nostrp2p_protocol::{
    Event, EventId, EventPointer, Filter, Packet, PeerId, ProfilePointer, PublicKey, SecretKey,
    SignedAnnouncement, UnverifiedEvent,
    channel::{Channel, ChannelSecret, Greeting, answer},
    frame::{ClientFrame, NodeFrame},
    rpc::{Found, Lent, OwnPage, Receipt, Revoked, RpcRequest, decode_announcements, encode_announcements},
    sync::{Compared, MAX_COMPARISON_BYTES, SyncRequest},
};

pub use sessions::{channel_session, mirror_session, relay_session};

/// One target.
pub type FuzzTarget = fn(&[u8]);

/// All targets by name.
pub const TARGETS: [(&str, FuzzTarget); 18] = [
    ("client_frame", client_frame),
    ("node_frame", node_frame),
    ("packet", packet),
    ("exchange", exchange),
    ("sync", sync),
    ("announcement", announcement),
    ("channel", channel),
    ("json", json),
    ("nip19", nip19),
    ("relay_line", relay_line),
    ("rest", rest),
    ("http_login", http_login),
    ("store_record", store_record),
    ("settings", settings),
    ("address", address),
    ("relay_session", relay_session),
    ("mirror_session", mirror_session),
    ("channel_session", channel_session),
];

/// Frames of clients.
pub fn client_frame(bytes: &[u8]) {
    if let Ok(frame) = ClientFrame::decode(bytes) {
        same(&ClientFrame::decode(&frame.clone().encode()), &Ok(frame));
    }
}

/// Frames of nodes.
pub fn node_frame(bytes: &[u8]) {
    if let Ok(frame) = NodeFrame::decode(bytes) {
        let again = NodeFrame::decode(&frame.clone().encode());
        // A refusal's reason is cut by its sender, so only a refusal may come back shorter.
        if !matches!(frame, NodeFrame::Refused { .. }) {
            same(&again, &Ok(frame));
        }
    }
}

/// Broadcasts and deliveries.
pub fn packet(bytes: &[u8]) {
    if let Ok(packet) = Packet::decode(bytes) {
        let (Packet::Event(event) | Packet::Revocation(event)) = &packet;
        // None of these may panic, whatever the event.
        let _shape = event.unsigned.check_shape();
        let _id = event.unsigned.id();
        let _verified = event.clone().verify();
        same(&Packet::decode(&packet.clone().encode()), &Ok(packet));
    }
}

/// Questions between nodes, and their answers.
pub fn exchange(bytes: &[u8]) {
    if let Ok(question) = RpcRequest::decode(bytes) {
        same(&RpcRequest::decode(&question.clone().encode()), &Ok(question));
    }
    if let Ok(found) = Found::decode(bytes) {
        same(&Found::decode(&found.clone().encode()), &Ok(found));
    }
    if let Ok(page) = OwnPage::decode(bytes) {
        same(&OwnPage::decode(&page.clone().encode()), &Ok(page));
    }
    if let Ok(revoked) = Revoked::decode(bytes) {
        same(&Revoked::decode(&revoked.clone().encode()), &Ok(revoked));
    }
    if let Ok(lent) = Lent::decode(bytes) {
        same(&Lent::decode(&lent.clone().encode()), &Ok(lent));
    }
    if let Ok(receipt) = Receipt::decode(bytes) {
        same(&Receipt::decode(&receipt.encode()), &Ok(receipt));
    }
    if let Ok(announcements) = decode_announcements(bytes) {
        same(&decode_announcements(&encode_announcements(&announcements)), &Ok(announcements));
    }
}

/// Catching up: the messages, and what stands in them.
pub fn sync(bytes: &[u8]) {
    let ids =
        (0..100u8).map(|number| (1_700_000_000 + u64::from(number) / 2, EventId::from_bytes([number; 32])));
    let ledger = Arc::new(SyncSet::new(ids));
    if let Ok(request) = SyncRequest::decode(bytes) {
        if let SyncRequest::Compare { message, .. } = &request {
            let answer = ledger.answer(message);
            assert!(answer.is_none_or(|answer| answer.len() <= MAX_COMPARISON_BYTES));
        }
        same(&SyncRequest::decode(&request.encode()), &Ok(request));
    }
    if let Ok(compared) = Compared::decode(bytes) {
        let (mut comparison, _first) = Comparison::begin(ledger);
        let _next = comparison.on_answer(&compared.message);
        same(&Compared::decode(&compared.encode()), &Ok(compared));
    }
}

/// What nodes say of themselves.
pub fn announcement(bytes: &[u8]) {
    if let Ok(signed) = SignedAnnouncement::decode(bytes) {
        let encoded = signed.announcement.encode(&signed.sig);
        let again = SignedAnnouncement::decode(&encoded);
        same(&again.map(|again| again.announcement), &Ok(signed.announcement));
    }
}

/// What a helper makes of the way home: as a piece on a channel in use, as a greeting, and as an answer to one.
pub fn channel(bytes: &[u8]) {
    const MAX: usize = 100_000;
    let (peer, secret) = (PeerId::from_ed25519([6; 32]), ChannelSecret::derive(&[7; 32]));
    let begin = || Greeting::begin(&peer, &secret.key(), [3; 32]);
    let in_use = || {
        let (_, first) = begin().ok()?;
        answer(&peer, &secret, [4; 32], &first, MAX).ok().map(Mutex::new)
    };
    // Made once, for it takes most of the time, and what is refused leaves no trace in it.
    type Made = Mutex<(Channel, Vec<u8>)>;
    static CHANNEL: OnceLock<Option<Made>> = OnceLock::new();
    let Some(Ok(mut made)) = CHANNEL.get_or_init(in_use).as_ref().map(Mutex::lock) else { return };
    let (channel, second) = &mut *made;
    if let Ok(Some(message)) = channel.open(bytes) {
        panic!("{bytes:?} was taken for {message:?}, and nobody has sealed it");
    }
    if bytes.len() == second.len()
        && let Ok((greeting, _)) = begin()
    {
        same(&greeting.finish(bytes, MAX).is_ok(), &(bytes == second));
        // Anybody may greet, so this one may succeed.
        let _greeted = answer(&peer, &secret, [4; 32], bytes, MAX);
    }
}

/// Events and filters as the rest of Nostr writes them.
pub fn json(bytes: &[u8]) {
    if let Ok(event) = serde_json::from_slice::<UnverifiedEvent>(bytes)
        && event.claimed_id.is_some()
    {
        // Only to write it down: nothing here believes it.
        let text = serde_json::to_string(&Event::trusted(event.clone())).unwrap_or_default();
        same(&serde_json::from_str::<UnverifiedEvent>(&text).ok(), &Some(event));
    }
    if let Ok(filter) = serde_json::from_slice::<Filter>(bytes) {
        let _shape = filter.check_shape();
    }
}

/// Keys and pointers as text.
pub fn nip19(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(key) = PublicKey::from_npub(text) {
        same(&PublicKey::from_npub(&key.to_npub()).ok(), &Some(key));
    }
    let _secret = SecretKey::from_nsec(text);
    let _profile = ProfilePointer::from_nprofile(text);
    let _event = EventPointer::from_nevent(text);
}

/// A conversation with a Nostr program: each line of the input is a message.
pub fn relay_line(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (mut session, _greeting) =
        Session::open([7; 32], "localhost".to_owned(), Policy { public_read: true, open: true, inbox: None });
    for line in text.lines() {
        let _steps = session.on_line(line, Some(PublicKey::from_bytes([1; 32])), 1_700_000_000);
    }
}

/// Bodies of the REST interface: events and filters.
pub fn rest(bytes: &[u8]) {
    let _answered = decoders::rest_question(bytes);
    if let Some(event) = decoders::rest_event(bytes) {
        // Only to write it down: nothing here believes it.
        let text = serde_json::to_string(&Event::trusted(event.clone())).unwrap_or_default();
        // Null tags of a profile are refused, empty ones are not, so what was taken is taken again.
        same(&decoders::rest_event(text.as_bytes()), &Some(event));
    }
}

/// Logins on the REST interface (NIP-98). The corpus has one that is right.
pub fn http_login(bytes: &[u8]) {
    let Ok(owner) = SecretKey::from_bytes([1; 32]).map(|key| key.public_key()) else { return };
    let _proven = decoders::http_login(bytes, &owner, 1_700_000_000);
}

/// Events as they lie in the store: a damaged disk may return anything.
pub fn store_record(bytes: &[u8]) {
    if let Some(event) = decoders::store_record(bytes) {
        same(&decoders::store_record(&decoders::encode_store_record(&event)), &Some(event));
    }
}

/// Settings files. What is printed of them can be used as one.
pub fn settings(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(before) = decoders::settings_file(text) else { return };
    let again = decoders::settings_file(&explain(&before, &Flags::default(), |_| None));
    let parts = |settings: &nostrp2p_node::settings::Settings| {
        (settings.listen, settings.tls.clone(), settings.bootstrap.clone(), settings.allow_hosts.clone())
    };
    same(&again.as_ref().map(parts), &Ok(parts(&before)));
}

/// Addresses of nodes, as people and other nodes write them.
pub fn address(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(address) = text.parse::<PeerAddress>() {
        same(&address.to_string().parse().ok(), &Some(address));
    }
}

#[track_caller]
fn same<T: PartialEq + std::fmt::Debug>(again: &T, before: &T) {
    if again != before {
        panic!("{before:?} became {again:?}");
    }
}
