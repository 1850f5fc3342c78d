//! A conversation among 32 nodes: who comes last has all answers that are for everyone, and none of the others.

use std::time::Duration;

use nostrp2p_protocol::{Event, EventTemplate, Kind, Tag, event_policy::everyone_tag};
use nostrp2p_sim::{VirtualNode, Wire};
use tokio::time::sleep;

const MINUTE: Duration = Duration::from_secs(60);
/// Nodes besides that of the newcomer; person 1 began the conversation.
const NODES: u8 = 31;
/// People who answer: 2 to 21.
const PEOPLE: u8 = 20;
/// Answers of each: every other one for everyone.
const ANSWERS: u64 = 10;

fn answer(author: &VirtualNode, to: &VirtualNode, root: &Event, number: u64) -> Event {
    let everyone = number.is_multiple_of(2);
    let mut tags =
        vec![Tag::new(["e", &root.id().to_string(), "", "root"]), Tag::new(["p", &to.person().to_string()])];
    tags.extend(everyone.then(everyone_tag));
    let content = format!("{} {number}", if everyone { "for all" } else { "canary" });
    author.sign(EventTemplate { created_at: root.created_at + 1 + number, kind: Kind::POST, tags, content })
}

#[tokio::test(start_paused = true)]
async fn of_two_hundred_answers_a_newcomer_has_the_public_half_and_both_ends_the_other_one() {
    let wire = Wire::default();
    let nodes: Vec<VirtualNode> = (1..=NODES).map(|number| VirtualNode::start(&wire, number)).collect();
    for (place, node) in nodes.iter().enumerate().skip(1) {
        // A tree, and a line through it.
        node.connect(&nodes[place / 2]);
        node.connect(&nodes[place - 1]);
    }
    sleep(5 * MINUTE).await;
    let alice = &nodes[0];
    let root = alice.write("what do you think?", &[], 60);
    alice.publish(&root).await.unwrap();
    for node in &nodes {
        node.hears(&root).await;
    }
    let mut answers = Vec::new();
    for number in 0..ANSWERS {
        for author in &nodes[1..=usize::from(PEOPLE)] {
            let event = answer(author, alice, &root, number);
            author.publish(&event).await.unwrap();
            answers.push((author, event));
        }
        // Nobody says everything at once.
        sleep(MINUTE).await;
    }
    let newcomer = VirtualNode::start(&wire, NODES + 1);
    newcomer.connect(&nodes[30]);
    newcomer.connect(&nodes[17]);
    assert_eq!(answers.len(), usize::from(PEOPLE) * usize::try_from(ANSWERS).unwrap());
    for (author, event) in &answers {
        // Both ends of a private answer have it, and of a public one everybody.
        alice.hears(event).await;
        assert!(author.holds(event));
        if event.content.starts_with("for all") {
            newcomer.hears(event).await;
        }
    }
    sleep(30 * MINUTE).await;
    for (author, event) in answers.iter().filter(|(_, event)| event.content.starts_with("canary")) {
        let has = |node: &&VirtualNode| node.holds(event);
        let others = nodes[1..].iter().filter(|node| node.peer() != author.peer()).chain([&newcomer]);
        assert_eq!(others.filter(has).count(), 0, "{:?} is between two people", event.content);
    }
}
