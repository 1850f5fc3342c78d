//! Every frame and packet: survives its encoding, and every truncation and every random change of its bytes
//! gives an error or another frame, never a panic.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use nostrp2p_protocol::{
    Event, EventId, EventTemplate, Filter, Kind, Packet, PeerId, PublicKey, SecretKey, Tag, UnverifiedEvent,
    channel::ChannelKey,
    frame::{
        Carried, CaughtUp, ClientFrame, Delivery, FETCH_BEHIND, MAX_MIRRORS, MAX_REACH, Mirror, MirrorState,
        NodeFrame, Path, PeerStatus, Permission, Reached, Refusal, RefusalCode, VERSION, Welcome,
    },
};
use rand::{RngExt, SeedableRng, rngs::StdRng};

fn event() -> Event {
    let key = SecretKey::from_bytes([1; 32]).unwrap();
    let tags = vec![Tag::new(["p", &"ab".repeat(32)]), Tag::new(["t", "rust"])];
    EventTemplate { created_at: 1_700_000_000, kind: Kind::POST, tags, content: "こんにちは".into() }
        .sign(&key, &[2; 32])
}

fn unverified() -> UnverifiedEvent {
    UnverifiedEvent { claimed_id: None, ..event().into() }
}

fn client_frames() -> Vec<ClientFrame> {
    let filter = Filter {
        ids: Some([event().id()].into()),
        authors: Some([event().pubkey].into()),
        kinds: Some([Kind::POST].into()),
        tags: [('e', ["x".to_owned()].into())].into(),
        since: Some(1),
        until: None,
        limit: Some(50),
    };
    vec![
        ClientFrame::Hello { version: VERSION, nonce: Some([7; 32]) },
        ClientFrame::Hello { version: 1, nonce: None },
        ClientFrame::Login { request: 1, proof: unverified() },
        ClientFrame::Claim { request: 2, token: [9; 16], proof: unverified() },
        ClientFrame::Publish { request: 3, event: unverified() },
        ClientFrame::Watch { after: u64::MAX, gather_ms: 1_000 },
        ClientFrame::Fetch { request: 4, filters: vec![filter.clone(), Filter::default()] },
        ClientFrame::FetchBehind {
            request: 4,
            filters: vec![filter.clone(), Filter::default()],
            created_at: u64::MAX,
            id: event().id(),
        },
        ClientFrame::Reach { request: 6, people: vec![event().pubkey; MAX_REACH] },
        ClientFrame::Relays { request: 7, id: event().id() },
        ClientFrame::Subscribe { request: 5, filters: vec![filter] },
        ClientFrame::Unsubscribe { request: 5 },
        ClientFrame::Mark { name: "n".repeat(80), until: u64::MAX },
        ClientFrame::Search { request: 5, filters: vec![Filter::default()], words: "w ".repeat(500) },
        ClientFrame::Retry { id: event().id() },
        ClientFrame::RelayLogin { relay: "wss://relay.example".into(), proof: unverified() },
        ClientFrame::Export { request: 6, after: u64::MAX },
        ClientFrame::Names { request: 8, name: "192.0.2.7:20001".into(), change: Some(true) },
        ClientFrame::Names { request: 8, name: String::new(), change: None },
        ClientFrame::Permit {
            request: 9,
            sort: Permission::WEB_ORIGIN,
            subject: "https://page.example".into(),
            granted: Some(true),
        },
        ClientFrame::Permit { request: 9, sort: u8::MAX, subject: String::new(), granted: None },
    ]
}

fn welcome(peer: PeerId) -> Welcome {
    Welcome {
        version: VERSION,
        challenge: [3; 32],
        peer,
        owner: None,
        agent: "node/2".into(),
        key: ChannelKey::from_bytes([4; 32]),
        own_name: true,
        signature: [5; 64],
    }
}

fn mirror(state: MirrorState, login: Option<String>) -> Mirror {
    let url = "wss://relay.example".to_owned();
    let (reason, last_event) = (Some("blocked: no".to_owned()), Some(1_700_000_000));
    Mirror {
        url,
        state,
        reason,
        accepted: 1,
        refused: 2,
        heard: 3,
        behind: u64::MAX,
        last_event,
        login,
        work: 20,
    }
}

