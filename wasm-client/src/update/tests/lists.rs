//! Following and muting: no list is ever lost.

use nostrp2p_protocol::Tag;

use super::*;
use crate::{
    message::Relation,
    model::{Tab, connection::Request, lists::MUTE_LIST},
};

fn list(kind: Kind, created_at: u64, people: &[u8]) -> Rumor {
    let person = |seed: &u8| Tag::new(["p".to_owned(), public(*seed).to_string()]);
    let tags = people.iter().map(person).collect();
    Draft { created_at, kind, tags, content: "kept".into() }.by(public(1))
}

impl Rig {
    /// A page that is logged in and whose node has not said yet which lists it holds.
    fn before_the_lists() -> Self {
        let settings = Settings { cursor: Some(Cursor { store: STORE, after: 0 }), ..Settings::default() };
        let mut rig = Self::open("", Some(1), Snapshot { settings, ..Snapshot::default() });
        rig.greet(Some(1));
        rig.prove(1);
        rig.log_in(1, 0);
        rig
    }

    fn show_lists(&mut self, events: Vec<Rumor>) {
        let request = self.request(|request| *request == Request::OwnProfile);
        self.frame(NodeFrame::Answer { request, complete: true, events });
    }

    fn lists_signed(&self) -> Vec<Draft> {
        let drafts = self.effects.iter().filter_map(|effect| match effect {
            Effect::Sign(Purpose::List, draft) => Some(draft.clone()),
            _ => None,
        });
        drafts.collect()
    }
}

#[test]
fn following_waits_for_the_present_list_and_keeps_everybody_in_it() {
    let mut rig = Rig::before_the_lists();
    rig.give(Relation::Follow(public(3)).into());
    assert!(rig.lists_signed().is_empty() && rig.model.notice.is_some());
    rig.show_lists(vec![list(Kind::FOLLOW_LIST, 5, &[2])]);
    let drafts = rig.lists_signed();
    assert_eq!(drafts.len(), 1);
    assert_eq!(
        (&drafts[0].tags, drafts[0].content.as_str()),
        (&list(Kind::FOLLOW_LIST, 5, &[2, 3]).tags, "kept")
    );
    rig.prove(1);
    assert!(rig.model.lists.follows(&public(2)) && rig.model.lists.follows(&public(3)));
    let event = rig.model.outbox.waiting.values().next().unwrap().event.clone();
    assert!(rig.saved().contains(&Change::List(event.into_rumor())), "the version is kept");
}

#[test]
fn several_changes_in_a_row_are_all_made() {
    let mut rig = Rig::before_the_lists();
    rig.show_lists(vec![list(Kind::FOLLOW_LIST, 5, &[2])]);
    for relation in [Relation::Follow(public(3)), Relation::Follow(public(4)), Relation::Unfollow(public(2))]
    {
        rig.give(relation.into());
    }
    for _ in 0..3 {
        assert_eq!(rig.lists_signed().len(), 1, "one at a time");
        rig.prove(1);
    }
    let followed: Vec<bool> = (2..5).map(|seed| rig.model.lists.follows(&public(seed))).collect();
    assert_eq!(followed, [false, true, true]);
}

#[test]
fn a_first_list_of_a_key_from_elsewhere_is_asked_about() {
    let mut rig = Rig::before_the_lists();
    rig.show_lists(vec![]);
    rig.give(Relation::Follow(public(2)).into());
    assert!(rig.lists_signed().is_empty());
    rig.give(Message::Browser(Browser::Fragment("#/find".into())));
    assert!(format!("{:?}", crate::view::view(&rig.model)).contains("Begin a new list?"));
    rig.give(Relation::NotNow.into());
    assert!(!rig.model.lists.asked && !rig.model.lists.waits(&public(2)));
    rig.give(Relation::Follow(public(2)).into());
    rig.give(Relation::BeginList.into());
    rig.prove(1);
    assert!(rig.model.lists.follows(&public(2)));
}

#[test]
fn a_key_that_was_made_here_has_no_list_elsewhere() {
    let settings = Settings { made_here: true, ..Settings::default() };
    let mut rig = Rig::open("", Some(1), Snapshot { settings, ..Snapshot::default() });
    rig.greet(Some(1));
    rig.prove(1);
    rig.log_in(1, 0);
    rig.show_lists(vec![]);
    rig.give(Relation::Follow(public(2)).into());
    assert_eq!(rig.lists_signed().len(), 1);
}

#[test]
fn following_shows_the_posts_of_those_one_follows_and_ones_own() {
    let mut rig = Rig::in_use(0);
    rig.frame(NodeFrame::Batch {
        through: 3,
        newest: 3,
        events: vec![
            list(Kind::FOLLOW_LIST, 5, &[2]),
            post(2, 10, "followed").into_rumor(),
            post(3, 11, "stranger").into_rumor(),
            post(1, 12, "mine").into_rumor(),
        ],
    });
    assert_eq!(rig.texts(), ["mine", "stranger", "followed"]);
    rig.give(Reading::Tab(Tab::Following).into());
    assert_eq!(rig.texts(), ["mine", "followed"]);
    assert!(rig.saved().contains(&Change::Set(Setting::Tab(Tab::Following))));
    rig.give(Message::Browser(Browser::AtTop(false)));
    let events = vec![post(3, 20, "unwanted").into_rumor(), post(2, 21, "wanted").into_rumor()];
    rig.frame(NodeFrame::Batch { through: 5, newest: 5, events });
    assert_eq!(rig.model.unseen(), 1, "only what is shown here is announced");
}

#[test]
fn who_is_muted_is_neither_read_nor_heard() {
    let mut rig = Rig::in_use(0);
    rig.model.lists.made_here = true;
    let mention = Tag::new(["p".to_owned(), public(1).to_string()]);
    let loud = Draft { created_at: 10, kind: Kind::POST, tags: vec![mention], content: "loud".into() };
    let events = vec![loud.by(public(2)), post(3, 11, "calm").into_rumor()];
    rig.frame(NodeFrame::Batch { through: 2, newest: 2, events });
    rig.give(Relation::Mute(public(2)).into());
    rig.prove(1);
    assert_eq!((rig.texts(), crate::view::notifications::unread(&rig.model)), (vec!["calm"], 0));
    assert_eq!(rig.model.outbox.waiting.values().next().unwrap().event.kind, MUTE_LIST);
    rig.give(Relation::Unmute(public(2)).into());
    rig.prove(1);
    assert_eq!(rig.texts(), ["calm", "loud"]);
}

#[test]
fn an_earlier_list_can_be_restored_even_after_a_reload() {
    let lists = vec![list(Kind::FOLLOW_LIST, 9, &[]), list(Kind::FOLLOW_LIST, 5, &[2, 3])];
    let earlier = lists[1].id();
    let mut rig = Rig::open("", Some(1), Snapshot { lists, ..Snapshot::default() });
    rig.give(Relation::Restore(earlier).into());
    assert!(rig.lists_signed().is_empty(), "the present one is not known yet");
    rig.greet(Some(1));
    rig.prove(1);
    rig.log_in(1, 0);
    rig.show_lists(vec![list(Kind::FOLLOW_LIST, 9, &[])]);
    rig.give(Relation::Restore(earlier).into());
    rig.prove(1);
    assert!(rig.model.lists.follows(&public(2)) && rig.model.lists.follows(&public(3)));
}
