//! Over circuits: attackers who reach a node at home through its relay, as the relay lets them.

use std::time::Instant;

use nostrp2p_overlay::{ConnectionPath, Protocol};
use nostrp2p_tests::{Attacker, Client, Node, held, post, random_key, until};

use super::flooding::{spam, strangers_budget};
use super::texts;

/// More than a relay with 8 places carries at a time (32).
const ATTACKERS: usize = 40;

/// Where a node is reached over its relay.
async fn circuit(node: &Node) -> String {
    until("a place at the relay", || async {
        let (_, _, body) = node.inside("/node.json").await;
        let about: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        let addresses = about["addresses"].as_array().cloned().unwrap_or_default();
        let circuit =
            addresses.iter().filter_map(|address| address.as_str()).find(|it| it.contains("/p2p-circuit"));
        circuit.map(str::to_owned).ok_or(addresses)
    })
    .await
}

#[tokio::test]
async fn spam_over_circuits_costs_a_node_at_home_a_strangers_budget_and_its_relay_a_share() {
    const POSTS: usize = 150;
    let relay = Node::start(&["--reachable", "yes", "--relay", "8"]).await;
    let (alice, bob) = (random_key(), random_key());
    let home = Node::start(&["-b", &relay.nodes(), "--reachable", "no"]).await;
    let mut alices = Client::claim(&home.clients(), home.token(), &alice).await;
    alices.delegate(&alice).await;
    let other = Node::start(&["-b", &relay.nodes()]).await;
    let mut bobs = Client::claim(&other.clients(), other.token(), &bob).await;
    bobs.neighbours(1).await;
    let (peer, way) = (alices.peer(), circuit(&home).await);

    // All come to the node over its relay; some are refused, for a relay gives one peer so much and no more.
    let (mut attackers, mut through) = (Vec::new(), 0);
    for _ in 0..ATTACKERS {
        let attacker = Attacker::join(&relay).await;
        attacker.learn(peer, vec![way.clone()]).await;
        // Whatever the answer is, the circuit stands, or does not.
        let _answer = attacker.ask(peer, Protocol::Fetch, vec![0xc1]).await;
        through += usize::from(attacker.path(peer).await == Some(ConnectionPath::Relayed));
        attackers.push(attacker);
    }
    assert!(through > 0, "nobody came over the relay, so nothing was tried");
    let carried = relay.metric("relay_circuits").await;
    assert!(carried <= 32, "{carried} circuits over a relay with 8 places");

    let (key, begun) = (random_key(), Instant::now());
    for number in 0..POSTS {
        attackers[0].shout(spam(&key, number)).await;
    }
    alices.watch(0).await;
    bobs.watch(0).await;
    bobs.publish(&post(&bob, "from beyond the relay")).await;
    alices.hear("from beyond the relay").await;
    alices.publish(&post(&alice, "from home")).await;
    bobs.hear("from home").await;
    let mut fresh = Client::login(&home.clients(), &alice).await;
    let got = texts(&mut fresh).await.iter().filter(|text| text.starts_with("buy")).count();
    // A stranger's budget for each neighbour that brings them: the attacker, and the relay.
    let most = 2 * strangers_budget(begun);
    assert!(got <= most, "{got} got through, {most} may");
    for node in [&home, &relay] {
        assert_eq!(node.metric("peers_banned_total").await, 0, "nobody sent anything that is wrong");
    }
    held(
        "spam over circuits",
        &format!("{ATTACKERS} strangers at one node over its relay, {POSTS} posts of one of them"),
        &format!("{through} came through, {got} posts were taken; node and relay served others meanwhile"),
    );
}

#[tokio::test]
async fn strangers_at_one_node_take_no_circuits_from_another() {
    // More than the relay carries at a time, which is 16.
    const STRANGERS: usize = 20;
    let relay = Node::start(&["--reachable", "yes", "--relay", "4"]).await;
    let mut homes = Vec::new();
    for _ in 0..2 {
        let key = random_key();
        let home = Node::start(&["-b", &relay.nodes(), "--reachable", "no"]).await;
        let client = Client::claim(&home.clients(), home.token(), &key).await;
        let way = circuit(&home).await;
        homes.push((client.peer(), way, home));
    }
    let (mut strangers, mut through, mut carried) = (Vec::new(), 0, 0);
    let (victim, way, _) = &homes[0];
    for _ in 0..STRANGERS {
        let stranger = Attacker::join(&relay).await;
        stranger.learn(*victim, vec![way.clone()]).await;
        let _answer = stranger.ask(*victim, Protocol::Fetch, vec![0xc1]).await;
        through += usize::from(stranger.path(*victim).await.is_some());
        carried = carried.max(relay.metric("relay_circuits").await);
        strangers.push(stranger);
    }
    assert!(through > 0, "nobody came over the relay, so nothing was tried");
    // A circuit ends some seconds after its ends have found a direct way, so more may come through one after the other.
    assert!(carried <= 8, "{carried} at a time are more than half of the circuits of two");
    let (other, way, _) = &homes[1];
    let newcomer = Attacker::join(&relay).await;
    newcomer.learn(*other, vec![way.clone()]).await;
    let _answer = newcomer.ask(*other, Protocol::Fetch, vec![0xc1]).await;
    assert!(newcomer.path(*other).await.is_some(), "the other node cannot be reached");
    held(
        "strangers who take a node's circuits",
        &format!("{STRANGERS} strangers at one of two nodes behind a relay that carries 16 circuits"),
        &format!("{through} came through, {carried} at a time; the other node is reached"),
    );
}
