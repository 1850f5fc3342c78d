//! What was shown before the node refused it, when the page was loaded anew in between.

use nostrp2p_protocol::{Filter, Tag};

use super::*;
use crate::model::signing::KeyTask;
use crate::model::{likes, lists::MUTE_LIST};

const PROFILE: &str = r#"{"name":"a","about":"old","nip05":"a@b.example"}"#;

fn list(kind: Kind, created_at: u64, person: u8) -> EventTemplate {
    let tags = vec![Tag::new(["p".to_owned(), public(person).to_string()])];
    EventTemplate { created_at, kind, tags, content: String::new() }
}

/// A page that holds two posts, a profile and lists, and was loaded anew while `waiting` was in the outbox.
fn reloaded(waiting: EventTemplate) -> Rig {
    let settings =
        StoredSettings { cursor: Some(Cursor { store: STORE, after: 2 }), ..StoredSettings::default() };
    let mut rig = Rig::open(
        "",
        Some(1),
        Snapshot {
            settings,
            events: vec![post(2, 11, "theirs").into_rumor(), post(1, 10, "mine").into_rumor()],
            profiles: vec![profile(1, 5, PROFILE)],
            lists: vec![list(Kind::FOLLOW_LIST, 5, 2).by(public(1)), list(MUTE_LIST, 5, 9).by(public(1))],
            outbox: vec![waiting.sign(&key(1), &[0; 32])],
            ..Snapshot::default()
        },
    );
    rig.greet(Some(1));
    rig.prove(1);
    rig.log_in(1, 2);
    rig
}

fn draft(kind: Kind, tags: Vec<Tag>, content: &str) -> EventTemplate {
    EventTemplate { created_at: 20, kind, tags, content: content.to_owned() }
}

#[test]
fn a_profile_gives_back_what_was_typed_and_nothing_that_may_have_changed_elsewhere() {
    let mut rig = reloaded(draft(Kind::PROFILE, vec![], &PROFILE.replace("old", "new")));
    rig.refuse_all();
    let form = &rig.model.profile_form;
    assert_eq!(
        (&form.name, form.about.as_deref(), &form.picture, &form.nip05),
        (&None, Some("new"), &None, &None)
    );
    let request = rig.request(|request| *request == crate::model::connection::SentRequest::OwnProfile);
    let present = profile(1, 7, r#"{"name":"changed elsewhere","about":"old"}"#);
    rig.frame(NodeFrame::Answer { request, complete: true, events: vec![present] });
    rig.effects.clear();
    rig.give(Message::Own(Own::ProfileSubmitted));
    rig.did(|effect| match effect {
        Effect::UseKey(KeyTask::Sign(Purpose::Profile, draft)) => {
            draft.content == r#"{"name":"changed elsewhere","about":"new"}"#
        }
        _ => false,
    });
}

#[test]
fn of_two_profiles_that_are_refused_each_gives_back_what_was_typed_for_it() {
    let mut rig = reloaded(draft(Kind::PROFILE, vec![], &PROFILE.replace("old", "new")));
    let request = rig.request(|request| *request == crate::model::connection::SentRequest::OwnProfile);
    rig.frame(NodeFrame::Answer { request, complete: true, events: vec![profile(1, 5, PROFILE)] });
    rig.give(Message::Own(Own::NameTyped("b".into())));
    rig.give(Message::Own(Own::ProfileSubmitted));
    rig.prove(1);
    assert_eq!(rig.model.outbox.waiting.len(), 2);
    rig.refuse_all();
    let form = &rig.model.profile_form;
    assert_eq!(
        (form.name.as_deref(), form.about.as_deref(), &form.picture, &form.nip05),
        (Some("b"), Some("new"), &None, &None)
    );
}

#[test]
fn lists_are_as_they_were() {
    for (kind, before, after) in [(Kind::FOLLOW_LIST, 2, 3), (MUTE_LIST, 9, 4)] {
        let mut rig = reloaded(EventTemplate { created_at: 20, ..list(kind, 20, after) });
        let within = |rig: &Rig, person: u8| match kind {
            MUTE_LIST => rig.model.lists.mutes(&public(person)),
            _ => rig.model.lists.follows(&public(person)),
        };
        assert!(within(&rig, after) && !within(&rig, before), "{kind:?}");
        rig.refuse_all();
        assert!(within(&rig, before) && !within(&rig, after), "{kind:?}");
    }
}

#[test]
fn a_like_and_a_repost_go() {
    let theirs = post(2, 11, "theirs");
    let mut rig = reloaded(likes::draft(theirs.id(), &public(2), 20));
    assert!(rig.model.likes.is_mine(&theirs.id()));
    rig.refuse_all();
    assert!(!rig.model.likes.is_mine(&theirs.id()));

    let mut rig =
        reloaded(draft(Kind::REPOST, vec![Tag::new(["e".to_owned(), theirs.id().to_string()])], ""));
    assert_eq!(rig.texts(), ["theirs", "theirs", "mine"]);
    rig.refuse_all();
    // It stands there as not sent, as a post does, to be tried again or given up.
    let (id, refused) =
        rig.model.outbox.waiting.iter().map(|(id, it)| (*id, it.refused.is_some())).next().unwrap();
    assert!(refused);
    rig.give(Writing::GiveUp(id).into());
    assert_eq!(rig.texts(), ["theirs", "mine"]);
}

#[test]
fn what_was_deleted_is_asked_for_and_there_again() {
    let mine = post(1, 10, "mine");
    let tags = vec![Tag::new(["e".to_owned(), mine.id().to_string()])];
    let mut rig = reloaded(draft(Kind::DELETION, tags, ""));
    assert_eq!(rig.texts(), ["theirs"]);
    rig.sent();
    rig.refuse_all();
    let names = |filter: &Filter| filter.ids.as_ref().is_some_and(|ids| ids.contains(&mine.id()));
    let request = rig.sent().into_iter().find_map(|frame| match frame {
        ClientFrame::Fetch { request, filters } if filters.iter().any(names) => Some(request),
        _ => None,
    });
    let request = request.expect("it is asked for");
    rig.frame(NodeFrame::Answer { request, complete: true, events: vec![mine.into_rumor()] });
    assert_eq!(rig.texts(), ["theirs", "mine"]);
}
