//! Nodes that act for the person: what is shown of them, and what is signed to end that.

use nostrp2p_protocol::{delegation, delegation::LIFETIME_SECONDS};

use super::*;
use crate::model::connection::SentRequest;
use crate::model::signing::KeyTask;

const LOST: PeerId = PeerId::from_ed25519([7; 32]);
const HERE: PeerId = PeerId::from_ed25519([3; 32]);

/// On the screen Network, after the node has told of two nodes.
fn told(ahead: u64) -> Rig {
    let mut rig = Rig::in_use(0);
    rig.give(Message::Browser(BrowserNews::Fragment("#/network".into())));
    let request = rig.request(|request| *request == SentRequest::OwnNodes);
    let now = NOW_MS / 1_000;
    let events = vec![
        delegation::draft(&LOST, now - 10 + ahead).by(public(1)),
        delegation::draft(&HERE, now - 20).by(public(1)),
        delegation::ended(&PeerId::from_ed25519([8; 32]), now - 5).by(public(1)),
    ];
    rig.frame(NodeFrame::Answer { request, complete: true, events });
    rig.effects.clear();
    rig
}

fn signed(rig: &Rig) -> Vec<&EventTemplate> {
    let drafts = rig.effects.iter().filter_map(|effect| match effect {
        Effect::UseKey(KeyTask::Sign(Purpose::Delegation, draft)) => Some(draft),
        _ => None,
    });
    drafts.collect()
}

#[test]
fn the_nodes_whose_word_holds_are_shown_with_when_they_were_seen() {
    let mut rig = told(0);
    let now = NOW_MS / 1_000;
    let acting = rig.model.own_nodes.acting(now);
    assert_eq!(acting, [(LOST, now - 10 + LIFETIME_SECONDS), (HERE, now - 20 + LIFETIME_SECONDS)]);
    rig.frame(NodeFrame::Markers(vec![(delegation::seen_marker(&LOST), now - 3_600), ("x".into(), 1)]));
    assert_eq!(rig.model.own_nodes.seen.get(&LOST), Some(&(now - 3_600)));
}

#[test]
fn a_word_is_taken_back_when_the_person_is_sure_and_only_then() {
    for ahead in [0, 500] {
        let mut rig = told(ahead);
        rig.give(Message::Own(Own::EndNode(Some(LOST), false)));
        assert!(signed(&rig).is_empty() && rig.model.own_nodes.ending == Some(LOST));
        rig.give(Message::Own(Own::EndNode(None, false)));
        assert!(signed(&rig).is_empty() && rig.model.own_nodes.ending.is_none());
        rig.give(Message::Own(Own::EndNode(Some(LOST), true)));
        let [draft] = signed(&rig)[..] else { panic!("{:?}", rig.effects) };
        let ended = draft.clone().by(public(1));
        assert_eq!(delegation::revoked(&ended), Some(LOST));
        assert!(ended.created_at > NOW_MS / 1_000 - 10 + ahead, "later than what it ends");
        assert_eq!(rig.model.own_nodes.acting(NOW_MS / 1_000 + 600).len(), 1);
    }
}

#[test]
fn the_word_for_the_node_that_the_page_talks_to_is_not_taken_back_there() {
    let mut rig = told(0);
    rig.give(Message::Own(Own::EndNode(Some(HERE), true)));
    assert!(signed(&rig).is_empty());
}
