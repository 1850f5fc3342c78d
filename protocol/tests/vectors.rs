//! The hex vectors that PROTOCOL.md promises: each message in the bytes of `vectors/messages.txt`.
//!
//! After a deliberate change of the protocol, `UPDATE_VECTORS=1 cargo test -p nostrp2p-protocol --test vectors`
//! writes the file anew.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;

use nostrp2p_protocol::{
    Event, EventTemplate, Filter, Kind, Packet, PeerId, PublicStatement, RunStatement, SecretKey, Tag,
    UnverifiedEvent,
    channel::{self, ChannelSecret, Greeting},
    frame::{
        Carried, CaughtUp, ClientFrame, Delivery, Mirror, MirrorState, NodeFrame, Path, PeerStatus,
        Permission, Reached, Refusal, RefusalCode, Ways, Welcome,
    },
    login,
    rpc::{Found, Lent, OwnPage, Receipt, Revoked, RpcRequest, decode_run, encode_run},
    sync::{Compared, SyncRequest, encode_noted},
};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/messages.txt");

fn key() -> SecretKey {
    SecretKey::from_bytes([1; 32]).unwrap()
}

fn event() -> Event {
    let target = "ab".repeat(32);
    let tags = vec![Tag::new(["e", &target, "", "root"]), Tag::new(["p", &target]), Tag::new(["t", "hello"])];
    EventTemplate { created_at: 1_700_000_000, kind: Kind::POST, tags, content: "Hello, 世界".into() }
        .sign(&key(), &[2; 32])
}

fn compact() -> UnverifiedEvent {
    UnverifiedEvent { claimed_id: None, ..event().into() }
}

/// With a statement that nobody has checked: the bytes 1, 2, 3.
fn stated() -> UnverifiedEvent {
    let mut stated = compact();
    stated.unsigned.statement = PublicStatement::from_bytes(&[1, 2, 3]).ok();
    stated
}

fn filter() -> Filter {
    Filter {
        authors: Some([event().pubkey].into()),
        kinds: Some([Kind::PROFILE, Kind::POST].into()),
        tags: [('t', ["hello".to_owned()].into())].into(),
        since: Some(1_600_000_000),
        limit: Some(50),
        ..Filter::default()
    }
}

fn relay_proof() -> UnverifiedEvent {
    let draft = login::relay_draft("wss://relay.example", "abc", 1_700_000_000).unwrap();
    UnverifiedEvent { claimed_id: None, ..draft.sign(&key(), &[2; 32]).into() }
}

fn client_messages() -> Vec<(&'static str, ClientFrame)> {
    let peer = PeerId::from_ed25519([6; 32]);
    let draft = login::client_draft(&[3; 32], &peer, "localhost:20001", 1_700_000_000);
    let proof = || draft.clone().sign(&key(), &[2; 32]);
    let proof = || UnverifiedEvent { claimed_id: None, ..proof().into() };
    vec![
        ("hello", ClientFrame::Hello { version: 2, nonce: Some([8; 32]) }),
        ("login", ClientFrame::Login { request: 1, proof: proof() }),
        ("claim", ClientFrame::Claim { request: 1, token: [9; 16], proof: proof() }),
        ("publish", ClientFrame::Publish { request: 2, event: compact() }),
        ("watch", ClientFrame::Watch { after: 77, gather_ms: 10_000 }),
        ("fetch", ClientFrame::Fetch { request: 3, filters: vec![filter(), Filter::default()] }),
        (
            "fetch-behind",
            ClientFrame::FetchBehind {
                request: 3,
                filters: vec![filter()],
                created_at: 1_700_000_000,
                id: event().id(),
            },
        ),
        ("subscribe", ClientFrame::Subscribe { request: 4, filters: vec![filter()] }),
        ("unsubscribe", ClientFrame::Unsubscribe { request: 4 }),
        ("mark", ClientFrame::Mark { name: "notifications".into(), until: 1_700_000_000 }),
        ("retry", ClientFrame::Retry { id: event().id() }),
        (
            "relay-login",
            ClientFrame::RelayLogin { relay: "wss://relay.example".into(), proof: relay_proof() },
        ),
        ("export", ClientFrame::Export { request: 5, after: 77 }),
        ("search", ClientFrame::Search { request: 6, filters: vec![filter()], words: "hello 世界".into() }),
        (
            "ask-names",
            ClientFrame::Names { request: 7, name: "home.example:8443".into(), change: Some(true) },
        ),
        ("ask-reach", ClientFrame::Reach { request: 9, people: vec![event().pubkey] }),
        ("ask-relays", ClientFrame::Relays { request: 9, id: event().id() }),
        (
            "permit",
            ClientFrame::Permit {
                request: 8,
                sort: Permission::WEB_ORIGIN,
                subject: "https://jumble.example".into(),
                granted: Some(false),
            },
        ),
    ]
}

