//! What a node missed comes from its neighbours when it is back: posts, deletions, history; and nothing private.

use std::collections::BTreeSet;

use nostrp2p_protocol::{
    Event, EventTemplate, Kind, SecretKey,
    frame::{Delivery, NodeFrame},
};
use nostrp2p_tests::{Client, Person, deletion, now, post, reply};

fn dated(key: &SecretKey, text: &str, seconds_ago: u64) -> Event {
    EventTemplate { created_at: now() - seconds_ago, kind: Kind::POST, tags: vec![], content: text.into() }
        .sign(key, &[7; 32])
}

#[tokio::test]
async fn a_node_that_was_away_holds_what_the_others_hold() {
    let (mut alice, mut bob) = Person::pair().await;
    // Carol takes what Alice writes, so that nothing waits at Alice's for Bob.
    let mut carol = Person::arrive(Some(&alice)).await;
    carol.client.watch(0).await;
    bob.client.watch(0).await;
    let target = post(&alice.key, "better not said");
    alice.client.publish(&target).await;
    let through = bob.client.hear("better not said").await;
    carol.client.hear("better not said").await;

    let away = bob.node.stop().await;
    for number in 0..50 {
        alice.client.publish(&post(&alice.key, &format!("post {number}"))).await;
    }
    alice.client.publish(&deletion(&alice.key, &target)).await;
    carol.client.hear("gone").await;
    let back = std::time::Instant::now();
    let node = away.start().await;
    let mut client = Client::login(&node.clients(), &bob.key).await;
    client.watch(through).await;
    let mut missed: BTreeSet<String> = (0..50).map(|number| format!("post {number}")).collect();
    missed.insert("gone".into());
    while !missed.is_empty() {
        match client.next().await {
            Some(NodeFrame::Batch { events, .. }) => {
                missed.retain(|text| events.iter().all(|event| event.content != *text))
            }
            Some(_) => {}
            None => panic!("the node closed the connection before it sent {missed:?}"),
        }
    }
    println!("budget: back and caught up with 51 events after {:?} (aim: seconds)", back.elapsed());
    let texts = client.everything().await;
    assert!(!texts.contains(&target.content), "a deletion wins over what it deletes");
}

#[tokio::test]
async fn a_late_joiner_gets_the_history_and_nothing_private() {
    let (mut alice, mut bob) = Person::pair().await;
    let ages = [10, 7_200, 3 * 86_400, 20 * 86_400];
    for age in ages {
        alice.client.publish(&dated(&alice.key, &format!("{age} seconds ago"), age)).await;
    }
    let private = reply(&alice.key, "between us", &[&bob.key]);
    alice.client.publish(&private).await;
    alice.client.delivery(&private, &bob.key, Delivery::Delivered).await;
    let word = deletion(&alice.key, &private);
    alice.client.publish(&word).await;
    alice.client.delivery(&word, &bob.key, Delivery::Delivered).await;
    bob.client.watch(0).await;
    bob.client.hear("gone").await;

    let mut carol = Person::arrive(Some(&alice)).await;
    carol.client.watch(0).await;
    // The oldest window comes last.
    carol.client.hear("1728000 seconds ago").await;
    let texts = carol.client.everything().await;
    assert!(ages.iter().all(|age| texts.contains(&format!("{age} seconds ago"))), "{texts:?}");
    assert!(!texts.contains(&"between us".to_owned()) && !texts.contains(&"gone".to_owned()), "{texts:?}");
}
