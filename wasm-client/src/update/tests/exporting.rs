//! A file of everything.

use super::*;
use crate::{message::Own, model::connection::SentRequest};

fn asked(rig: &mut Rig) -> Option<u64> {
    rig.sent().into_iter().find_map(|frame| match frame {
        ClientFrame::Export { after, .. } => Some(after),
        _ => None,
    })
}

fn part(rig: &mut Rig, through: u64, newest: u64, events: Vec<Event>) {
    let request = rig.request(|request| *request == SentRequest::Export);
    let events = events.into_iter().map(Into::into).collect();
    rig.frame(NodeFrame::Exported { request, through, newest, events });
}

fn in_file(rig: &Rig) -> usize {
    let part = |effect: &Effect| match effect {
        Effect::ExportPart(events) => events.len(),
        _ => 0,
    };
    rig.effects.iter().map(part).sum()
}

#[test]
fn everything_comes_from_the_node_part_by_part() {
    let mut rig = Rig::in_use(9);
    rig.give(Message::Own(Own::Export));
    assert_eq!(asked(&mut rig), Some(0));
    // Pressing again meanwhile begins no second file.
    rig.give(Message::Own(Own::Export));
    assert_eq!(asked(&mut rig), None);
    part(&mut rig, 5, 9, vec![post(2, 1, "a"), post(3, 2, "b")]);
    assert_eq!((asked(&mut rig), rig.model.exporting.map(|progress| progress.events)), (Some(5), Some(2)));
    part(&mut rig, 9, 9, vec![post(2, 3, "c")]);
    assert_eq!((asked(&mut rig), rig.model.exporting, in_file(&rig)), (None, None, 3));
    rig.did(|effect| matches!(effect, Effect::ExportEnd(Some(name)) if name.ends_with(".jsonl")));
}

#[test]
fn a_node_that_does_not_go_on_is_not_asked_for_ever() {
    let mut rig = Rig::in_use(9);
    rig.give(Message::Own(Own::Export));
    asked(&mut rig);
    part(&mut rig, 0, 9, vec![]);
    assert_eq!((asked(&mut rig), rig.model.exporting), (None, None));
}

#[test]
fn half_a_file_is_never_offered() {
    for lose in [
        (|rig| rig.socket(SocketEvent::Closed)) as fn(&mut Rig),
        |rig| rig.refuse(rig.request(|request| *request == SentRequest::Export), RefusalCode::Internal),
        |rig| rig.give(Message::Link(crate::message::Link::Retry)),
    ] {
        let mut rig = Rig::in_use(9);
        rig.give(Message::Own(Own::Export));
        part(&mut rig, 5, 9, vec![post(2, 1, "a")]);
        rig.effects.clear();
        lose(&mut rig);
        assert_eq!(rig.model.exporting, None);
        rig.did(|effect| matches!(effect, Effect::ExportEnd(None)));
        assert!(rig.model.notice.is_some());
    }
}

#[test]
fn without_the_node_the_file_holds_what_is_here() {
    let mut rig = Rig::open("", Some(1), Snapshot::default());
    rig.give(Message::Own(Own::Export));
    rig.did(|effect| matches!(effect, Effect::ExportHeld(_)));
    assert_eq!(rig.model.exporting, None);
}