fn node_messages() -> Vec<(&'static str, NodeFrame)> {
    let peer = PeerId::from_ed25519([6; 32]);
    let owner = event().pubkey;
    let peers = vec![PeerStatus { peer, owner: None, path: Path::Direct, delay_ms: Some(20) }];
    let refusal = Refusal::new(RefusalCode::NotOwner, "no");
    let short =
        EventTemplate { created_at: 1, kind: Kind::POST, tags: vec![], content: "hi".into() }.by(owner);
    vec![
        (
            "welcome",
            NodeFrame::Welcome(Box::new(Welcome {
                version: 2,
                challenge: [3; 32],
                peer,
                owner: None,
                agent: "node/2".into(),
                key: ChannelSecret::derive(&[7; 32]).key(),
                own_name: true,
                signature: [5; 64],
            })),
        ),
        ("long-lists", NodeFrame::LongLists { tags: 10_100, bytes: 983_040 }),
        ("features", NodeFrame::Features(vec![1])),
        ("logged-in", NodeFrame::LoggedIn { request: 1, owner, store: 5, newest: 78 }),
        (
            "published",
            NodeFrame::Published {
                request: 2,
                id: event().id(),
                sequence: 79,
                carried: Carried::Broadcast(3),
            },
        ),
        ("batch", NodeFrame::Batch { through: 79, newest: 80, events: vec![short.clone()] }),
        ("answer", NodeFrame::Answer { request: 3, complete: true, events: vec![short] }),
        (
            "status",
            NodeFrame::Status {
                peers,
                stored: 80,
                caught_up: Some(CaughtUp { at: 1_700_000_000, peer, events: 3 }),
            },
        ),
        (
            "deliveries",
            NodeFrame::Deliveries { id: event().id(), people: vec![(owner, Delivery::Delivered)] },
        ),
        ("exported", NodeFrame::Exported { request: 5, through: 79, newest: 80, events: vec![compact()] }),
        ("delegated", NodeFrame::Delegated { expires: Some(1_707_776_000) }),
        ("markers", NodeFrame::Markers(vec![("notifications".into(), 1_700_000_000)])),
        (
            "ways",
            NodeFrame::Ways(Ways {
                key: ChannelSecret::derive(&[7; 32]).key(),
                addresses: vec!["wss://home.example".into()],
                helpers: vec!["wss://helper.example:8443".into()],
            }),
        ),
        (
            "mirrors",
            NodeFrame::Mirrors(vec![Mirror {
                url: "wss://relay.example".into(),
                state: MirrorState::Connected,
                reason: None,
                accepted: 5,
                refused: 1,
                heard: 300,
                behind: 2,
                last_event: Some(1_700_000_000),
                login: Some("abc".into()),
                work: 20,
            }]),
        ),
        ("refused", NodeFrame::Refused { request: 2, refusal }),
    ]
}

fn node_messages_about_the_node() -> Vec<(&'static str, NodeFrame)> {
    let peer = PeerId::from_ed25519([6; 32]);
    let owner = event().pubkey;
    let short =
        EventTemplate { created_at: 1, kind: Kind::POST, tags: vec![], content: "hi".into() }.by(owner);
    vec![
        ("network", NodeFrame::Network { reached: Reached::Directly, traffic: vec![(peer, 1_000, 2_000)] }),
        ("warnings", NodeFrame::Warnings(vec![1, 4])),
        (
            "names",
            NodeFrame::Names { request: 7, own: true, names: vec![("home.example:8443".into(), true)] },
        ),
        (
            "permissions",
            NodeFrame::Permissions {
                request: 8,
                permissions: vec![Permission {
                    sort: Permission::WEB_ORIGIN,
                    subject: "https://jumble.example".into(),
                    granted: None,
                }],
                drafts: vec![short],
            },
        ),
        ("reach", NodeFrame::Reach { request: 9, relay_only: vec![owner] }),
        (
            "relays",
            NodeFrame::Relays { request: 9, relays: vec![("wss://a.example".into(), Delivery::Delivered)] },
        ),
    ]
}

