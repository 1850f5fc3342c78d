//! Writing: nothing that was written is lost.

use nostrp2p_protocol::frame::Delivery;

use super::*;
use crate::model::Context;
use crate::model::signing::KeyTask;

#[test]
fn a_post_is_stored_before_it_is_sent_and_shown_at_once() {
    let mut rig = Rig::in_use(0);
    rig.write("  hello  ");
    rig.prove(1);
    assert_eq!(rig.texts(), ["hello"]);
    assert_eq!(rig.sent(), [], "not before it is stored");
    let id = *rig.model.outbox.waiting.keys().next().unwrap();
    let saved = rig.saved();
    assert!(
        matches!(&saved[..], [StorageChange::Outgoing(event), StorageChange::Set(Setting::EventTemplate(Context::New, None)), ..]
        if event.id() == id)
    );
    assert_eq!(rig.model.compose.text, "");

    rig.give(Message::OutgoingSaved(id, Ok(())));
    let frames = rig.sent();
    let [ClientFrame::Publish { request, event }] = &frames[..] else { panic!("{frames:?}") };
    assert_eq!(event.clone().verify().map(|event| event.id()), Ok(id));
    rig.frame(NodeFrame::Published { request: *request, id, sequence: 1, carried: Carried::Broadcast(2) });
    assert!(rig.model.outbox.is_empty() && rig.saved().contains(&StorageChange::Settled(id)));
    assert_eq!(rig.model.outbox.carried.get(&id), Some(&Carried::Broadcast(2)));
    assert_eq!(rig.texts(), ["hello"]);
}

#[test]
fn what_the_disk_does_not_have_yet_is_not_sent_by_a_login_either() {
    let mut rig = Rig::in_use(0);
    rig.socket(SocketEvent::Closed);
    rig.write("just now");
    rig.prove(1);
    rig.give(Message::Timer(Timer::Reconnect));
    rig.greet(Some(1));
    rig.prove(1);
    rig.log_in(1, 0);
    let publishes = |rig: &mut Rig| {
        rig.sent().into_iter().filter(|frame| matches!(frame, ClientFrame::Publish { .. })).count()
    };
    assert_eq!(publishes(&mut rig), 0);
    let id = rig.model.outbox.waiting.keys().next().copied().unwrap();
    rig.give(Message::OutgoingSaved(id, Ok(())));
    assert_eq!(publishes(&mut rig), 1);
}

#[test]
fn posts_of_one_second_keep_their_order() {
    let mut rig = Rig::in_use(0);
    for text in ["one", "two", "three", "four"] {
        rig.write(text);
        rig.prove(1);
    }
    assert_eq!(rig.texts(), ["four", "three", "two", "one"]);
}

#[test]
fn what_was_written_offline_is_sent_after_the_next_login_oldest_first() {
    let mut rig = Rig::in_use(0);
    rig.socket(SocketEvent::Closed);
    for text in ["first", "second"] {
        rig.now_ms += 1_000;
        rig.write(text);
        rig.prove(1);
    }
    let ids: Vec<_> = rig.model.outbox.waiting.keys().copied().collect();
    ids.into_iter().for_each(|id| rig.give(Message::OutgoingSaved(id, Ok(()))));
    assert_eq!(rig.sent(), []);
    rig.give(Message::Timer(Timer::Reconnect));
    rig.greet(Some(1));
    rig.prove(1);
    rig.log_in(1, 0);
    let published: Vec<String> = rig
        .sent()
        .into_iter()
        .filter_map(|frame| match frame {
            ClientFrame::Publish { event, .. } => Some(event.unsigned.content),
            _ => None,
        })
        .collect();
    assert_eq!(published, ["first", "second"]);
}

#[test]
fn what_was_unsent_at_a_reload_is_shown_and_sent() {
    let settings =
        StoredSettings { cursor: Some(Cursor { store: STORE, after: 0 }), ..StoredSettings::default() };
    let outbox = vec![post(1, 5, "before the reload"), post(2, 6, "of another key")];
    let mut rig = Rig::open("", Some(1), Snapshot { settings, outbox, ..Snapshot::default() });
    assert_eq!(rig.texts(), ["before the reload"]);
    rig.greet(Some(1));
    rig.prove(1);
    rig.log_in(1, 0);
    assert!(rig.sent().iter().any(|frame| matches!(frame, ClientFrame::Publish { .. })));
}

