//! Votes in polls: they go to the author of the poll, who gives them to whoever asks.

use std::time::Duration;

use nostrp2p_core::{AnswersPage, AnswersTo, FetchTarget, Service};
use nostrp2p_protocol::{
    Event, EventTemplate, Kind, Packet, PeerId, Tag, UnverifiedEvent, frame::Carried, rpc::Receipt,
};
use nostrp2p_runtime::PeerNetwork;
use nostrp2p_sim::{VirtualNode, Wire};
use tokio::time::sleep;

const MINUTE: Duration = Duration::from_secs(60);

fn vote(by: &VirtualNode, poll: &Event) -> Event {
    let tags = vec![Tag::new(["e", &poll.id().to_string()]), Tag::new(["response", "yes"])];
    by.sign(EventTemplate { created_at: by.now(), kind: Kind::VOTE, tags, content: String::new() })
}

fn poll(by: &VirtualNode) -> Event {
    let tags = vec![Tag::new(["option", "yes", "Yes"]), Tag::new(["option", "no", "No"])];
    by.sign(EventTemplate { created_at: by.now(), kind: Kind::POLL, tags, content: "well?".into() })
}

/// A line of neighbours: Alice, Bob, Carol, Dave.
async fn line(wire: &Wire) -> [VirtualNode; 4] {
    let nodes = [1, 2, 3, 4].map(|number| VirtualNode::start(wire, number));
    for pair in nodes.windows(2) {
        pair[0].connect(&pair[1]);
    }
    sleep(5 * MINUTE).await;
    nodes
}

#[tokio::test(start_paused = true)]
async fn a_vote_goes_to_the_author_of_the_poll_and_from_there_to_whoever_opens_it() {
    let wire = Wire::default();
    let [alice, bob, carol, dave] = line(&wire).await;
    let poll = poll(&alice);
    alice.publish(&poll).await.unwrap();
    for node in [&bob, &carol, &dave] {
        node.hears(&poll).await;
    }
    let vote = vote(&carol, &poll);
    assert_eq!(carol.publish(&vote).await, Ok(Carried::Waiting(1)));
    alice.hears(&vote).await;
    sleep(30 * MINUTE).await;
    assert!(!bob.holds(&vote) && !dave.holds(&vote), "nobody is told who has not asked");
    let page = AnswersPage::first(AnswersTo::Poll(poll.id()), alice.person());
    dave.fetch(vec![FetchTarget::Answers(page)]).await;
    dave.hears(&vote).await;
}

#[tokio::test(start_paused = true)]
async fn an_unknown_poll_is_asked_for_before_the_vote_and_without_it_the_vote_stays() {
    let wire = Wire::default();
    let [alice, bob, carol, _dave] = line(&wire).await;
    let known = poll(&alice);
    alice.publish(&known).await.unwrap();
    bob.hears(&known).await;
    // He comes later, and has not caught up when he votes.
    let eve = VirtualNode::start(&wire, 5);
    wire.refuse(Service::Sync);
    eve.connect(&bob);
    sleep(5 * MINUTE).await;
    assert!(!eve.holds(&known));
    let late = vote(&eve, &known);
    assert_eq!(eve.publish(&late).await, Ok(Carried::Waiting(1)));
    alice.hears(&late).await;
    assert!(eve.holds(&known));

    let lost = vote(&eve, &poll(&carol));
    assert_eq!(eve.publish(&lost).await, Ok(Carried::Kept));
    assert!(eve.holds(&lost) && !carol.holds(&lost));
}

#[tokio::test(start_paused = true)]
async fn a_vote_in_somebody_elses_poll_is_not_taken() {
    let wire = Wire::default();
    let [alice, bob, carol, _dave] = line(&wire).await;
    let poll = poll(&alice);
    alice.publish(&poll).await.unwrap();
    for node in [&bob, &carol] {
        node.hears(&poll).await;
    }
    let vote = vote(&carol, &poll);
    let (network, _events) = wire.join(PeerId::from_ed25519([9; 32]));
    let packet = Packet::Event(UnverifiedEvent { claimed_id: None, ..vote.clone().into() }).encode();
    let hand_to = async |node: &VirtualNode| {
        let answer = network.request(node.peer(), Service::Deliver, packet.clone()).await.unwrap();
        Receipt::decode(&answer).unwrap()
    };
    assert_eq!(hand_to(&bob).await, Receipt::Refused);
    assert_eq!(hand_to(&alice).await, Receipt::Taken);
    assert!(!bob.holds(&vote) && alice.holds(&vote));
}
