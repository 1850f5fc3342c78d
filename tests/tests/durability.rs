//! `kill -9` at any moment: what was acknowledged is there, and no sequence number comes twice.
//! `cargo xtask durability --kills 1000` does it a thousand times.

use std::collections::{BTreeMap, BTreeSet};

use nostrp2p_protocol::{
    EventId, SecretKey,
    frame::{ClientFrame, NodeFrame},
};
use nostrp2p_tests::{Client, Node, post, random_key, until};
use tokio::time::{Duration, timeout};

/// Rounds of publishing and killing; `KILL_ROUNDS` gives another number.
fn rounds() -> u64 {
    std::env::var("KILL_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(30)
}

/// Publishes as fast as it can for a while; returns what was acknowledged, by sequence number.
async fn publish_for(
    client: &mut Client,
    key: &SecretKey,
    round: u64,
    time: Duration,
) -> BTreeMap<u64, EventId> {
    let mut acknowledged = BTreeMap::new();
    let mut number = 0_u64;
    let run = async {
        for _ in 0..8 {
            number += 1;
            send(client, key, round, number).await;
        }
        loop {
            if let NodeFrame::Published { id, sequence, .. } = client.answer().await {
                assert_eq!(acknowledged.insert(sequence, id), None, "sequence {sequence} came twice");
                number += 1;
                send(client, key, round, number).await;
            }
        }
    };
    let ended: Result<(), _> = timeout(time, run).await;
    drop(ended);
    acknowledged
}

async fn send(client: &mut Client, key: &SecretKey, round: u64, number: u64) {
    let request = u32::try_from(number).unwrap_or(u32::MAX);
    let event = post(key, &format!("round {round}, post {number}")).into();
    client.send(ClientFrame::Publish { request, event }).await;
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() {
    let key = random_key();
    let mut node = Node::start(&["-p", &key.public_key().to_npub()]).await;
    let seed: u64 = std::env::var("KILL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).expect("random numbers");
        u64::from_le_bytes(bytes)
    });
    println!("KILL_SEED={seed}");
    let mut acknowledged = BTreeMap::new();
    // Up to where all is checked; what comes later is checked each round, and all of it now and then.
    let mut checked = 0;
    for round in 0..rounds() {
        let mut client = Client::login(&node.clients(), &key).await;
        let random = seed.rotate_left(u32::try_from(round % 64).unwrap_or(0) * 7).wrapping_add(round * 7_919);
        let new = publish_for(&mut client, &key, round, Duration::from_millis(20 + random % 400)).await;
        // The connection is still open: more is on its way when the node dies.
        let mut stopped = node.kill().await;
        if round % 4 == 3 {
            // It dies once more while it opens its store.
            stopped = stopped.start_and_kill(Duration::from_millis(random % 40)).await;
        }
        node = stopped.start().await;
        let newest = acknowledged.last_key_value().map_or(0, |(sequence, _)| *sequence);
        for (sequence, id) in &new {
            assert!(*sequence > newest, "sequence {sequence} was given after {newest}");
            assert_eq!(acknowledged.insert(*sequence, *id), None, "sequence {sequence} was given twice");
        }
        let all = round % 100 == 99 || round + 1 == rounds();
        let (held, through) = everything(&node, &key, if all { 0 } else { checked }).await;
        for (sequence, id) in if all { &acknowledged } else { &new } {
            assert!(
                held.contains(id),
                "round {round}: {id}, acknowledged as {sequence}, is lost (seed {seed})"
            );
        }
        checked = through;
        if round % 50 == 49 {
            println!("{} kills, {} acknowledged events, none lost", round + 1, acknowledged.len());
        }
    }
    println!(
        "{} acknowledged events in {} rounds, none lost, no sequence number twice",
        acknowledged.len(),
        rounds()
    );
    assert!(acknowledged.len() > 20, "hardly anything was published");
}

/// The ids of what a node holds after a sequence number, by its batches, and up to where that goes.
async fn everything(node: &Node, key: &SecretKey, after: u64) -> (BTreeSet<EventId>, u64) {
    let mut client = Client::login(&node.clients(), key).await;
    // So that there is something to send in any case.
    client.publish(&post(key, &format!("read after {after}"))).await;
    client.watch(after).await;
    let mut held = BTreeSet::new();
    loop {
        let frame = client.next().await.expect("the node keeps the connection");
        if let NodeFrame::Batch { through, newest, events } = frame {
            held.extend(events.iter().map(|event| event.id()));
            if through >= newest {
                return (held, through);
            }
        }
    }
}

#[tokio::test]
async fn a_client_misses_nothing_when_a_crash_undoes_what_others_have_told() {
    let (ada, bob) = (random_key(), random_key());
    let teller = Node::start(&["-p", &ada.public_key().to_npub()]).await;
    let node = Node::start(&["-p", &bob.public_key().to_npub(), "-b", &teller.nodes()]).await;
    let mut speaker = Client::login(&teller.clients(), &ada).await;
    let mut listener = Client::login(&node.clients(), &bob).await;
    listener.neighbours(1).await;
    listener.watch(0).await;
    let posts: Vec<String> = (0..20).map(|number| format!("post {number}")).collect();
    for text in &posts {
        speaker.publish(&post(&ada, text)).await;
    }
    // Pushed to the client, and nobody waits for the disk.
    let mut told = 0;
    let mut heard = BTreeSet::new();
    while heard.len() < posts.len() {
        let frame = listener.next().await.expect("the node keeps the connection");
        let NodeFrame::Batch { through, events, .. } = frame else { continue };
        heard.extend(events.into_iter().map(|event| event.content));
        told = told.max(through);
    }
    let node = node.kill().await.start().await;
    let mut listener = Client::login(&node.clients(), &bob).await;
    listener.watch(told).await;
    listener.neighbours(1).await;
    speaker.publish(&post(&ada, "after the crash")).await;
    // It would not come if it had got a number that the client knows already.
    listener.hear("after the crash").await;
    until("everything to be there again", || async {
        let held = Client::login(&node.clients(), &bob).await.everything().await;
        if posts.iter().all(|text| held.contains(text)) { Ok(()) } else { Err(held) }
    })
    .await;
}
