//! The owner publishes and opens the first page while others have the node work for them as much as they may: four
//! neighbours ask questions that read as much as one may, deletions come that name as much as one can hold, and ten
//! strangers bring 2,000 events a second to the inbox.
//!
//! Kept is how many times longer the slowest one of a hundred takes than without them, in the same run: at most twice.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use nostrp2p_overlay::Protocol;
use nostrp2p_protocol::{
    Event, EventTemplate, Filter, Kind, PublicKey, Tag,
    frame::{ClientFrame, NodeFrame},
    rpc::RpcRequest,
};
use nostrp2p_tests::{Attacker, Client, Node, Relay, now, random_key};
use serde_json::json;
use tokio::task::JoinSet;

use super::{
    figures::{Better, Figures},
    stock::Stock,
};

/// Posts and first pages of one measurement.
const ROUNDS: usize = 300;
const NEIGHBOURS: usize = 4;
/// Questions that each neighbour has under way.
const AT_A_TIME: usize = 8;
/// Authors of a question: each is a range of the index to open, and so many are what one question may cost.
const AUTHORS: usize = 1_000;
/// As many addresses as fit into an event.
const ADDRESSES: usize = 720;
/// Authors of deletions, and how many each sends at once.
const DELETERS: usize = 20;
const DELETIONS: usize = 12;
/// Strangers at the inbox, and what each brings: an event in 5 ms, of so many that it has signed before.
const STRANGERS: usize = 10;
const BRINGS_EVERY: Duration = Duration::from_millis(5);
const SIGNED: usize = 500;
/// How long the owner's publish may take beside them, the slowest of a hundred.
const WITH_STRANGERS: Duration = Duration::from_millis(50);
/// How many times longer the owner may wait.
const MOST: f64 = 2.0;

/// The slowest one of a hundred, of posts and of first pages.
struct Slowest {
    publish: Duration,
    page: Duration,
}

pub async fn measure(stock: &Stock, figures: &Figures) {
    let node = stock.node().await.start_with(&["-p", &stock.owner.public_key().to_npub(), "--inbox"]).await;
    let mut client = Client::login(&node.clients(), &stock.owner).await;
    rounds(&mut client, stock, "warm").await;
    let alone = rounds(&mut client, stock, "alone").await;

    let mut asking = JoinSet::new();
    for _ in 0..NEIGHBOURS {
        let neighbour = Arc::new(Attacker::join(&node).await);
        for _ in 0..AT_A_TIME {
            asking.spawn(ask(Arc::clone(&neighbour)));
        }
    }
    let asked = rounds(&mut client, stock, "asked").await;
    asking.shutdown().await;
    let mut within = note("questions of four neighbours", &alone, &asked, figures);

    let neighbour = Attacker::join(&node).await;
    for deletion in deletions() {
        neighbour.shout(deletion).await;
    }
    let deleting = rounds(&mut client, stock, "deleting").await;
    within &= note("deletions", &alone, &deleting, figures);
    tell_rows(&node, figures).await;

    let mut bringing = JoinSet::new();
    for _ in 0..STRANGERS {
        bringing.spawn(bring(node.clients(), stock.owner.public_key()));
    }
    let brought = rounds(&mut client, stock, "brought").await;
    assert!(bringing.try_join_next().is_none(), "all of them go on to the end");
    bringing.shutdown().await;
    within &= note("strangers at the inbox", &alone, &brought, figures);
    assert!(brought.publish <= WITH_STRANGERS, "{:?}", brought.publish);
    assert!(within, "the owner waits for more than {MOST} times as long as without the others");
}

/// Asks for ever for what many people wrote whom nobody knows.
async fn ask(neighbour: Arc<Attacker>) {
    loop {
        let authors = (0..AUTHORS).map(|_| PublicKey::from_bytes(rand::random())).collect();
        let kinds = Some([Kind::POST].into());
        let filter = Filter { authors: Some(authors), kinds, ..Filter::default() };
        let question = RpcRequest::Events(vec![filter]).encode();
        // Over the budget it is refused, and asks again at once.
        let _answer = neighbour.ask(neighbour.victim(), Protocol::Fetch, question).await;
    }
}

/// Brings events to the inbox for ever, and hears what becomes of them.
async fn bring(authority: String, owner: PublicKey) {
    let key = random_key();
    let tags = vec![Tag::new(["p", &owner.to_string()])];
    let event = |number: usize| {
        let draft = EventTemplate {
            created_at: now(),
            kind: Kind::REACTION,
            tags: tags.clone(),
            content: number.to_string(),
        };
        json!(["EVENT", draft.sign(&key, &[7; 32])])
    };
    let events: Vec<_> = (0..SIGNED).map(event).collect();
    let mut relay = Relay::connect(&authority).await;
    let mut every = tokio::time::interval(BRINGS_EVERY);
    for event in events.iter().cycle() {
        tokio::select! {
            _ = every.tick() => relay.say(event).await,
            _answer = relay.next() => {}
        }
    }
}

fn deletions() -> Vec<Event> {
    let mut deletions = Vec::new();
    for _ in 0..DELETERS {
        let key = random_key();
        for number in 0..DELETIONS {
            let address = |name: usize| format!("30023:{}:{number}-{name}", key.public_key());
            let tags = (0..ADDRESSES).map(|name| Tag::new(["a".to_owned(), address(name)])).collect();
            let draft =
                EventTemplate { created_at: now(), kind: Kind::DELETION, tags, content: String::new() };
            deletions.push(draft.sign(&key, &[7; 32]));
        }
    }
    deletions
}

async fn rounds(client: &mut Client, stock: &Stock, name: &str) -> Slowest {
    let (mut publish, mut page) = (Vec::new(), Vec::new());
    for number in 0..ROUNDS {
        let content = format!("{name} {number}: the quick brown fox jumps over the lazy dog");
        let draft = EventTemplate { created_at: now(), kind: Kind::POST, tags: vec![], content };
        let event = draft.sign(&stock.owner, &[7; 32]);
        let begun = Instant::now();
        client.publish(&event).await;
        publish.push(begun.elapsed());
        let kinds = Some([Kind::POST, Kind::REPOST].into());
        let filter = Filter { kinds, limit: Some(50), ..Filter::default() };
        let begun = Instant::now();
        client.send(ClientFrame::Fetch { request: 9, filters: vec![filter] }).await;
        let NodeFrame::Answer { events, .. } = client.answer().await else { panic!("no answer") };
        page.push(begun.elapsed());
        assert_eq!(events.len(), 50);
    }
    Slowest { publish: slowest(publish), page: slowest(page) }
}

fn slowest(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() * 99 / 100]
}

/// Says how much longer the owner waits; whether that is within bounds.
fn note(what: &str, alone: &Slowest, loaded: &Slowest, figures: &Figures) -> bool {
    let mut within = true;
    let pairs = [("publish", alone.publish, loaded.publish), ("first page", alone.page, loaded.page)];
    for (act, alone, loaded) in pairs {
        let times = loaded.as_secs_f64() / alone.as_secs_f64();
        let said = format!("p99 {loaded:.1?}, {times:.2} times that of {alone:.1?} alone");
        figures.add(&format!("{act} beside {what}"), &said, times, Better::Lower);
        within &= times <= MOST;
    }
    within
}

async fn tell_rows(node: &Node, figures: &Figures) {
    let rows = node.metric("rows_read_for_others_total").await;
    figures.say("rows read for others", &rows.to_string());
}
