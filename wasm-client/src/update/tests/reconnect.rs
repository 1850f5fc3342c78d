//! The connection: resume, loss, time limits.

use super::*;
use crate::model::connection::{Pill, Trouble};
use crate::model::signing::KeyTask;

#[test]
fn a_known_store_is_resumed_exactly_where_it_was_left() {
    let cursor = Some(Cursor { store: STORE, after: 40 });
    let settings = StoredSettings { cursor, ..StoredSettings::default() };
    let mut rig = Rig::open("", Some(1), Snapshot { settings, ..Snapshot::default() });
    assert!(matches!(rig.model.stage, PersonStage::Using), "no login is asked for again");
    rig.greet(Some(1));
    rig.prove(1);
    rig.sent();
    rig.log_in(1, 50);
    let frames = rig.sent();
    assert!(matches!(frames[0], ClientFrame::Watch { after: 40, gather_ms: 20 }), "{frames:?}");
}

#[test]
fn another_store_starts_over_with_the_newest() {
    let settings =
        StoredSettings { cursor: Some(Cursor { store: 5, after: 40 }), ..StoredSettings::default() };
    let events = vec![post(2, 5, "of the old store").into_rumor()];
    let mut rig = Rig::open("", Some(1), Snapshot { settings, events, ..Snapshot::default() });
    rig.greet(Some(1));
    rig.prove(1);
    rig.sent();
    rig.log_in(1, 50);
    let frames = rig.sent();
    assert!(matches!(&frames[0], ClientFrame::Fetch { .. }), "{frames:?}");
    assert!(matches!(frames[1], ClientFrame::Watch { after: 50, .. }), "{frames:?}");
    assert!(rig.saved().contains(&StorageChange::ForgetEvents));
    assert!(rig.model.timeline.is_empty() && rig.model.timeline.loading);

    let stored = StorageChange::Set(Setting::Cursor(Cursor { store: STORE, after: 50 }));
    assert!(!rig.saved().contains(&stored), "a reload before the answer must start over again");
    let request = rig.request(|request| *request == crate::model::connection::SentRequest::Newest);
    rig.frame(NodeFrame::Answer { request, complete: true, events: vec![post(2, 9, "new").into_rumor()] });
    assert_eq!(rig.texts(), ["new"]);
    assert!(rig.saved().contains(&stored));
}

#[test]
fn a_long_absence_starts_over_instead_of_catching_up_one_by_one() {
    let settings =
        StoredSettings { cursor: Some(Cursor { store: STORE, after: 0 }), ..StoredSettings::default() };
    let mut rig = Rig::open("", Some(1), Snapshot { settings, ..Snapshot::default() });
    rig.greet(Some(1));
    rig.prove(1);
    rig.sent();
    rig.log_in(1, 5_001);
    assert!(matches!(rig.sent()[0], ClientFrame::Fetch { .. }));
}

