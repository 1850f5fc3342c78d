//! The functions that are called most: `cargo xtask bench hot`. Their times are kept as multiples of the first one's.
#![expect(clippy::unwrap_used, reason = "it measures, and stops at the first surprise")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use nostrp2p_bridge::{Policy, Session};
use nostrp2p_core::{Claim, Core, EngineSettings, GossipId, Input, NodeKey, Ownership};
use nostrp2p_node::store::{Asked, Propagation, Retention, Store, Writer};
use nostrp2p_overlay::NodeSecret;
use nostrp2p_protocol::{
    Event, EventTemplate, Filter, Kind, Packet, PeerId, SecretKey, Tag, UnverifiedEvent, frame::NodeFrame,
    sync,
};

/// Events that lie in the store when it is asked.
const STORED: usize = 20_000;
/// Events that are committed together, as after a flood.
const GROUP: usize = 1_000;
/// Events of one answer or batch.
const BATCH: usize = 200;
/// When the events were written, in seconds since 1970, and when they are looked at.
const THEN: u64 = 1_790_000_000;

fn person(number: usize) -> SecretKey {
    let mut bytes = [1; 32];
    bytes[..8].copy_from_slice(&(number % 100 + 1).to_be_bytes());
    SecretKey::from_bytes(bytes).unwrap()
}

/// Posts of 140 characters, every fourth with the tags of a reply.
fn events(count: usize) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    for number in 0..count {
        let text =
            format!("{number:x} {}", "the quick brown fox jumps over the lazy dog, ありがとう ".repeat(4));
        let root = events.first().filter(|_| number.is_multiple_of(4));
        let tags = root.map(|root| {
            vec![
                Tag::new(["e".to_owned(), root.id().to_string()]),
                Tag::new(["p".to_owned(), root.pubkey.to_string()]),
            ]
        });
        let draft = EventTemplate {
            created_at: THEN + u64::try_from(number).unwrap(),
            kind: Kind::POST,
            tags: tags.unwrap_or_default(),
            content: text.chars().take(140).collect(),
        };
        events.push(draft.sign(&person(number), &[7; 32]));
    }
    events
}

fn plain(event: &Event) -> UnverifiedEvent {
    UnverifiedEvent { claimed_id: None, ..UnverifiedEvent::from(event.clone()) }
}

fn messages(criterion: &mut Criterion) {
    let events = events(BATCH);
    let one = &events[4];
    criterion.bench_function("verify an event", |bench| {
        bench.iter_batched(|| plain(one), |event| event.verify().unwrap(), BatchSize::SmallInput);
    });
    criterion.bench_function("id of an event", |bench| {
        let unsigned = plain(one).unsigned;
        bench.iter(|| black_box(&unsigned).id());
    });
    let packet = Packet::Event(plain(one));
    let bytes = packet.clone().encode();
    criterion.bench_function("encode a packet", |bench| bench.iter(|| packet.clone().encode()));
    criterion.bench_function("decode a packet", |bench| {
        bench.iter(|| Packet::decode(black_box(&bytes)).unwrap());
    });
    let found = || sync::found(events.iter().map(plain));
    let bytes = found().encode();
    criterion.bench_function("encode an answer of 200", |bench| bench.iter(|| found().encode()));
    criterion.bench_function("decode an answer of 200", |bench| {
        bench.iter(|| nostrp2p_protocol::rpc::Found::decode(black_box(&bytes)).unwrap());
    });
    let unsigned_events: Vec<_> = events.iter().map(|event| event.clone().into_rumor()).collect();
    criterion.bench_function("encode a batch of 200 for the page", |bench| {
        bench.iter(|| NodeFrame::Batch { through: 1, newest: 1, events: unsigned_events.clone() }.encode());
    });
    let json = serde_json::to_string(one).unwrap();
    criterion.bench_function("read an event from JSON", |bench| {
        bench.iter(|| serde_json::from_str::<UnverifiedEvent>(black_box(&json)).unwrap());
    });
    criterion.bench_function("write an event as JSON", |bench| {
        bench.iter(|| serde_json::to_string(black_box(one)).unwrap());
    });
}

