//! The addresses at which other programs may sign in at the node.

use super::*;
use crate::{
    message::Own,
    model::connection::{NodeNames, SentRequest},
};

fn asked(rig: &mut Rig) -> Option<(String, Option<bool>)> {
    rig.sent().into_iter().find_map(|frame| match frame {
        ClientFrame::Names { name, change, .. } => Some((name, change)),
        _ => None,
    })
}

fn answer(rig: &mut Rig, own: bool, names: &[(&str, bool)]) {
    let request = rig.request(|request| matches!(request, SentRequest::Names { .. }));
    let names = names.iter().map(|(name, confirmed)| ((*name).to_owned(), *confirmed)).collect();
    rig.frame(NodeFrame::Names { request, own, names });
}

#[test]
fn the_address_by_which_the_page_has_come_is_confirmed_by_hand_and_taken_back() {
    let mut rig = Rig::in_use(9);
    assert_eq!(asked(&mut rig), None, "nobody asked for it");
    rig.give(Message::Own(Own::Names(None)));
    let (dialled, change) = asked(&mut rig).unwrap();
    assert_eq!((dialled.is_empty(), change), (false, None));
    answer(&mut rig, false, &[("node.example", false)]);
    assert!(rig.model.connection.names.as_ref().is_some_and(|names| !names.own));

    rig.give(Message::Own(Own::Names(Some((dialled.clone(), true)))));
    assert_eq!(asked(&mut rig), Some((dialled.clone(), Some(true))));
    // The answer to a change is followed by how it stands.
    answer(&mut rig, true, &[(&dialled, true)]);
    assert_eq!(asked(&mut rig), Some((dialled.clone(), None)));
    answer(&mut rig, true, &[(&dialled, true), ("node.example", false)]);
    let names = vec![(dialled.clone(), true), ("node.example".to_owned(), false)];
    assert_eq!(rig.model.connection.names, Some(NodeNames { own: true, names }));

    rig.give(Message::Own(Own::Names(Some((dialled.clone(), false)))));
    assert_eq!(asked(&mut rig), Some((dialled, Some(false))));
}

#[test]
fn a_no_of_the_node_is_shown() {
    let mut rig = Rig::in_use(9);
    rig.give(Message::Own(Own::Names(Some(("node.example".to_owned(), true)))));
    let request = rig.request(|request| matches!(request, SentRequest::Names { .. }));
    rig.refuse(request, RefusalCode::Unwanted);
    assert!(rig.model.notice.is_some());
}
