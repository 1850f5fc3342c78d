//! Words that are taken back, through the whole engine.

use nostrp2p_protocol::delegation::{self, MAX_AHEAD_SECONDS};

use super::*;

fn revocation(owner: u8, node: u8, created_at: u64) -> Event {
    delegation::ended(&PeerId::from_ed25519([node; 32]), created_at).sign(&key(owner), &[0; 32])
}

fn revoked(event: Event) -> Packet {
    Packet::Revocation(UnverifiedEvent { claimed_id: None, ..event.into() })
}

fn heard(event: Event) -> Input {
    Input::Heard(HEARD, OTHER, revoked(event).encode())
}

#[test]
fn who_hears_a_revocation_forgets_the_node_and_passes_it_on() {
    let mut core = core();
    run(&mut core, Input::Delegated(delegation(2, 7), OTHER));
    assert!(core.has_node(&key(2).public_key(), NOW));
    let revocation = revocation(2, 7, NOW + 1);
    let outputs = run(&mut core, heard(revocation.clone()));
    assert_eq!(
        outputs,
        [Output::ReportValidation(HEARD, Verdict::Accept), Output::RecordRevocation(revocation.clone())]
    );
    assert!(!core.has_node(&key(2).public_key(), NOW));
    assert_eq!(
        run(&mut core, Input::Delegated(delegation(2, 7), OTHER)),
        [],
        "the older word is shown again"
    );
    assert!(!core.has_node(&key(2).public_key(), NOW));
    let seen = [Output::ReportValidation(HEARD, Verdict::Ignore(Ignored::Seen))];
    assert_eq!(run(&mut core, heard(revocation)), seen);
    let later = delegation::draft(&PeerId::from_ed25519([7; 32]), NOW + 2).sign(&key(2), &[0; 32]);
    run(&mut core, Input::Delegated(Delegation::from_event(later).unwrap(), OTHER));
    assert!(core.has_node(&key(2).public_key(), NOW), "a later word holds");
}

#[test]
fn only_the_owner_takes_a_word_back() {
    let mut core = core();
    run(&mut core, Input::Delegated(delegation(2, 7), OTHER));
    let mut forged = UnverifiedEvent::from(revocation(2, 7, NOW));
    forged.sig = Signature::from_bytes([1; 64]);
    let rejected = [Output::ReportValidation(HEARD, Verdict::Reject)];
    let input = Input::Heard(HEARD, OTHER, Packet::Revocation(forged).encode());
    assert_eq!(run(&mut core, input), rejected);
    assert_eq!(run(&mut core, heard(delegation(2, 7).event().clone())), rejected, "it takes nothing back");
    run(&mut core, heard(revocation(3, 7, NOW)));
    assert!(core.has_node(&key(2).public_key(), NOW), "somebody else's word");
}

#[test]
fn a_revocation_of_another_time_is_ignored() {
    let ignored = |event: Event| match &run(&mut core(), heard(event))[..] {
        [Output::ReportValidation(HEARD, Verdict::Ignore(ignored))] => *ignored,
        other => panic!("{other:?}"),
    };
    assert_eq!(ignored(revocation(2, 7, NOW + 901)), Ignored::TooNew);
    assert_eq!(ignored(revocation(2, 7, NOW - MAX_AHEAD_SECONDS)), Ignored::TooOld);
}

#[test]
fn what_the_owner_takes_back_is_announced_and_told_to_who_asks() {
    let mut core = core();
    let revocation = revocation(1, 7, NOW);
    let outputs = run(&mut core, Input::Publish(REQUEST, revocation.clone().into(), Replies::Private));
    let record = || Output::RecordRevocation(revocation.clone());
    let read = Output::ReadDelegation(key(1).public_key());
    assert_eq!(outputs[1..], [record(), Output::Spread(revoked(revocation.clone())), read]);
    let told = core.revocations(&[key(1).public_key()]);
    assert_eq!(told.len(), 1);
    let mut other = engine(EngineSettings::default(), Some(key(2).public_key()));
    run(&mut other, Input::Delegated(delegation(1, 7), OTHER));
    assert_eq!(run(&mut other, Input::Revoked(OTHER, told)), [record()]);
    assert!(!other.has_node(&key(1).public_key(), NOW));
}

#[test]
fn an_own_node_obeys_and_announces_what_was_said_at_another_one() {
    let revocation = revocation(1, 7, NOW + 1);
    let obeyed = |event: &Event| Output::Obey(event.clone());
    let record = |event: &Event| Output::RecordRevocation(event.clone());
    let heard_of = run(&mut core(), heard(revocation.clone()));
    assert_eq!(
        heard_of,
        [Output::ReportValidation(HEARD, Verdict::Accept), obeyed(&revocation), record(&revocation)]
    );
    let mut core = core();
    run(&mut core, Input::Delegated(delegation(1, 9), OTHER));
    let page = OwnPage { store: 4, through: 8, newest: 8, events: vec![revocation.clone().into()] };
    let outputs = run(&mut core, Input::OwnNodeAnswered(OTHER, Some(page)));
    let cursor = OwnNodeCursor { store: Some(4), after: 8 };
    assert_eq!(
        outputs,
        [
            obeyed(&revocation),
            record(&revocation),
            Output::Spread(revoked(revocation)),
            Output::RecordOwnNode(OTHER, cursor)
        ]
    );
}

#[test]
fn revocations_of_invented_people_are_bounded_for_each_neighbour() {
    let mut core = core();
    let mut bring = |from: PeerId, number: u16| {
        let mut secret = [1; 32];
        secret[..2].copy_from_slice(&number.to_be_bytes());
        let draft = delegation::ended(&PeerId::from_ed25519([7; 32]), NOW);
        let event = UnverifiedEvent {
            claimed_id: None,
            unsigned: draft.by(PublicKey::from_bytes(secret)),
            sig: Signature::from_bytes([0; 64]),
        };
        matches!(
            core.handle(Input::Heard(HEARD, from, Packet::Revocation(event).encode()), NOW)[..],
            [Output::Verify(..)]
        )
    };
    assert_eq!((0..1_000).filter(|number| bring(OTHER, *number)).count(), 300);
    assert!(bring(PeerId::from_ed25519([8; 32]), 2_000), "others are heard");
}
