//! What the node asks the person to allow.

use nostrp2p_protocol::{Tag, frame::Permission};

use super::*;
use crate::model::signing::KeyTask;
use crate::{message::Own, model::connection::SentRequest, view};

fn permission(subject: &str, granted: Option<bool>) -> Permission {
    Permission { sort: Permission::WEB_ORIGIN, subject: subject.into(), granted }
}

fn tell(rig: &mut Rig, request: u32, permissions: &[Permission]) {
    tell_with(rig, request, permissions, vec![]);
}

fn tell_with(rig: &mut Rig, request: u32, permissions: &[Permission], drafts: Vec<UnsignedEvent>) {
    rig.frame(NodeFrame::Permissions { request, permissions: permissions.to_vec(), drafts });
}

fn sent(rig: &mut Rig) -> Option<(String, Option<bool>)> {
    rig.sent().into_iter().find_map(|frame| match frame {
        ClientFrame::Permit { sort: Permission::WEB_ORIGIN, subject, granted, .. } => {
            Some((subject, granted))
        }
        _ => None,
    })
}

fn shown(rig: &Rig, words: &str) -> bool {
    format!("{:?}", view::view(&rig.model)).contains(words)
}

#[test]
fn a_refused_page_is_shown_until_the_person_decides_and_what_is_decided_is_taken_back() {
    let page = "https://page.example";
    let mut rig = Rig::in_use(9);
    assert!(!shown(&rig, "permission-banner"), "an older node tells nothing");
    tell(&mut rig, 0, &[permission(page, None)]);
    assert!(shown(&rig, "permission-banner") && shown(&rig, page));
    for granted in [true, false] {
        rig.give(Message::Own(Own::Permit(permission(page, None), Some(granted))));
        assert_eq!(sent(&mut rig), Some((page.into(), Some(granted))));
        let request = rig.request(|request| matches!(request, SentRequest::Permit));
        tell(&mut rig, request, &[permission(page, Some(granted))]);
        assert!(!rig.model.connection.requests.contains_key(&request), "it is answered");
        assert!(!shown(&rig, "permission-banner"));
    }
    rig.give(Message::Own(Own::Permit(permission(page, Some(true)), None)));
    assert_eq!(sent(&mut rig), Some((page.into(), None)));
}

#[test]
fn sorts_of_permissions_that_a_newer_node_knows_are_passed_over() {
    let mut rig = Rig::in_use(9);
    tell(&mut rig, 0, &[Permission { sort: u8::MAX, ..permission("https://page.example", None) }]);
    assert!(!shown(&rig, "https://page.example"));
}

#[test]
fn a_no_of_the_node_to_a_decision_is_shown() {
    let mut rig = Rig::in_use(9);
    rig.give(Message::Own(Own::Permit(permission("null", None), Some(true))));
    let request = rig.request(|request| matches!(request, SentRequest::Permit));
    rig.refuse(request, RefusalCode::Unwanted);
    assert!(rig.model.notice.is_some());
}

fn list(kind: u16, tags: &[[&str; 2]]) -> UnsignedEvent {
    let tags = tags.iter().map(|tag| Tag::new(*tag)).collect();
    EventTemplate { created_at: 7, kind: Kind(kind), tags, content: String::new() }.by(key(9).public_key())
}

fn drafts(rig: &Rig) -> Vec<(Kind, Vec<Tag>)> {
    let draft = |effect: &Effect| match effect {
        Effect::UseKey(KeyTask::Sign(Purpose::RelayList, draft)) => Some((draft.kind, draft.tags.clone())),
        _ => None,
    };
    rig.effects.iter().filter_map(draft).collect()
}

#[test]
fn a_list_of_relays_is_shown_before_it_is_signed_and_nothing_but_such_lists_is() {
    let mut rig = Rig::in_use(9);
    let relays = list(10_002, &[["r", "wss://a.example"], ["r", "wss://node.example/"]]);
    let inbox = Permission { sort: Permission::INBOX, ..permission("wss://node.example/", None) };
    let drafts_of_node = vec![relays.clone(), list(3, &[["r", "wss://node.example/"]])];
    tell_with(&mut rig, 0, std::slice::from_ref(&inbox), drafts_of_node);
    assert!(!shown(&rig, "permission-banner"), "an offer can wait");
    rig.model.route = crate::route::Route::Settings;
    assert!(shown(&rig, "wss://a.example wss://node.example/"));
    assert_eq!(drafts(&rig), []);
    rig.give(Message::Own(Own::Permit(inbox, Some(true))));
    assert_eq!(drafts(&rig), [(relays.kind, relays.tags)]);
}

#[test]
fn a_list_that_the_node_holds_back_is_asked_about_with_its_address() {
    let mut rig = Rig::in_use(9);
    let held = Permission { sort: Permission::HELD_LIST, ..permission("ws://localhost:1", None) };
    let agreed = list(10_050, &[["relay", "ws://localhost:1"], ["audience", "everyone"]]);
    tell_with(&mut rig, 0, std::slice::from_ref(&held), vec![agreed]);
    assert!(shown(&rig, "permission-banner") && shown(&rig, "ws://localhost:1 is in your own network"));
    rig.give(Message::Own(Own::Permit(held, Some(true))));
    assert_eq!(drafts(&rig).len(), 1);
}

#[test]
fn a_name_at_the_node_is_published_without_what_else_is_typed() {
    let mut rig = Rig::in_use(9);
    rig.model.lists.made_here = true;
    let name = Permission { sort: Permission::NAME, ..permission("_@node.example", None) };
    rig.give(Message::Own(Own::AboutTyped("half a thought".into())));
    tell(&mut rig, 0, std::slice::from_ref(&name));
    rig.give(Message::Own(Own::Permit(name, Some(true))));
    let profile = rig.effects.iter().find_map(|effect| match effect {
        Effect::UseKey(KeyTask::Sign(Purpose::Profile, draft)) => Some(draft.content.clone()),
        _ => None,
    });
    let profile = profile.unwrap();
    assert!(profile.contains("_@node.example") && !profile.contains("half a thought"), "{profile}");
    assert_eq!(rig.model.profile_form.about.as_deref(), Some("half a thought"), "it is typed still");
}