#[test]
fn a_batch_moves_the_place_to_resume_from() {
    let mut rig = Rig::in_use(50);
    let events = vec![post(2, 5, "one").into_rumor(), profile(2, 5, r#"{"name":"Bo"}"#)];
    rig.frame(NodeFrame::Batch { through: 52, newest: 52, events });
    assert!(rig.saved().contains(&StorageChange::Set(Setting::Cursor(Cursor { store: STORE, after: 52 }))));
    assert_eq!(rig.model.name_of(&public(2)), "Bo");
    rig.socket(SocketEvent::Closed);
    rig.give(Message::Timer(Timer::Reconnect));
    rig.greet(Some(1));
    rig.prove(1);
    rig.sent();
    rig.log_in(1, 60);
    assert!(matches!(rig.sent()[0], ClientFrame::Watch { after: 52, .. }));
}

#[test]
fn a_lost_connection_is_tried_again_with_growing_waits_and_says_so() {
    let mut rig = Rig::in_use(0);
    assert_eq!(rig.model.connection.pill(), Pill::Connected);
    let mut waits = Vec::new();
    for _ in 0..4 {
        rig.effects.clear();
        rig.socket(SocketEvent::Closed);
        assert_eq!(rig.model.connection.pill(), Pill::Offline);
        waits.extend(rig.effects.iter().filter_map(|effect| match effect {
            Effect::Wait(Timer::Reconnect, wait) => Some(*wait),
            _ => None,
        }));
        rig.give(Message::Timer(Timer::Reconnect));
    }
    assert_eq!(waits, [750, 1_500, 3_000, 6_000]);
}

#[test]
fn the_network_or_the_person_coming_back_ends_the_waiting() {
    for message in [BrowserNews::Online, BrowserNews::Visible(true)] {
        let mut rig = Rig::in_use(0);
        rig.socket(SocketEvent::Closed);
        rig.effects.clear();
        rig.give(Message::Browser(message));
        rig.did(|effect| matches!(effect, Effect::Connect { .. }));
        rig.did(|effect| *effect == Effect::Cancel(Timer::Reconnect));
    }
}

#[test]
fn a_hidden_page_lets_the_node_gather() {
    let mut rig = Rig::in_use(7);
    rig.give(Message::Browser(BrowserNews::Visible(false)));
    assert_eq!(rig.sent(), [ClientFrame::Watch { after: 7, gather_ms: 60_000 }]);
    rig.give(Message::Browser(BrowserNews::Visible(true)));
    assert_eq!(rig.sent(), [ClientFrame::Watch { after: 7, gather_ms: 20 }]);
}

#[test]
fn a_silent_node_is_given_up_after_a_while() {
    let mut rig = Rig::open("", Some(1), Snapshot::default());
    rig.did(|effect| *effect == Effect::Wait(Timer::Answer, 10_000));
    rig.socket(SocketEvent::Opened);
    rig.give(Message::Timer(Timer::Answer));
    assert_eq!(rig.model.connection.trouble, Some(Trouble::Silent));
    rig.did(|effect| *effect == Effect::Disconnect);
}

#[test]
fn what_an_earlier_socket_still_says_is_passed_over() {
    let mut rig = Rig::in_use(0);
    let attempt = rig.model.connection.attempt - 1;
    rig.give(Message::Socket { attempt, event: SocketEvent::Closed });
    assert!(rig.model.connection.is_logged_in());
}

#[test]
fn an_answer_that_nobody_asked_for_changes_nothing() {
    let mut rig = Rig::in_use(0);
    rig.frame(NodeFrame::Answer { request: 999, complete: true, events: vec![post(2, 5, "x").into_rumor()] });
    rig.frame(NodeFrame::LoggedIn { request: 999, owner: public(2), store: 1, newest: 1 });
    rig.frame(welcome(PeerId::from_ed25519([0; 32]), Some(2)));
    assert_eq!(rig.texts(), Vec::<&str>::new());
    assert!(rig.model.connection.is_logged_in() && rig.sent().is_empty());
}

#[test]
fn a_node_of_somebody_else_is_not_logged_into_and_not_tried_for_ever() {
    let mut rig = Rig::open("", Some(1), Snapshot::default());
    rig.greet(Some(2));
    assert!(matches!(rig.model.connection.phase, Phase::Refused(_)));
    assert_eq!(rig.model.connection.pill(), Pill::Offline);
    assert!(!rig.effects.iter().any(|effect| matches!(
        effect,
        Effect::UseKey(KeyTask::Sign(..)) | Effect::Wait(Timer::Reconnect, _)
    )));
}

#[test]
fn an_https_page_does_not_even_try_a_plain_address_elsewhere() {
    let mut rig = Rig::open("", None, Snapshot::default());
    rig.model.environment.page_is_secure = true;
    rig.effects.clear();
    rig.setup(Setup::AddressTyped("http://192.168.0.7:20001".into()));
    rig.setup(Setup::AddressSubmitted);
    assert_eq!(rig.model.connection.trouble, Some(Trouble::MixedContent));
    assert!(!rig.effects.iter().any(|effect| matches!(effect, Effect::Connect { .. })));
}

#[test]
fn names_that_are_missing_are_asked_for_once() {
    let mut rig = Rig::in_use(0);
    for through in 1..4 {
        let events = vec![post(2, through, "x").into_rumor()];
        rig.frame(NodeFrame::Batch { through, newest: through, events });
    }
    let asked = rig.sent().into_iter().filter(|frame| matches!(frame, ClientFrame::Fetch { .. })).count();
    assert_eq!(asked, 1);
}