fn engine() -> Core {
    let secret = NodeSecret::from_bytes([7; 32]);
    let (peer, signer) = (secret.peer_id(), secret);
    let sign = Box::new(move |message: &[u8]| signer.sign(message));
    let key = NodeKey { peer, sign, verify: nostrp2p_overlay::verify };
    Core::new(
        EngineSettings::default(),
        key,
        None,
        Ownership::Unclaimed(Claim { token: [0; 16], expires: 0 }),
    )
}

fn decisions(criterion: &mut Criterion) {
    let events = events(BATCH);
    let payloads: Vec<Vec<u8>> = events.iter().map(|event| Packet::Event(plain(event)).encode()).collect();
    let peer = PeerId::from_ed25519([3; 32]);
    criterion.bench_function("hear 200 broadcasts", |bench| {
        bench.iter_batched(
            || (engine(), payloads.clone()),
            |(mut core, payloads)| {
                for (number, payload) in payloads.into_iter().enumerate() {
                    let heard = GossipId(u64::try_from(number).unwrap());
                    black_box(core.handle(Input::Heard(heard, peer, payload), THEN));
                }
                core
            },
            BatchSize::LargeInput,
        );
    });
    let owner = person(0).public_key();
    let policy = Policy { open: true, ..Policy::default() };
    let (mut session, _) = Session::open([0; 32], "localhost".to_owned(), policy);
    let line = format!("[\"EVENT\",{}]", serde_json::to_string(&events[4]).unwrap());
    criterion.bench_function("relay session: EVENT", |bench| {
        bench.iter(|| session.on_line(black_box(&line), Some(owner), THEN));
    });
    let line = format!(r#"["REQ","a",{{"authors":["{owner}"],"kinds":[1],"limit":20}}]"#);
    criterion.bench_function("relay session: REQ", |bench| {
        bench.iter(|| session.on_line(black_box(&line), Some(owner), THEN));
    });
}

/// Hands events to the writer and waits until all are durable.
fn commit(runtime: &tokio::runtime::Runtime, writer: &Writer, events: Vec<Event>) {
    runtime.block_on(async {
        let mut waiting = Vec::new();
        for event in events {
            waiting.push(writer.commit(event, Propagation::Shared).await);
        }
        for answer in waiting {
            answer.await.unwrap().unwrap();
        }
    });
}

fn storing(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let keep = Retention { events: 10_000_000, ..Retention::EVERYTHING };
    let events = events(STORED);
    let folder = tempfile::tempdir().unwrap();
    let (store, writer) = Store::open(folder.path(), keep).unwrap();
    commit(&runtime, &writer, events.clone());
    let ask = |filter: &Filter| store.select(&[Asked { filter, also: &|_| true }]).unwrap();
    let posts = Filter { kinds: Some([Kind::POST].into()), limit: Some(500), ..Filter::default() };
    criterion.bench_function("find the newest 500", |bench| bench.iter(|| ask(black_box(&posts))));
    let author = Filter { authors: Some([person(7).public_key()].into()), limit: Some(20), ..posts.clone() };
    criterion
        .bench_function("find the newest 20 of somebody", |bench| bench.iter(|| ask(black_box(&author))));

    criterion.bench_function("store 1,000 events", |bench| {
        bench.iter_batched(
            || {
                let folder = tempfile::tempdir().unwrap();
                let (store, writer) = Store::open(folder.path(), keep).unwrap();
                (folder, store, writer, events[..GROUP].to_vec())
            },
            |(folder, store, writer, events)| {
                commit(&runtime, &writer, events);
                (folder, store, writer)
            },
            BatchSize::PerIteration,
        );
    });
}

criterion_group! {
    name = hot;
    config = Criterion::default().sample_size(30);
    targets = messages, decisions, storing
}
criterion_main!(hot);
