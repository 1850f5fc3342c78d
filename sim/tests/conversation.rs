//! A conversation among 32 people over 40 days: who comes last has all answers that are for everyone, and none of the others.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{collections::BTreeSet, time::Duration};

use nostrp2p_core::{AnswersPage, AnswersTo, FetchTarget, Service};
use nostrp2p_protocol::{
    Event, EventTemplate, Kind, Tag,
    event_policy::everyone_tag,
    rpc::{Found, RpcRequest},
};
use nostrp2p_sim::{VirtualNode, Wire, WireTap};
use tokio::time::sleep;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);
/// Nodes besides that of the newcomer; person 1 began the conversation.
const NODES: u8 = 31;
/// The other node of person 1, which was off all the time.
const SECOND: u8 = 99;
/// People who answer: 2 to 21.
const PEOPLE: u8 = 20;
/// Answers of each, one every four days: every other one for everyone.
const ANSWERS: u64 = 10;

fn answer(author: &VirtualNode, to: &VirtualNode, root: &Event, number: u64) -> Event {
    let everyone = number.is_multiple_of(2);
    let mut tags =
        vec![Tag::new(["e", &root.id().to_string(), "", "root"]), Tag::new(["p", &to.person().to_string()])];
    tags.extend(everyone.then(everyone_tag));
    let content = format!("{} {number}", if everyone { "for all" } else { "canary" });
    author.sign(EventTemplate { created_at: author.now(), kind: Kind::POST, tags, content })
}

/// Has everybody begin the day: a tree, and a line through it.
async fn wake(nodes: &mut [VirtualNode]) {
    nodes.iter_mut().for_each(VirtualNode::switch_on);
    for (place, node) in nodes.iter().enumerate().skip(1) {
        node.connect(&nodes[place / 2]);
        node.connect(&nodes[place - 1]);
    }
    sleep(5 * MINUTE).await;
}

/// A conversation of 40 days: its first post, and the answers with the place of each author. Nobody catches up, so whoever
/// was off when something was broadcast misses it.
async fn converse(nodes: &mut [VirtualNode]) -> (Event, Vec<(usize, Event)>) {
    wake(nodes).await;
    let root = nodes[0].write("what do you think?", &[], 60);
    nodes[0].publish(&root).await.unwrap();
    for node in &*nodes {
        node.hears(&root).await;
    }
    let mut answers = Vec::new();
    for number in 0..ANSWERS {
        let first = answers.len();
        for place in 1..=usize::from(PEOPLE) {
            let event = answer(&nodes[place], &nodes[0], &root, number);
            nodes[place].publish(&event).await.unwrap();
            answers.push((place, event));
        }
        for (_, event) in &answers[first..] {
            nodes[0].hears(event).await;
        }
        for node in &mut *nodes {
            node.switch_off().await;
        }
        sleep(4 * DAY).await;
        wake(nodes).await;
    }
    (root, answers)
}

/// Whether a text stands in anything that went over a wire, packed or not.
fn carried(tap: &WireTap, text: &str) -> bool {
    let plain = |payload: &[u8]| payload.windows(text.len()).any(|window| window == text.as_bytes());
    let packed = |payload: &[u8]| {
        let events = Found::decode(payload).map(|found| found.events).unwrap_or_default();
        events.iter().any(|event| event.unsigned.content.contains(text))
    };
    tap.payloads.iter().any(|payload| plain(payload) || packed(payload))
}

#[tokio::test(start_paused = true)]
async fn of_two_hundred_answers_a_newcomer_has_the_public_half_and_both_ends_the_other_one() {
    let wire = Wire::default();
    wire.refuse(Service::Sync);
    let mut nodes: Vec<VirtualNode> =
        (1..=NODES).map(|number| VirtualNode::new(&wire, number, number)).collect();
    let (root, answers) = converse(&mut nodes).await;
    assert_eq!(answers.len(), usize::from(PEOPLE) * usize::try_from(ANSWERS).unwrap());
    let is_public = |event: &Event| event.content.starts_with("for all");

    // Person 1 goes on at another node, which had missed all of it.
    let mut second = VirtualNode::new(&wire, SECOND, 1);
    second.switch_on();
    second.connect(&nodes[3]);
    for (author, event) in &answers {
        second.hears(event).await;
        assert!(nodes[0].holds(event) && nodes[*author].holds(event), "both ends have {:?}", event.content);
    }
    nodes[0].switch_off().await;

    let mut newcomer = VirtualNode::new(&wire, NODES + 1, NODES + 1);
    wire.tap(newcomer.peer());
    newcomer.switch_on();
    newcomer.connect(&nodes[30]);
    newcomer.connect(&nodes[17]);
    sleep(5 * MINUTE).await;
    let author = nodes[0].person();
    newcomer.fetch(vec![FetchTarget::Event(root.id(), Some(author))]).await;
    newcomer.hears(&root).await;
    newcomer.fetch(vec![FetchTarget::Answers(AnswersPage::first(AnswersTo::Post(root.id()), author))]).await;
    for (_, event) in answers.iter().filter(|(_, event)| is_public(event)) {
        newcomer.hears(event).await;
    }
    sleep(30 * MINUTE).await;

    let tap = wire.tapped(newcomer.peer());
    assert!(carried(&tap, "for all 0") && !carried(&tap, "canary"));
    for (author, event) in answers.iter().filter(|(_, event)| !is_public(event)) {
        let others = nodes[1..].iter().filter(|node| node.peer() != nodes[*author].peer());
        let holders = others.chain([&newcomer]).filter(|node| node.holds(event)).count();
        assert_eq!(holders, 0, "{:?} is between two people", event.content);
    }
    // The post, the newest hundred answers, and what might be behind them: each is asked once of each node of its author.
    let asked_events =
        |(peer, _, payload): &(_, _, Vec<u8>)| match RpcRequest::decode(payload).ok()?.into_parts() {
            (RpcRequest::Events(filters), _) => Some((*peer, format!("{filters:?}"))),
            _ => None,
        };
    let asked: Vec<_> = tap.asked.iter().filter_map(asked_events).collect();
    let there: Vec<_> = asked.iter().filter(|(peer, _)| *peer == second.peer()).collect();
    assert_eq!(there.len(), 3, "{asked:?}");
    assert_eq!(asked.iter().collect::<BTreeSet<_>>().len(), asked.len(), "nothing is asked twice: {asked:?}");
    assert!(asked.iter().all(|(peer, _)| [second.peer(), nodes[0].peer()].contains(peer)), "{asked:?}");
}
