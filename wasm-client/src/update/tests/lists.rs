//! Following and muting: no list is ever lost.

use nostrp2p_protocol::{EventId, Tag};

use super::*;
use crate::{
    message::Relation,
    model::{
        Tab,
        connection::SentRequest,
        lists::{BOOKMARKS, ListChange, MUTE_LIST},
        signing::KeyTask,
    },
};

fn list(kind: Kind, created_at: u64, people: &[u8]) -> UnsignedEvent {
    let person = |seed: &u8| Tag::new(["p".to_owned(), public(*seed).to_string()]);
    let tags = people.iter().map(person).collect();
    EventTemplate { created_at, kind, tags, content: "kept".into() }.by(public(1))
}

impl Rig {
    /// A page that is logged in and whose node has not said yet which lists it holds.
    fn before_the_lists() -> Self {
        let settings =
            StoredSettings { cursor: Some(Cursor { store: STORE, after: 0 }), ..StoredSettings::default() };
        let mut rig = Self::open("", Some(1), Snapshot { settings, ..Snapshot::default() });
        rig.greet(Some(1));
        rig.prove(1);
        rig.log_in(1, 0);
        rig
    }

    fn show_lists(&mut self, events: Vec<UnsignedEvent>) {
        let request = self.request(|request| *request == SentRequest::OwnProfile);
        self.frame(NodeFrame::Answer { request, complete: true, events });
    }

    /// The node takes all that waits.
    pub(super) fn accept(&mut self) {
        for id in self.store_outbox() {
            let request = self.request(|request| *request == SentRequest::Publish(id));
            let carried = Carried::Kept;
            self.frame(NodeFrame::Published { request, id, sequence: 9, carried });
        }
    }

    /// The node takes nothing of what waits.
    pub(super) fn refuse_all(&mut self) {
        for id in self.store_outbox() {
            let request = self.request(|request| *request == SentRequest::Publish(id));
            self.refuse(request, RefusalCode::TooLarge);
        }
    }

    fn store_outbox(&mut self) -> Vec<EventId> {
        let waiting: Vec<EventId> = self.model.outbox.waiting.keys().copied().collect();
        for id in &waiting {
            self.give(Message::OutgoingSaved(*id, Ok(())));
        }
        waiting
    }