fn all_node_messages() -> impl Iterator<Item = (&'static str, NodeFrame)> {
    node_messages().into_iter().chain(node_messages_about_the_node())
}

fn questions() -> Vec<(&'static str, RpcRequest)> {
    vec![
        ("ask-announcements", RpcRequest::Announcements),
        ("ask-events", RpcRequest::Events(vec![filter()])),
        ("ask-seek", RpcRequest::Seek(vec![event().pubkey])),
        ("ask-own", RpcRequest::Own { store: Some(5), after: 77, newest: 12 }),
        ("ask-lend", RpcRequest::Lend),
        (
            "ask-with-long-lists",
            RpcRequest::WithLongLists(Box::new(RpcRequest::Own { store: Some(5), after: 77, newest: 12 })),
        ),
        ("ask-revocations", RpcRequest::Revocations(vec![event().pubkey])),
        (
            "ask-with-statements",
            RpcRequest::WithStatements(Box::new(RpcRequest::Own { store: Some(5), after: 77, newest: 12 })),
        ),
        ("ask-run", RpcRequest::Run(None)),
        ("ask-run-heard", RpcRequest::Run(Some(run()))),
    ]
}

fn run() -> RunStatement {
    RunStatement { run: [9; 8], issued_at: 1_700_000_000, sig: [7; 64] }
}

fn lent() -> Lent {
    Lent::For { seconds: 600, address: "wss://helper.example:8443".into() }
}

/// A channel by the way home: the node secret is 32 bytes of 7, the peer id that of the key of 32 bytes of 6, the
/// random numbers are 32 bytes of 1 for the client and 32 bytes of 2 for the node.
fn channel_messages() -> [(&'static str, Vec<u8>); 4] {
    let (peer, secret) = (PeerId::from_ed25519([6; 32]), ChannelSecret::derive(&[7; 32]));
    let (greeting, first) = Greeting::begin(&peer, &secret.key(), [1; 32]).unwrap();
    let (mut node, second) = channel::answer(&peer, &secret, [2; 32], &first, 100).unwrap();
    let mut client = greeting.finish(&second, 100).unwrap();
    let third = client.seal(b"hello").unwrap().remove(0);
    let fourth = node.seal(b"welcome").unwrap().remove(0);
    [
        ("channel-greeting", first),
        ("channel-answer", second),
        ("channel-hello", third),
        ("channel-welcome", fourth),
    ]
}

fn sync_requests() -> Vec<(&'static str, SyncRequest)> {
    // What negentropy sends first for the set that holds this one event, and what a node with an empty set answers.
    let message = [&[0x61, 0, 0, 2, 1], event().id().as_bytes().as_slice()].concat();
    vec![
        ("compare", SyncRequest::Compare { round: 0, since: 1_699_999_200, until: 1_700_002_800, message }),
        ("get", SyncRequest::Get(vec![event().id()])),
        ("get-with-statements", SyncRequest::WithStatements(Box::new(SyncRequest::Get(vec![event().id()])))),
        ("news", SyncRequest::News),
    ]
}

fn compared() -> Compared {
    Compared { message: vec![0x61, 0, 0, 2, 0] }
}

/// `name hex`, a line each.
fn messages() -> String {
    let mut lines = vec![
        format!("canonical {}", hex::encode(event().canonical())),
        format!("id {}", event().id()),
        format!("compact-event {}", hex::encode(compact().to_compact())),
        format!("packet-event {}", hex::encode(Packet::Event(compact()).encode())),
        format!("packet-stated {}", hex::encode(Packet::Event(stated()).encode())),
        format!("packet-revocation {}", hex::encode(Packet::Revocation(compact()).encode())),
    ];
    lines.extend(
        client_messages().into_iter().map(|(name, frame)| format!("{name} {}", hex::encode(frame.encode()))),
    );
    lines.extend(all_node_messages().map(|(name, frame)| format!("{name} {}", hex::encode(frame.encode()))));
    lines.extend(
        questions().into_iter().map(|(name, question)| format!("{name} {}", hex::encode(question.encode()))),
    );
    lines.extend(
        sync_requests()
            .into_iter()
            .map(|(name, request)| format!("{name} {}", hex::encode(request.encode()))),
    );
    let page = OwnPage { store: 5, through: 79, newest: 80, events: vec![compact()] };
    lines.extend([
        format!("answer-events {}", hex::encode(Found { events: vec![compact()] }.encode())),
        format!("answer-own {}", hex::encode(page.encode())),
        format!("answer-revocations {}", hex::encode(Revoked { events: vec![compact()] }.encode())),
        format!("receipt-taken {}", hex::encode(Receipt::Taken.encode())),
        format!("answer-run {}", hex::encode(encode_run(&run()))),
        format!("answer-lend {}", hex::encode(lent().encode())),
        format!("compared {}", hex::encode(compared().encode())),
        format!("noted {}", hex::encode(encode_noted())),
    ]);
    lines.extend(channel_messages().map(|(name, bytes)| format!("{name} {}", hex::encode(bytes))));
    lines.join("\n") + "\n"
}

#[test]
fn every_message_has_the_bytes_of_its_vector() {
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::write(FILE, messages()).unwrap();
    }
    let expected = std::fs::read_to_string(FILE).unwrap();
    for (now, before) in messages().lines().zip(expected.lines()) {
        assert_eq!(now, before);
    }
    assert_eq!(messages().lines().count(), expected.lines().count());
}

