//! What the node asks the person to allow.

use nostrp2p_protocol::frame::Permission;

use super::*;
use crate::{message::Own, model::connection::SentRequest, view};

fn permission(subject: &str, granted: Option<bool>) -> Permission {
    Permission { sort: Permission::WEB_ORIGIN, subject: subject.into(), granted }
}

fn tell(rig: &mut Rig, request: u32, permissions: &[Permission]) {
    rig.frame(NodeFrame::Permissions { request, permissions: permissions.to_vec() });
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
        rig.give(Message::Own(Own::Permit(Permission::WEB_ORIGIN, page.into(), Some(granted))));
        assert_eq!(sent(&mut rig), Some((page.into(), Some(granted))));
        let request = rig.request(|request| matches!(request, SentRequest::Permit));
        tell(&mut rig, request, &[permission(page, Some(granted))]);
        assert!(!rig.model.connection.requests.contains_key(&request), "it is answered");
        assert!(!shown(&rig, "permission-banner"));
    }
    rig.give(Message::Own(Own::Permit(Permission::WEB_ORIGIN, page.into(), None)));
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
    rig.give(Message::Own(Own::Permit(Permission::WEB_ORIGIN, "null".into(), Some(true))));
    let request = rig.request(|request| matches!(request, SentRequest::Permit));
    rig.refuse(request, RefusalCode::Unwanted);
    assert!(rig.model.notice.is_some());
}