    fn lists_signed(&self) -> Vec<EventTemplate> {
        let drafts = self.effects.iter().filter_map(|effect| match effect {
            Effect::UseKey(KeyTask::Sign(Purpose::List, draft)) => Some(draft.clone()),
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
    let version = rig.model.outbox.waiting.values().next().unwrap().event.clone().into_rumor();
    assert!(!rig.saved().contains(&StorageChange::List(version.clone())), "it holds when the node has it");
    rig.accept();
    assert!(rig.saved().contains(&StorageChange::List(version)), "the version is kept");
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
    rig.give(Message::Browser(BrowserNews::Fragment("#/find".into())));
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
    let settings = StoredSettings { made_here: true, ..StoredSettings::default() };
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
    assert!(rig.saved().contains(&StorageChange::Set(Setting::Tab(Tab::Following))));
    rig.give(Message::Browser(BrowserNews::AtTop(false)));
    let events = vec![post(3, 20, "unwanted").into_rumor(), post(2, 21, "wanted").into_rumor()];
    rig.frame(NodeFrame::Batch { through: 5, newest: 5, events });
    assert_eq!(rig.model.unseen(), 1, "only what is shown here is announced");
}

#[test]
fn who_is_muted_is_neither_read_nor_heard() {
    let mut rig = Rig::in_use(0);
    rig.model.lists.made_here = true;
    let mention = Tag::new(["p".to_owned(), public(1).to_string()]);
    let loud =
        EventTemplate { created_at: 10, kind: Kind::POST, tags: vec![mention], content: "loud".into() };
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

#[test]
fn a_list_that_the_node_refused_is_as_it_was_and_the_next_one_builds_on_that() {
    let mut rig = Rig::before_the_lists();
    rig.show_lists(vec![list(Kind::FOLLOW_LIST, 5, &[2]), list(MUTE_LIST, 5, &[9])]);
    rig.effects.clear();
    for relation in [Relation::Follow(public(3)), Relation::Unfollow(public(2)), Relation::Mute(public(4))] {
        rig.give(relation.into());
        rig.prove(1);
    }
    rig.refuse_all();
    assert!(rig.model.lists.follows(&public(2)) && !rig.model.lists.follows(&public(3)));
    assert!(rig.model.lists.mutes(&public(9)) && !rig.model.lists.mutes(&public(4)));
    assert!(!rig.saved().iter().any(|change| matches!(change, StorageChange::List(_))), "nor after a reload");
    rig.give(Relation::Follow(public(5)).into());
    let tags = &rig.lists_signed()[0].tags;
    assert_eq!(tags, &list(Kind::FOLLOW_LIST, 5, &[2, 5]).tags);
}

fn bookmark(post: u8) -> Message {
    let change = ListChange::post(BOOKMARKS, EventId::from_bytes([post; 32]), true);
    Relation::Change(std::rc::Rc::new(change)).into()
}

#[test]
fn bookmarks_are_for_oneself_alone_and_a_full_list_takes_no_more() {
    let bookmarks = |count: usize| {
        let tag = |number: usize| Tag::new(["e", &format!("{number:064x}")]);
        let tags = (0..count).map(tag).collect();
        EventTemplate { created_at: 5, kind: BOOKMARKS, tags, content: String::new() }.by(public(1))
    };
    let sealed = |rig: &Rig| {
        let sealed = rig.effects.iter().filter_map(|effect| match effect {
            Effect::UseKey(KeyTask::SealAndSign(Purpose::List, template, private)) => {
                Some((template.tags.len(), private.len()))
            }
            _ => None,
        });
        sealed.collect::<Vec<_>>()
    };
    let mut rig = Rig::before_the_lists();
    rig.show_lists(vec![bookmarks(3)]);
    rig.give(bookmark(9));
    assert_eq!(sealed(&rig), [(3, 1)], "what was public before stays so");

    let mut rig = Rig::before_the_lists();
    rig.show_lists(vec![bookmarks(940)]);
    rig.give(bookmark(9));
    assert!(sealed(&rig).is_empty() && rig.model.notice.as_ref().is_some_and(|it| it.contains("as long as")));
}

#[test]
fn a_private_part_waits_for_the_key_and_is_known_again_after_a_reload() {
    let mutes = EventTemplate { created_at: 5, kind: MUTE_LIST, tags: vec![], content: "sealed".into() };
    let mutes = mutes.by(public(1));
    let mut rig = Rig::before_the_lists();
    rig.show_lists(vec![mutes.clone()]);
    assert!(rig.effects.contains(&Effect::OpenList(mutes.id(), "sealed".into())));
    rig.give(Message::ListOpened(mutes.id(), Ok(vec![Tag::new(["word", "loud"])])));
    rig.frame(NodeFrame::Batch {
        through: 1,
        newest: 1,
        events: vec![post(2, 10, "a LOUD one").into_rumor()],
    });
    assert!(rig.texts().is_empty());
    let mut settings = StoredSettings::default();
    let mut lists = Vec::new();
    for change in rig.saved() {
        match change {
            StorageChange::Set(setting) => {
                settings.read(&setting.name(), &setting.text().unwrap_or_default())
            }
            StorageChange::List(list) => lists.push(list),
            _ => {}
        }
    }
    let events = vec![post(2, 10, "a LOUD one").into_rumor(), post(2, 9, "a calm one").into_rumor()];
    let again = Rig::open("", Some(1), Snapshot { settings, lists, events, ..Snapshot::default() });
    assert_eq!(again.texts(), ["a calm one"], "before anything was decrypted");
    assert!(!again.effects.iter().any(|effect| matches!(effect, Effect::OpenList(..))));
}

#[test]
fn success_is_said_when_the_node_has_it_and_not_before() {
    let mut rig = Rig::before_the_lists();
    let (older, present) = (list(Kind::FOLLOW_LIST, 4, &[3]), list(Kind::FOLLOW_LIST, 5, &[2]));
    rig.show_lists(vec![present, older.clone(), profile(1, 5, r#"{"name":"a"}"#)]);
    let (mine, theirs) = (post(1, 10, "mine").into_rumor(), post(2, 11, "theirs").into_rumor());
    rig.frame(NodeFrame::Batch { through: 2, newest: 2, events: vec![mine.clone(), theirs.clone()] });
    let acts: [(&[Message], &str); 4] = [
        (&[Relation::Restore(older.id()).into()], "You follow the people of that day again."),
        (&[Writing::Delete(mine.id()).into()], "Deleted"),
        (&[Writing::Repost(theirs.id()).into()], "Reposted"),
        (&[Message::Own(Own::NameTyped("b".into())), Message::Own(Own::ProfileSubmitted)], "Profile saved."),
    ];
    rig.model.route = crate::route::Route::Me;
    for (messages, said) in acts {
        rig.model.notice = None;
        messages.iter().for_each(|message| rig.give(message.clone()));
        rig.prove(1);
        assert_eq!(rig.model.notice, None, "{said}");
        rig.accept();
        assert!(rig.model.notice.as_ref().is_some_and(|notice| notice.starts_with(said)), "{said}");
    }
}

#[test]
fn what_the_node_refused_is_undone() {
    let mut rig = Rig::before_the_lists();
    rig.show_lists(vec![profile(1, 5, r#"{"name":"a"}"#)]);
    let (mine, theirs) = (post(1, 10, "mine").into_rumor(), post(2, 11, "theirs").into_rumor());
    rig.frame(NodeFrame::Batch { through: 2, newest: 2, events: vec![mine.clone(), theirs.clone()] });
    rig.give(Writing::Delete(mine.id()).into());
    rig.prove(1);
    assert_eq!(rig.texts(), ["theirs"]);
    rig.refuse_all();
    assert_eq!(rig.texts(), ["theirs", "mine"]);
    assert!(!rig.saved().iter().any(|change| matches!(change, StorageChange::Deletion(_))));
    rig.frame(NodeFrame::Batch { through: 3, newest: 3, events: vec![mine] });
    assert_eq!(rig.texts(), ["theirs", "mine"], "it is not counted as deleted");

    rig.give(Message::Own(Own::NameTyped("b".into())));
    rig.give(Message::Own(Own::ProfileSubmitted));
    rig.prove(1);
    assert_eq!(rig.model.name_of(&public(1)), "b");
    rig.give(Message::Own(Own::AboutTyped("typed since".into())));
    rig.refuse_all();
    assert_ne!(rig.model.name_of(&public(1)), "b");
    assert_eq!(rig.model.profile_form.name.as_deref(), Some("b"), "what was typed is not lost");
    assert_eq!(rig.model.profile_form.about.as_deref(), Some("typed since"));
    rig.show_lists(vec![profile(1, 5, r#"{"name":"a"}"#)]);
    assert_eq!(rig.model.name_of(&public(1)), "a", "the node was asked for the present one");
}

#[test]
fn of_a_refused_profile_the_form_keeps_what_was_typed_and_nothing_that_may_have_changed_elsewhere() {
    let mut rig = Rig::before_the_lists();
    rig.show_lists(vec![profile(1, 5, r#"{"name":"a","about":"old","nip05":"a@b.example"}"#)]);
    rig.give(Message::Own(Own::NameTyped("b".into())));
    rig.give(Message::Own(Own::ProfileSubmitted));
    rig.prove(1);
    rig.refuse_all();
    let form = &rig.model.profile_form;
    assert_eq!(
        (form.name.as_deref(), &form.about, &form.picture, &form.nip05),
        (Some("b"), &None, &None, &None)
    );
    rig.show_lists(vec![profile(1, 7, r#"{"name":"a","about":"new from elsewhere"}"#)]);
    rig.effects.clear();
    rig.give(Message::Own(Own::ProfileSubmitted));
    let draft = rig.effects.iter().find_map(|effect| match effect {
        Effect::UseKey(KeyTask::Sign(Purpose::Profile, draft)) => Some(draft.content.clone()),
        _ => None,
    });
    assert_eq!(draft.as_deref(), Some(r#"{"name":"b","about":"new from elsewhere"}"#));
}

#[test]
fn a_long_list_goes_only_to_a_node_that_takes_it_and_its_end_is_told_of_before() {
    let mut rig = Rig::before_the_lists();
    let long = |count: u32| {
        let person = |number| Tag::new(["p".to_owned(), format!("{number:064x}")]);
        let tags = (0..count).map(person).collect();
        EventTemplate { created_at: 5, kind: Kind::FOLLOW_LIST, tags, content: String::new() }.by(public(1))
    };
    // 65,536 bytes hold 908 people.
    rig.show_lists(vec![long(908)]);
    rig.give(Relation::Follow(public(3)).into());
    assert!(rig.lists_signed().is_empty(), "an older node would hang up");
    assert!(rig.model.notice.as_ref().is_some_and(|notice| notice.contains("as long as your node takes")));
    assert!(!rig.model.lists.waits(&public(3)) && !rig.model.lists.follows(&public(3)));
    rig.frame(NodeFrame::LongLists { tags: 10_100, bytes: 983_040 });
    rig.model.notice = None;
    rig.give(Relation::Follow(public(3)).into());
    assert_eq!((rig.lists_signed().len(), &rig.model.notice), (1, &None));
    rig.prove(1);
    rig.accept();
    rig.effects.clear();
    rig.frame(NodeFrame::LongLists { tags: 1_000, bytes: 983_040 });
    rig.give(Relation::Follow(public(4)).into());
    assert_eq!(rig.lists_signed().len(), 1);
    assert!(
        rig.model.notice.as_ref().is_some_and(|notice| notice.contains("91 %")),
        "{:?}",
        rig.model.notice
    );
}

#[test]
fn a_first_profile_of_a_key_from_elsewhere_is_asked_about() {
    let mut rig = Rig::before_the_lists();
    rig.show_lists(vec![]);
    rig.give(Message::Own(Own::NameTyped("b".into())));
    rig.give(Message::Own(Own::ProfileSubmitted));
    let signs = |rig: &Rig| {
        rig.effects.iter().any(|effect| matches!(effect, Effect::UseKey(KeyTask::Sign(Purpose::Profile, _))))
    };
    rig.give(Message::Browser(BrowserNews::Fragment("#/me".into())));
    rig.give(Message::Own(Own::NameTyped("b".into())));
    rig.give(Message::Own(Own::ProfileSubmitted));
    assert!(!signs(&rig) && rig.shown().contains("Begin a new profile?"));
    rig.give(Message::Own(Own::BeginProfile(false)));
    assert!(!rig.shown().contains("Begin a new profile?"));
    rig.give(Message::Own(Own::ProfileSubmitted));
    // What a mirror held comes meanwhile: there is nothing to ask any more, and it is the base.
    let full = UnsignedEvent {
        tags: vec![Tag::new(["i", "github:ada", "proof"])],
        ..profile(1, 5, r#"{"name":"a","lud16":"a@b"}"#)
    };
    rig.frame(NodeFrame::Batch { through: 2, newest: 2, events: vec![full.clone()] });
    assert!(!rig.shown().contains("Begin a new profile?"));
    rig.give(Message::Own(Own::ProfileSubmitted));
    let draft = rig.effects.iter().find_map(|effect| match effect {
        Effect::UseKey(KeyTask::Sign(Purpose::Profile, draft)) => Some(draft.clone()),
        _ => None,
    });
    let draft = draft.expect("it is signed");
    assert_eq!((draft.content.as_str(), &draft.tags), (r#"{"name":"b","lud16":"a@b"}"#, &full.tags));
}