#[test]
fn what_was_unsent_is_sent_when_a_key_that_is_not_kept_is_typed_again() {
    let outbox = vec![post(1, 5, "mine"), post(2, 6, "of another key")];
    let mut rig = Rig::open("", None, Snapshot { outbox, ..Snapshot::default() });
    rig.greet(Some(1));
    rig.setup(Setup::NodeAccepted);
    rig.setup(Setup::ImportKey);
    rig.setup(Setup::KeyKept(Ok(public(1))));
    rig.prove(1);
    rig.log_in(1, 0);
    let published: Vec<ClientFrame> =
        rig.sent().into_iter().filter(|frame| matches!(frame, ClientFrame::Publish { .. })).collect();
    assert!(
        matches!(&published[..], [ClientFrame::Publish { event, .. }] if event.unsigned.content == "mine")
    );
    assert_eq!(rig.texts(), ["mine"]);
}

#[test]
fn an_event_that_comes_back_before_its_acknowledgement_is_settled_and_not_doubled() {
    let mut rig = Rig::in_use(0);
    rig.write("hello");
    rig.prove(1);
    let event = rig.model.outbox.waiting.values().next().unwrap().event.clone();
    rig.frame(NodeFrame::Batch { through: 1, newest: 1, events: vec![event.into_rumor()] });
    assert!(rig.model.outbox.is_empty());
    assert_eq!(rig.texts(), ["hello"]);
}

#[test]
fn a_busy_node_gets_it_again_and_a_refusal_is_shown_with_a_way_out() {
    let mut rig = Rig::in_use(0);
    rig.write("hello");
    rig.prove(1);
    let id = *rig.model.outbox.waiting.keys().next().unwrap();
    rig.give(Message::OutgoingSaved(id, Ok(())));
    rig.refuse(rig.model.connection.last_request, RefusalCode::Busy);
    rig.did(|effect| matches!(effect, Effect::Wait(Timer::Resend, _)));
    rig.sent();
    rig.give(Message::Timer(Timer::Resend));
    assert!(matches!(rig.sent()[..], [ClientFrame::Publish { .. }]));

    rig.refuse(rig.model.connection.last_request, RefusalCode::WrongTime);
    let refused = rig.model.outbox.waiting.get(&id).unwrap().refused.clone().unwrap();
    assert!(refused.contains("clock"), "{refused}");
    rig.now_ms += 60_000;
    rig.give(Message::Writing(Writing::TryAgain(id)));
    rig.prove(1);
    let again = rig.model.outbox.waiting.values().next().unwrap();
    assert_eq!((again.event.created_at, again.refused.as_ref()), (rig.now_ms / 1_000, None));
    assert_eq!(rig.texts(), ["hello"]);

    let id = again.event.id();
    rig.give(Message::Writing(Writing::GiveUp(id)));
    assert!(rig.model.outbox.is_empty() && rig.texts().is_empty());
    assert!(rig.saved().contains(&StorageChange::Settled(id)));
}

#[test]
fn what_the_node_has_given_up_is_tried_again_when_the_person_wants_it() {
    let mut rig = Rig::in_use(0);
    rig.frame(NodeFrame::Batch { through: 1, newest: 1, events: vec![post(1, 20, "for bob").into_rumor()] });
    let id = post(1, 20, "for bob").id();
    let people = |state| NodeFrame::Deliveries { id, people: vec![(public(2), state)] };
    rig.frame(people(Delivery::Waiting));
    let drawn = |rig: &Rig| format!("{:?}", crate::view::view(&rig.model));
    assert!(!drawn(&rig).contains("deliver-again"));
    rig.frame(people(Delivery::GivenUp));
    assert!(drawn(&rig).contains("deliver-again"));
    rig.sent();
    rig.give(Message::Writing(Writing::TryAgain(id)));
    assert_eq!(rig.sent(), [ClientFrame::Retry { id }]);
    rig.frame(people(Delivery::Waiting));
    assert!(!drawn(&rig).contains("deliver-again"));
}

#[test]
fn a_failed_signature_keeps_the_text() {
    let mut rig = Rig::in_use(0);
    rig.write("hello");
    rig.give(Message::Signed(Purpose::Post, Err("no key".into())));
    assert_eq!(rig.model.compose.text, "hello");
    assert!(!rig.model.compose.signing && rig.model.notice.is_some());
}

#[test]
fn nothing_and_too_much_are_not_sent() {
    let mut rig = Rig::in_use(0);
    rig.write(" \n ");
    rig.write(&"x".repeat(70_000));
    assert!(!rig.effects.iter().any(|effect| matches!(effect, Effect::UseKey(KeyTask::Sign(..)))));
    assert!(rig.model.compose.error.is_some());
}

