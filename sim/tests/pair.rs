//! What happens between nodes, on a virtual clock: real engines and pumps, and nothing of sockets, disks and processes.

use std::time::Duration;

use nostrp2p_core::{FetchTarget, Service};
use nostrp2p_protocol::{EventTemplate, Kind, frame::Carried, rpc::RpcRequest};
use nostrp2p_runtime::PeerNetwork as _;
use nostrp2p_sim::{VirtualNode, Wire};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

const MINUTE: Duration = Duration::from_secs(60);

/// Two neighbours that know of each other.
async fn pair() -> (Wire, VirtualNode, VirtualNode) {
    let wire = Wire::default();
    let (alice, bob) = (VirtualNode::start(&wire, 1), VirtualNode::start(&wire, 2));
    alice.connect(&bob);
    sleep(MINUTE).await;
    (wire, alice, bob)
}

#[tokio::test(start_paused = true)]
async fn a_post_reaches_a_neighbour_at_once() {
    let (_wire, alice, bob) = pair().await;
    let post = alice.write("hello", &[], 0);
    assert_eq!(alice.publish(&post).await, Ok(Carried::Broadcast(1)));
    assert!(bob.hears(&post).await < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn what_was_written_alone_goes_out_when_somebody_comes_even_after_a_restart() {
    let wire = Wire::default();
    let mut alice = VirtualNode::start(&wire, 1);
    sleep(MINUTE).await;
    let post = alice.write("is anybody there?", &[], 0);
    assert_eq!(alice.publish(&post).await, Ok(Carried::Broadcast(0)));
    alice.switch_off().await;
    alice.switch_on();
    let bob = VirtualNode::start(&wire, 2);
    alice.connect(&bob);
    bob.hears(&post).await;
}

#[tokio::test(start_paused = true)]
async fn a_reply_reaches_only_the_people_in_it() {
    let (_wire, alice, bob) = pair().await;
    let carol = VirtualNode::start(&_wire, 3);
    carol.connect(&bob);
    sleep(MINUTE).await;
    let secret = alice.write("for Bob", &[bob.person()], 0);
    assert_eq!(alice.publish(&secret).await, Ok(Carried::Waiting(1)));
    bob.hears(&secret).await;
    sleep(10 * MINUTE).await;
    assert!(!carol.holds(&secret));
}

#[tokio::test(start_paused = true)]
async fn what_has_arrived_is_not_sent_again_when_its_author_retries() {
    let (wire, alice, bob) = pair().await;
    let hello = alice.write("hello", &[bob.person()], 0);
    alice.publish(&hello).await.unwrap();
    bob.hears(&hello).await;
    sleep(MINUTE).await;
    assert_eq!(wire.requests_to(bob.peer(), Service::Deliver), 1);
    alice.retry(hello.id()).await;
    sleep(30 * MINUTE).await;
    assert_eq!(wire.requests_to(bob.peer(), Service::Deliver), 1);
}

#[tokio::test(start_paused = true)]
async fn a_reply_to_a_node_that_is_away_waits_and_goes_out_when_it_is_back() {
    let (wire, mut alice, mut bob) = pair().await;
    let carol = VirtualNode::start(&wire, 3);
    carol.connect(&alice);
    sleep(MINUTE).await;
    bob.switch_off().await;
    let waiting = alice.write("are you there?", &[bob.person()], 0);
    assert_eq!(alice.publish(&waiting).await, Ok(Carried::Waiting(1)));
    sleep(40 * MINUTE).await;
    // Alice's node may restart meanwhile, and Bob's comes back elsewhere in the network.
    alice.switch_off().await;
    alice.switch_on();
    alice.connect(&carol);
    bob.switch_on();
    bob.connect(&carol);
    assert!(bob.hears(&waiting).await < Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn what_came_from_a_neighbour_goes_on_to_the_neighbours_of_that() {
    let wire = Wire::default();
    let alice = VirtualNode::start(&wire, 1);
    let old = alice.write("long ago", &[], 86_400);
    alice.publish(&old).await.unwrap();
    // Bob's and Carol's nodes know each other and not Alice's; Dave's brings them together.
    let (bob, carol) = (VirtualNode::start(&wire, 2), VirtualNode::start(&wire, 3));
    bob.connect(&carol);
    sleep(10 * MINUTE).await;
    let dave = VirtualNode::start(&wire, 4);
    dave.connect(&alice);
    dave.connect(&bob);
    assert!(carol.hears(&old).await < Duration::from_secs(30), "it is told, and does not wait for its turn");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_was_away_holds_what_the_others_hold_and_not_what_was_deleted() {
    let (_wire, alice, mut bob) = pair().await;
    let target = alice.write("better not said", &[], 0);
    alice.publish(&target).await.unwrap();
    bob.hears(&target).await;
    bob.switch_off().await;
    let posts: Vec<_> = (0..7).map(|number| alice.write(&format!("post {number}"), &[], number)).collect();
    for post in &posts {
        alice.publish(post).await.unwrap();
    }
    bob.switch_on();
    bob.connect(&alice);
    for post in &posts {
        assert!(bob.hears(post).await < Duration::from_secs(10));
    }
}

#[tokio::test(start_paused = true)]
async fn one_of_two_nodes_that_answers_is_enough() {
    let wire = Wire::default();
    let (alice, bob) = (VirtualNode::start(&wire, 1), VirtualNode::start(&wire, 2));
    let mut hers = VirtualNode::new(&wire, 3, 1);
    hers.switch_on();
    alice.connect(&bob);
    hers.connect(&bob);
    sleep(5 * MINUTE).await;
    hers.switch_off().await;
    // Her other node takes requests from now on and answers none.
    let _silent = wire.join(hers.peer());
    let list = alice.sign(EventTemplate {
        created_at: alice.now(),
        kind: Kind::FOLLOW_LIST,
        tags: vec![],
        content: String::new(),
    });
    alice.publish(&list).await.unwrap();
    bob.fetch(vec![FetchTarget::Latest(Kind::FOLLOW_LIST, alice.person())]).await;
    assert!(bob.hears(&list).await < Duration::from_secs(5), "without waiting for the other one");
}

#[tokio::test(start_paused = true)]
async fn somebody_who_was_away_is_asked_when_they_appear() {
    let (wire, mut alice, carol) = pair().await;
    let template = EventTemplate {
        created_at: 1_700_000_000,
        kind: Kind::FOLLOW_LIST,
        tags: vec![],
        content: String::new(),
    };
    let list = alice.sign(template);
    assert_eq!(alice.publish(&list).await, Ok(Carried::Kept));
    alice.switch_off().await;
    let bob = VirtualNode::start(&wire, 3);
    bob.connect(&carol);
    sleep(MINUTE).await;
    bob.fetch(vec![FetchTarget::Latest(Kind::FOLLOW_LIST, alice.person())]).await;
    sleep(MINUTE).await;
    assert!(!bob.holds(&list));
    alice.switch_on();
    alice.connect(&carol);
    assert!(bob.hears(&list).await < Duration::from_secs(60));
}

#[tokio::test(start_paused = true)]
async fn a_node_whose_store_takes_nothing_passes_on_and_answers_and_stores_later() {
    let (wire, alice, bob) = pair().await;
    let carol = VirtualNode::start(&wire, 3);
    carol.connect(&bob);
    sleep(MINUTE).await;
    bob.block_store(true);
    let post = alice.write("through Bob", &[], 0);
    alice.publish(&post).await.unwrap();
    assert!(carol.hears(&post).await < Duration::from_secs(1), "what is accepted goes on at once");
    assert!(bob.answers().await && !bob.holds(&post));
    bob.block_store(false);
    assert!(bob.hears(&post).await < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn of_the_requests_over_budget_sixty_four_wait_for_their_refusal_and_the_rest_are_refused_at_once() {
    let (wire, _alice, bob) = pair().await;
    let (greedy, _events) = wire.join(VirtualNode::new(&wire, 3, 3).peer());
    let mut asking = JoinSet::new();
    for _ in 0..900 {
        let (greedy, bob) = (greedy.clone(), bob.peer());
        asking.spawn(async move {
            let asked = Instant::now();
            let answer = greedy.request(bob, Service::Fetch, RpcRequest::Announcements.encode()).await;
            answer.is_err().then(|| asked.elapsed())
        });
    }
    let refused: Vec<Duration> = asking.join_all().await.into_iter().flatten().collect();
    let (at_once, waited): (Vec<_>, Vec<_>) =
        refused.into_iter().partition(|time| *time < Duration::from_secs(1));
    assert_eq!(waited.len(), 64);
    assert!(at_once.len() > 200, "{}", at_once.len());
}

#[tokio::test(start_paused = true)]
async fn private_replies_wait_for_room_in_the_store_and_none_is_lost() {
    let (_wire, alice, bob) = pair().await;
    bob.block_store(true);
    // As many as a node takes of one person at once.
    let replies: Vec<_> = (0..100).map(|n| alice.write(&format!("reply {n}"), &[bob.person()], n)).collect();
    for reply in &replies {
        alice.publish(reply).await.unwrap();
    }
    sleep(5 * MINUTE).await;
    assert!(bob.answers().await);
    bob.block_store(false);
    for reply in &replies {
        bob.hears(reply).await;
    }
}
