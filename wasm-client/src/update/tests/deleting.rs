//! Deletions: own ones and those of others.

use nostrp2p_protocol::EventId;

use super::*;
use crate::model::{Menu, Offers, deleted, likes};

fn deletion(author: u8, id: EventId, kind: Kind) -> UnsignedEvent {
    deleted::draft(id, kind, NOW_MS / 1_000).by(public(author))
}

fn batch(rig: &mut Rig, events: Vec<UnsignedEvent>) {
    rig.frame(NodeFrame::Batch { through: 1, newest: 1, events });
}

#[test]
fn an_own_post_goes_after_a_warning_and_the_deletion_goes_by_the_outbox() {
    let mut rig = Rig::in_use(0);
    let (mine, theirs) = (post(1, 10, "mine"), post(2, 11, "theirs"));
    batch(&mut rig, vec![mine.clone().into_rumor(), theirs.clone().into_rumor()]);
    rig.give(Reading::Menu(Menu { post: mine.id(), offers: Offers::Deletion }).into());
    assert!(format!("{:?}", crate::view::view(&rig.model)).contains("others may have kept it"));
    for id in [theirs.id(), mine.id()] {
        rig.give(Writing::Delete(id).into());
        rig.prove(1);
    }
    assert_eq!((rig.texts(), rig.model.menu), (vec!["theirs"], None));
    let event = rig.model.outbox.waiting.values().next().expect("it waits for the node").event.clone();
    assert_eq!((event.kind, rig.model.outbox.len()), (Kind::DELETION, 1));
    assert_eq!(event.tags, deletion(1, mine.id(), Kind::POST).tags);
    rig.accept();
    assert!(rig.saved().contains(&StorageChange::Deletion(event.into_rumor())));
}

#[test]
fn what_another_deletes_goes_and_does_not_come_back_from_anywhere() {
    let mut rig = Rig::in_use(0);
    let post = post(2, 10, "gone").into_rumor();
    batch(&mut rig, vec![post.clone()]);
    let by_author = deletion(2, post.id(), Kind::POST);
    batch(&mut rig, vec![deletion(3, post.id(), Kind::POST)]);
    assert_eq!(rig.texts(), ["gone"], "nobody deletes what another wrote");
    batch(&mut rig, vec![by_author.clone()]);
    assert_eq!(rig.texts(), [""; 0]);
    assert!(rig.saved().contains(&StorageChange::Deletion(by_author.clone())));
    rig.effects.clear();
    batch(&mut rig, vec![post.clone()]);
    rig.give(Message::OlderLoaded(vec![post.clone()]));
    assert_eq!(rig.texts(), [""; 0]);
    assert!(!rig.saved().iter().any(|change| matches!(change, StorageChange::Keep(_))));

    let snapshot = Snapshot { events: vec![post], deletions: vec![by_author], ..Snapshot::default() };
    assert_eq!(Rig::open("", Some(1), snapshot).texts(), [""; 0], "nor after a reload");
}

#[test]
fn an_unsent_post_that_is_deleted_is_not_sent_any_more() {
    let mut rig = Rig::in_use(0);
    rig.write("rash");
    rig.prove(1);
    let id = *rig.model.outbox.waiting.keys().next().unwrap();
    rig.give(Writing::Delete(id).into());
    rig.prove(1);
    assert!(rig.model.outbox.waiting.get(&id).is_none() && rig.saved().contains(&StorageChange::Settled(id)));
}

#[test]
fn a_second_press_takes_a_like_back() {
    let mut rig = Rig::in_use(0);
    let theirs = post(2, 10, "theirs");
    batch(&mut rig, vec![theirs.clone().into_rumor()]);
    rig.give(Writing::Like(theirs.id()).into());
    rig.prove(1);
    let like = rig.model.likes.mine_by(&theirs.id()).expect("it is signed");
    rig.give(Writing::Like(theirs.id()).into());
    rig.prove(1);
    assert!(!rig.model.likes.is_mine(&theirs.id()));
    let waiting: Vec<Kind> = rig.model.outbox.waiting.values().map(|outgoing| outgoing.event.kind).collect();
    assert_eq!((waiting, rig.model.outbox.waiting.get(&like).is_none()), (vec![Kind::DELETION], true));
}

#[test]
fn a_like_that_another_takes_back_is_not_counted_any_more() {
    let mut rig = Rig::in_use(0);
    let mine = post(1, 10, "mine").into_rumor();
    let like = likes::draft(mine.id(), &public(1), 11).by(public(2));
    batch(&mut rig, vec![mine.clone(), like.clone()]);
    assert_eq!(rig.model.likes.count(&mine.id()), 1);
    batch(&mut rig, vec![deletion(2, like.id(), Kind::REACTION)]);
    assert_eq!(rig.model.likes.count(&mine.id()), 0);
}