#[test]
fn a_draft_is_stored_soon_after_the_last_key_and_when_the_page_is_hidden() {
    let mut rig = Rig::in_use(0);
    rig.give(Message::Writing(Writing::Typed("to be continued".into(), 0)));
    rig.did(|effect| matches!(effect, Effect::Wait(Timer::EventTemplate, _)));
    rig.give(Message::Browser(BrowserNews::Visible(false)));
    let mut settings = StoredSettings::default();
    for change in rig.saved() {
        if let StorageChange::Set(setting) = change {
            settings.read(&setting.name(), &setting.text().unwrap_or_default());
        }
    }
    let rig = Rig::open("", Some(1), Snapshot { settings, ..Snapshot::default() });
    assert_eq!(rig.model.compose.text, "to be continued");
}

#[test]
fn a_profile_is_never_published_from_a_base_that_was_not_loaded() {
    let mut rig = Rig::open("", Some(1), Snapshot::default());
    rig.greet(Some(1));
    rig.prove(1);
    rig.log_in(1, 3);
    rig.give(Message::Own(Own::NameTyped("Ada".into())));
    rig.give(Message::Own(Own::ProfileSubmitted));
    assert!(
        !rig.effects
            .iter()
            .any(|effect| matches!(effect, Effect::UseKey(KeyTask::Sign(Purpose::Profile, _))))
    );

    let request = rig.request(|request| *request == crate::model::connection::SentRequest::OwnProfile);
    let present = profile(1, NOW_MS / 1_000 + 30, r#"{"name":"A","picture":"p"}"#);
    rig.frame(NodeFrame::Answer { request, complete: true, events: vec![present.clone()] });
    let drafts = rig.effects.iter().find_map(|effect| match effect {
        Effect::UseKey(KeyTask::Sign(Purpose::Profile, draft)) => Some(draft.clone()),
        _ => None,
    });
    let draft = drafts.expect("now it is signed");
    assert!(draft.content.contains(r#""picture":"p""#) && draft.content.contains(r#""name":"Ada""#));
    assert!(draft.created_at > present.created_at, "it must replace the present one");
}

#[test]
fn an_unchanged_profile_is_not_published_again() {
    let mut rig = Rig::in_use(0);
    rig.give(Message::Own(Own::ProfileSubmitted));
    assert!(!rig.effects.iter().any(|effect| matches!(effect, Effect::UseKey(KeyTask::Sign(..)))));
}

#[test]
fn a_delegation_that_ends_soon_is_renewed_and_a_lasting_one_is_left_alone() {
    use nostrp2p_protocol::{Delegation, delegation::RENEW_SECONDS};
    let now = NOW_MS / 1_000;
    let mut rig = Rig::in_use(0);
    rig.frame(NodeFrame::Delegated { expires: Some(now + RENEW_SECONDS + 1) });
    assert!(rig.effects.is_empty());
    for expires in [Some(now + 1), Some(now + RENEW_SECONDS)] {
        rig.effects.clear();
        rig.frame(NodeFrame::Delegated { expires });
        rig.prove(1);
        let event = rig.model.outbox.waiting.values().next().expect("it waits for the node").event.clone();
        let delegation = Delegation::from_event(event.clone()).unwrap();
        assert_eq!((delegation.peer(), delegation.owner()), (PeerId::from_ed25519([3; 32]), public(1)));
        rig.effects.clear();
        rig.frame(NodeFrame::Delegated { expires });
        assert!(rig.effects.is_empty(), "one that is on its way is enough");
        rig.give(Message::OutgoingSaved(event.id(), Ok(())));
        rig.refuse(rig.model.connection.last_request, RefusalCode::WrongTime);
        assert!(rig.model.outbox.is_empty() && rig.texts().is_empty());
    }
}

#[test]
fn deliveries_are_counted_person_by_person() {
    use nostrp2p_protocol::frame::Delivery;
    let mut rig = Rig::in_use(0);
    let id = post(1, 5, "to two").id();
    let all = vec![(public(2), Delivery::Waiting), (public(3), Delivery::Waiting)];
    rig.frame(NodeFrame::Deliveries { id, people: all });
    rig.frame(NodeFrame::Deliveries { id, people: vec![(public(3), Delivery::Delivered)] });
    let expected = vec![(public(2), Delivery::Waiting), (public(3), Delivery::Delivered)];
    assert_eq!(rig.model.outbox.deliveries.get(&id), Some(&expected));
}