#[test]
fn every_vector_decodes_to_its_message() {
    let expected = std::fs::read_to_string(FILE).unwrap();
    let bytes = |name: &str| {
        let line = expected.lines().find(|line| line.split(' ').next() == Some(name)).unwrap();
        hex::decode(line.split(' ').nth(1).unwrap()).unwrap()
    };
    for (name, frame) in client_messages() {
        assert_eq!(ClientFrame::decode(&bytes(name)), Ok(frame), "{name}");
    }
    for (name, frame) in all_node_messages() {
        assert_eq!(NodeFrame::decode(&bytes(name)), Ok(frame), "{name}");
    }
    for (name, question) in questions() {
        assert_eq!(RpcRequest::decode(&bytes(name)), Ok(question), "{name}");
    }
    for (name, request) in sync_requests() {
        assert_eq!(SyncRequest::decode(&bytes(name)), Ok(request), "{name}");
    }
    assert_eq!(Compared::decode(&bytes("compared")), Ok(compared()));
    assert_eq!(Found::decode(&bytes("answer-events")), Ok(Found { events: vec![compact()] }));
    assert_eq!(decode_run(&bytes("answer-run")), Ok(run()));
    assert_eq!(Lent::decode(&bytes("answer-lend")), Ok(lent()));
    assert_eq!(Packet::decode(&bytes("packet-revocation")), Ok(Packet::Revocation(compact())));
    assert_eq!(Revoked::decode(&bytes("answer-revocations")), Ok(Revoked { events: vec![compact()] }));
    assert_eq!(Packet::decode(&bytes("packet-stated")), Ok(Packet::Event(stated())));
    assert_eq!(Packet::decode(&bytes("packet-event")), Ok(Packet::Event(compact())));
    assert_eq!(UnverifiedEvent::from_compact(&bytes("compact-event")).unwrap().verify(), Ok(event()));
}

/// The tables of frames in PROTOCOL.md have rows like `| 22 | Permit | `.
#[test]
fn every_frame_of_the_document_has_a_vector() {
    let document = include_str!("../../PROTOCOL.md");
    let section = document.split("\n## ").find(|section| section.starts_with("Client and node")).unwrap();
    let row = |line: &str| {
        let mut cells = line.strip_prefix("| ")?.split(" | ");
        let number: u8 = cells.next()?.parse().ok()?;
        let is_frame = cells.nth(1)?.starts_with(&format!("`[{number}"));
        is_frame.then_some(number)
    };
    let named: Vec<u8> = section.lines().filter_map(row).collect();
    let of_clients = client_messages().into_iter().map(|(_, frame)| frame.encode());
    let of_nodes = all_node_messages().map(|(_, frame)| frame.encode());
    // A frame is an array of up to 15 elements, the first of which is a number below 128: one byte each.
    let kept: BTreeSet<u8> = of_clients.chain(of_nodes).filter_map(|bytes| bytes.get(1).copied()).collect();
    assert!(named.len() > 30, "{named:?}");
    let missing: Vec<u8> = named.into_iter().filter(|number| !kept.contains(number)).collect();
    assert_eq!(missing, Vec::<u8>::new());
}