fn node_frames() -> Vec<NodeFrame> {
    let owner = PublicKey::from_bytes([5; 32]);
    let peer = PeerId::from_ed25519([6; 32]);
    let unsigned_events = |count| vec![event().into_rumor(); count];
    let status = PeerStatus { peer, owner: Some(owner), path: Path::Relayed, delay_ms: Some(20) };
    let refusal = Refusal::new(RefusalCode::NotOwner, "no");
    vec![
        NodeFrame::Welcome(Box::new(welcome(peer))),
        NodeFrame::LoggedIn { request: 1, owner, store: u64::MAX, newest: 7 },
        NodeFrame::Published {
            request: 3,
            id: EventId::from_bytes([4; 32]),
            sequence: 8,
            carried: Carried::Broadcast(2),
        },
        NodeFrame::Batch { through: 9, newest: 10, events: unsigned_events(1) },
        NodeFrame::Batch { through: 9, newest: 9, events: vec![] },
        NodeFrame::Answer { request: 4, complete: true, events: unsigned_events(300) },
        NodeFrame::Features(vec![FETCH_BEHIND, 200]),
        NodeFrame::Reach { request: 7, relay_only: vec![event().pubkey; MAX_REACH] },
        NodeFrame::Reach { request: 7, relay_only: vec![] },
        NodeFrame::Relays { request: 7, relays: vec![("wss://a.example".into(), Delivery::Delivered)] },
        NodeFrame::Relays { request: 7, relays: vec![] },
        NodeFrame::Markers(vec![(String::new(), 0), ("posts".into(), u64::MAX)]),
        NodeFrame::Status {
            peers: vec![status],
            stored: 3,
            caught_up: Some(CaughtUp { at: 1_700_000_000, peer, events: 7 }),
        },
        NodeFrame::Status { peers: vec![], stored: 0, caught_up: None },
        NodeFrame::Network { reached: Reached::Relayed, traffic: vec![(peer, u64::MAX, 0)] },
        NodeFrame::Network { reached: Reached::Nowhere, traffic: vec![] },
        NodeFrame::Mirrors(vec![]),
        NodeFrame::Mirrors(vec![
            mirror(MirrorState::Waiting, None),
            mirror(MirrorState::Connecting, Some(String::new())),
            mirror(MirrorState::Connected, Some("challenge".into())),
        ]),
        NodeFrame::Deliveries { id: event().id(), people: vec![(owner, Delivery::GivenUp)] },
        NodeFrame::Delegated { expires: None },
        NodeFrame::Exported { request: 6, through: 9, newest: u64::MAX, events: vec![unverified(); 300] },
        NodeFrame::Names { request: 8, own: true, names: vec![("node.example".into(), false); 32] },
        NodeFrame::Permissions {
            request: 9,
            permissions: [None, Some(true), Some(false)]
                .map(|granted| Permission {
                    sort: Permission::WEB_ORIGIN,
                    subject: "https://page.example".into(),
                    granted,
                })
                .into(),
            drafts: vec![event().into_rumor()],
        },
        NodeFrame::Exported { request: 6, through: 0, newest: 0, events: vec![] },
        NodeFrame::Refused { request: 0, refusal },
    ]
}

#[test]
fn every_frame_survives_its_encoding() {
    for frame in client_frames() {
        assert_eq!(ClientFrame::decode(&frame.clone().encode()), Ok(frame));
    }
    for frame in node_frames() {
        assert_eq!(NodeFrame::decode(&frame.clone().encode()), Ok(frame));
    }
    let packet = Packet::Event(unverified());
    assert_eq!(Packet::decode(&packet.clone().encode()), Ok(packet));
}

#[test]
fn more_mirrors_than_a_client_takes_are_cut() {
    let all = vec![mirror(MirrorState::Connected, None); MAX_MIRRORS + 1];
    let decoded = NodeFrame::decode(&NodeFrame::Mirrors(all.clone()).encode());
    assert_eq!(decoded, Ok(NodeFrame::Mirrors(all[..MAX_MIRRORS].to_vec())));
}

#[test]
fn every_truncation_is_an_error() {
    for frame in client_frames().into_iter().map(ClientFrame::encode) {
        for length in 0..frame.len() {
            assert!(ClientFrame::decode(&frame[..length]).is_err());
        }
    }
    for frame in node_frames().into_iter().map(NodeFrame::encode) {
        for length in 0..frame.len() {
            assert!(NodeFrame::decode(&frame[..length]).is_err());
        }
    }
    let packet = Packet::Event(unverified()).encode();
    for length in 0..packet.len() {
        assert!(Packet::decode(&packet[..length]).is_err());
    }
}

#[test]
fn random_changes_never_panic() {
    let seed = rand::random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let messages: Vec<Vec<u8>> = (client_frames().into_iter().map(ClientFrame::encode))
        .chain(node_frames().into_iter().map(NodeFrame::encode))
        .chain([Packet::Event(unverified()).encode()])
        .collect();
    for _ in 0..20_000 {
        let mut bytes = messages[random.random_range(0..messages.len())].clone();
        for _ in 0..random.random_range(1..8) {
            let index = random.random_range(0..bytes.len());
            bytes[index] = random.random();
        }
        drop((ClientFrame::decode(&bytes), NodeFrame::decode(&bytes), Packet::decode(&bytes)));
    }
    for _ in 0..20_000 {
        let mut bytes = vec![0; random.random_range(0..200)];
        random.fill(&mut bytes[..]);
        drop((ClientFrame::decode(&bytes), NodeFrame::decode(&bytes), Packet::decode(&bytes)));
    }
}

#[test]
fn a_decompression_bomb_is_an_error() {
    let bomb = miniz_oxide::deflate::compress_to_vec(&vec![0x90; 50_000_000], 9);
    let head = [&[0x95, 67, 1, 1, 1, 0xc5][..], &u16::try_from(bomb.len()).unwrap().to_be_bytes()].concat();
    let error = NodeFrame::decode(&[head, bomb].concat()).unwrap_err();
    assert!(error.to_string().contains("unpacked"), "{error}");
}

#[test]
fn a_long_refusal_is_cut_and_not_a_failure() {
    let refusal = Refusal::new(RefusalCode::Internal, "é".repeat(5_000));
    let bytes = NodeFrame::Refused { request: 0, refusal }.encode();
    assert!(bytes.len() < 1_100);
    assert!(NodeFrame::decode(&bytes).is_ok());
}
