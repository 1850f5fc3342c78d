//! What anybody brings to the inbox.

use super::*;
use crate::inbox::{Bearer, InboxTerms, NotReceived};

const MAIL: MailId = MailId(7);

fn with_inbox(work: u8) -> Core {
    let inbox = Some(InboxTerms { work });
    let mut core = engine(EngineSettings { inbox, ..EngineSettings::default() }, Some(key(1).public_key()));
    run(&mut core, Input::Remembered(Remembered::List(naming(1, Kind::FOLLOW_LIST, 2).into_rumor())));
    run(&mut core, Input::Remembered(Remembered::List(naming(1, Kind::MUTE_LIST, 9).into_rumor())));
    run(&mut core, Input::PeerConnected(OTHER, Network::Unknown));
    core
}

fn naming(author: u8, kind: Kind, person: u8) -> Event {
    event(author, kind, vec![Tag::new(["p", &key(person).public_key().to_string()])])
}

fn bring(core: &mut Core, event: impl Into<UnverifiedEvent>, signed_in: Option<u8>) -> Vec<Output> {
    let signed_in = signed_in.map(|byte| key(byte).public_key());
    run(core, Input::Mailed(MAIL, event.into(), Bearer { address: None, signed_in }))
}

#[test]
fn what_anybody_brings_is_stored_for_the_owner_and_goes_nowhere() {
    let stranger = Sender::Person(key(5).public_key());
    for kind in [1, 6, 7, 16, 1111, 9735] {
        let event = naming(5, Kind(kind), 1);
        let stored = vec![Output::StoreMail(MAIL, event.clone(), stranger)];
        assert_eq!(bring(&mut with_inbox(0), event, None), stored, "{kind}");
    }
    let wrap = naming(5, Kind::GIFT_WRAP, 1);
    let anyone = vec![Output::StoreMail(MAIL, wrap.clone(), Sender::Anyone)];
    assert_eq!(bring(&mut with_inbox(0), wrap.clone(), None), anyone);
    let friend = Sender::Person(key(2).public_key());
    let by_friend = vec![Output::StoreMail(MAIL, wrap.clone(), friend)];
    assert_eq!(bring(&mut with_inbox(20), wrap, Some(2)), by_friend);
    let passing = naming(5, Kind::EPHEMERAL_GIFT_WRAP, 1);
    assert_eq!(bring(&mut with_inbox(0), passing.clone(), None), [Output::ShowMail(MAIL, passing)]);
    assert_eq!(
        run(&mut with_inbox(0), Input::MailStored(MAIL, Ok(Inserted::New(5)))),
        [Output::TakeMail(MAIL)]
    );
}

#[test]
fn without_an_inbox_or_for_somebody_else_nothing_is_taken() {
    let refused = [Output::RefuseMail(MAIL, NotReceived::NotForInbox)];
    assert_eq!(bring(&mut connected(), naming(5, Kind::POST, 1), None), refused);
    assert_eq!(bring(&mut with_inbox(0), naming(5, Kind::POST, 6), None), refused);
    assert_eq!(bring(&mut with_inbox(0), naming(5, Kind::PROFILE, 1), None), refused);
    assert_eq!(bring(&mut with_inbox(0), naming(1, Kind::POST, 1), None), refused, "the owner signs in");
}

#[test]
fn only_who_has_signed_right_learns_that_the_owner_does_not_want_it() {
    let muted = naming(9, Kind::POST, 1);
    let mut forged = UnverifiedEvent::from(muted.clone());
    forged.sig = Signature::from_bytes([1; 64]);
    let as_forged = [Output::RefuseMail(MAIL, NotReceived::Forged(VerifyError::Signature))];
    assert_eq!(bring(&mut with_inbox(0), forged, None), as_forged);
    let unwanted = [Output::RefuseMail(MAIL, NotReceived::Unwanted)];
    assert_eq!(bring(&mut with_inbox(0), muted, None), unwanted);
    assert_eq!(bring(&mut with_inbox(0), naming(5, Kind::GIFT_WRAP, 1), Some(9)), unwanted);
}

#[test]
fn what_was_brought_is_still_passed_on_when_gossip_brings_it() {
    let mut core = with_inbox(0);
    let repost = naming(5, Kind::REPOST, 1);
    assert_eq!(bring(&mut core, repost.clone(), None).len(), 1);
    let heard = run(&mut core, Input::Heard(HEARD, OTHER, packet(repost)));
    assert_eq!(heard.first(), Some(&Output::ReportValidation(HEARD, Verdict::Accept)));
}
