//! On the way home: strangers at a helper's door, and a helper that does not keep to its part.

use std::time::{Duration, Instant};

use nostrp2p_overlay::Protocol;
use nostrp2p_protocol::{
    SecretKey,
    frame::ClientFrame,
    rpc::{Lent, RpcRequest},
};
use nostrp2p_tests::{Attacker, Client, Front, HomeLink, Node, PATIENCE, Tamper, held, post, random_key};
use tokio::time::timeout;

use super::texts;

/// Less than a session may stay without a greeting (10 s) takes; who is in sooner did not wait for that.
const AT_ONCE: Duration = Duration::from_secs(8);

/// A helper, and a node at home that it helps.
async fn helped(address: &str) -> (Node, Node, HomeLink) {
    let helper = Node::start(&["--help-others", address]).await;
    let home = Node::start(&["--page", "https://page.example", "-b", &helper.nodes()]).await;
    let link = home.links_with_ways(1).await.pop().unwrap();
    let link = HomeLink::read(&link);
    (helper, home, link)
}

#[tokio::test]
async fn strangers_at_a_helpers_door_keep_nobody_from_coming_home() {
    const KNOCKS: usize = 40;
    let (helper, home, link) = helped("wss://helper.example").await;
    let door = format!("ws://{}", helper.clients());
    // Somebody else asks for the helper's address. It gets it for itself, and for nobody else.
    let attacker = Attacker::join(&helper).await;
    let lent = attacker.ask(attacker.victim(), Protocol::Fetch, RpcRequest::Lend.encode()).await;
    let lent = lent.ok().and_then(|bytes| Lent::decode(&bytes).ok());
    assert!(matches!(lent, Some(Lent::For { .. })), "{lent:?}");

    // From two addresses, as many ways to the node as the helper gives, on which nothing is said.
    let mut silent = Vec::new();
    for _ in 0..KNOCKS {
        for address in ["9.9.9.9", "7.7.7.7"] {
            silent.extend(Client::knock_from(address, &door, &link.peer).await);
        }
    }
    let begun = Instant::now();
    let owner = random_key();
    let mut client =
        Client::through_from("8.8.8.8", &door, &link.peer, &link.key).await.expect("the way home");
    client.become_owner(home.token(), &owner).await;
    let took = begun.elapsed();
    assert_eq!(client.peer(), link.peer, "led home in another's name");
    assert!(took < AT_ONCE, "the owner had to wait {took:?}");
    client.publish(&post(&owner, "I am home")).await;
    // Who has signed in is not displaced, from however many addresses strangers come after that.
    for number in 0..KNOCKS {
        let address = format!("9.9.{number}.9");
        silent.extend(Client::knock_from(&address, &door, &link.peer).await);
    }
    client.publish(&post(&owner, "and I stay")).await;
    drop(silent);
    held(
        "strangers at a helper's door",
        &format!(
            "{KNOCKS} silent ways to one node from each of two addresses, then from {KNOCKS} others, and a stranger who \
             asks for the same help"
        ),
        &format!("the owner came home after {} ms, to the right node, and stayed", took.as_millis()),
    );
}

/// Signs in through the front and says two things; whether the node then went on with it.
async fn say_two(front: &Front, link: &HomeLink, owner: &SecretKey, name: &str) -> bool {
    let mut client = Client::through(&front.address(), &link.peer, &link.key).await.expect("the way home");
    client.sign_in(owner).await;
    for part in ["first", "second"] {
        let event = post(owner, &format!("{name} {part}"));
        client.send(ClientFrame::Publish { request: 9, event: event.into() }).await;
    }
    let ends = async { while client.next().await.is_some() {} };
    timeout(PATIENCE / 2, ends).await.is_err()
}

#[tokio::test]
async fn what_a_helper_changes_ends_the_session_and_is_taken_for_nothing() {
    let front = Front::start(None).await;
    let (helper, home, link) = helped(&front.address().replace("ws://", "wss://")).await;
    front.lead_to(&helper.clients());
    let owner = random_key();
    let mut client = Client::through(&front.address(), &link.peer, &link.key).await.expect("the way home");
    client.become_owner(home.token(), &owner).await;
    client.publish(&post(&owner, "untouched")).await;

    let ways = [
        ("altered", Tamper::Alter, 0),
        ("repeated", Tamper::Repeat, 1),
        ("cut", Tamper::Cut, 0),
        ("withheld", Tamper::Withhold, 0),
    ];
    for (name, how, arrives) in ways {
        front.tamper(how);
        assert!(!say_two(&front, &link, &owner, name).await, "{name}: the session went on");
        front.tamper(Tamper::No);
        let mut here = Client::login(&home.clients(), &owner).await;
        let held = texts(&mut here).await;
        let count = held.iter().filter(|text| text.starts_with(name)).count();
        assert!(count <= arrives, "{name}: {held:?}");
    }
    // The next session, and the one that nobody touched, go on.
    client.publish(&post(&owner, "still untouched")).await;
    let mut again = Client::through(&front.address(), &link.peer, &link.key).await.expect("the way home");
    again.sign_in(&owner).await;
    again.publish(&post(&owner, "and the next one")).await;
    held(
        "a helper that changes what it carries",
        "what a client said was altered, repeated, cut off, or left out",
        "each session ended at the first such message; nothing came changed or twice",
    );
}
