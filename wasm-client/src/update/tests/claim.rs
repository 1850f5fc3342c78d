//! Setting up.

use super::*;

fn claiming() -> Rig {
    let mut rig = Rig::open(CLAIM, None, Snapshot::default());
    rig.greet(None);
    rig.setup(Setup::NodeAccepted);
    rig
}

#[test]
fn a_new_person_claims_the_node_with_a_new_key_and_a_name() {
    let mut rig = claiming();
    rig.did(|effect| matches!(effect, Effect::Connect { url, .. } if url == "ws://127.0.0.1:20001/client"));
    rig.setup(Setup::MakeKey);
    rig.did(|effect| *effect == Effect::MakeKey);
    rig.setup(Setup::KeyMade(Secret::new(key(1).to_nsec())));
    rig.setup(Setup::MadeAccepted);
    rig.did(|effect| matches!(effect, Effect::KeepKey(_)));
    rig.setup(Setup::KeyKept(Ok(public(1))));
    rig.prove(1);

    let frames = rig.sent();
    let Some(ClientFrame::Claim { token, proof, .. }) = frames.last() else { panic!("{frames:?}") };
    assert_eq!(token[..4], [0, 1, 2, 3]);
    let proof = proof.clone().verify().unwrap();
    let checked = nostrp2p_protocol::login::check(&proof, &[9; 32], "127.0.0.1:20001", NOW_MS / 1_000);
    assert_eq!((checked, proof.pubkey), (Ok(()), public(1)));
    assert_eq!(nostrp2p_protocol::login::check_peer(&proof, &OWN), Ok(()));

    rig.log_in(1, 0);
    assert!(matches!(rig.step(), WelcomeStep::Name));
    rig.did(|effect| *effect == Effect::Replace("#/".into()));
    rig.give(Message::Own(Own::NameTyped("Ada".into())));
    rig.give(Message::Own(Own::ProfileSubmitted));
    rig.prove(1);
    assert!(matches!(rig.model.stage, PersonStage::Using));
    assert_eq!(rig.model.name_of(&public(1)), "Ada");
    assert_eq!(rig.model.outbox.len(), 1);
}

#[test]
fn the_owner_signs_in_with_the_key_and_goes_straight_home() {
    let mut rig = Rig::open("", None, Snapshot::default());
    rig.greet(Some(1));
    rig.setup(Setup::NodeAccepted);
    rig.setup(Setup::ImportKey);
    rig.setup(Setup::NsecTyped(Secret::new(format!(" {} ", key(1).to_nsec().as_str()))));
    rig.setup(Setup::NsecSubmitted);
    rig.did(|effect| matches!(effect, Effect::KeepKey(nsec) if nsec.reveal() == key(1).to_nsec().as_str()));
    rig.setup(Setup::KeyKept(Ok(public(1))));
    rig.prove(1);
    assert!(matches!(rig.sent().last(), Some(ClientFrame::Login { .. })));
    rig.log_in(1, 5);
    assert!(matches!(rig.model.stage, PersonStage::Using));
    assert!(rig.model.backed_up, "whoever pastes a key has a copy");
}

#[test]
fn a_wrong_key_text_is_explained_and_nothing_is_kept() {
    let mut rig = Rig::open("", None, Snapshot::default());
    rig.greet(Some(1));
    rig.setup(Setup::NodeAccepted);
    rig.setup(Setup::ImportKey);
    for (typed, expected) in [
        ("", "Paste your secret key here. It begins with nsec1."),
        (&public(1).to_npub(), "This begins with npub, but nsec is needed here."),
        ("nsec1xyz", "This is not a whole nsec: a character is missing or mistyped."),
    ] {
        rig.setup(Setup::NsecTyped(Secret::new(typed.to_owned())));
        rig.setup(Setup::NsecSubmitted);
        assert_eq!(rig.error(), expected);
    }
    assert!(!rig.effects.iter().any(|effect| matches!(effect, Effect::KeepKey(_))));
}

#[test]
fn a_key_in_hex_is_told_apart_and_taken_after_a_yes() {
    let mut rig = Rig::open("", None, Snapshot::default());
    rig.greet(Some(1));
    rig.setup(Setup::NodeAccepted);
    rig.setup(Setup::ImportKey);
    let hex = nostrp2p_protocol::EventId::from_bytes(*key(1).to_bytes()).to_string();
    let kept = |rig: &Rig| {
        rig.effects.iter().any(
            |effect| matches!(effect, Effect::KeepKey(nsec) if nsec.reveal() == key(1).to_nsec().as_str()),
        )
    };
    for _ in 0..2 {
        rig.setup(Setup::NsecTyped(Secret::new(hex.clone())));
        rig.setup(Setup::NsecSubmitted);
        assert!(rig.error().starts_with("This is a key in hex"), "{}", rig.error());
        assert!(!kept(&rig), "what was typed anew is asked about anew");
    }
    rig.setup(Setup::NsecSubmitted);
    assert!(kept(&rig) && rig.error().is_empty());
}

#[test]
fn another_persons_key_is_refused_before_anything_is_sent() {
    let mut rig = Rig::open("", None, Snapshot::default());
    rig.greet(Some(2));
    rig.setup(Setup::NodeAccepted);
    rig.setup(Setup::ImportKey);
    rig.sent();
    rig.setup(Setup::KeyKept(Ok(public(1))));
    assert!(matches!(rig.step(), WelcomeStep::Key(KeyStep::Import { .. })));
    assert!(rig.error().contains("not the owner’s key"), "{}", rig.error());
    assert_eq!(rig.sent(), []);
}

#[test]
fn a_claim_that_the_node_refuses_leads_back_to_where_it_can_be_mended() {
    for (code, words) in [
        (RefusalCode::WrongToken, "not the one of this node"),
        (RefusalCode::ExpiredToken, "too old"),
        (RefusalCode::AlreadyClaimed, "has an owner already"),
    ] {
        let mut rig = claiming();
        rig.setup(Setup::KeyMade(Secret::new(key(1).to_nsec())));
        rig.setup(Setup::MadeAccepted);
        rig.setup(Setup::KeyKept(Ok(public(1))));
        rig.prove(1);
        rig.refuse(rig.model.connection.last_request, code);
        assert!(matches!(rig.step(), WelcomeStep::Node), "{code:?}");
        assert!(rig.error().contains(words), "{}", rig.error());
        assert!(rig.model.welcome().is_some_and(|welcome| welcome.token.is_none()));
        assert_eq!(rig.model.connection.phase, Phase::Opening, "asks anew whose node it is");
    }
}

#[test]
fn a_claim_waits_for_a_node_that_is_restarting() {
    let mut rig = claiming();
    rig.socket(SocketEvent::Closed);
    rig.setup(Setup::KeyMade(Secret::new(key(1).to_nsec())));
    rig.setup(Setup::MadeAccepted);
    rig.setup(Setup::KeyKept(Ok(public(1))));
    assert_eq!(rig.model.connection.phase, Phase::Opening);
    rig.greet(None);
    rig.prove(1);
    assert!(matches!(rig.sent().last(), Some(ClientFrame::Claim { .. })));
}

#[test]
fn a_broken_claim_link_is_named() {
    let rig = Rig::open("#claim=0001", None, Snapshot::default());
    assert!(rig.error().contains("not whole"), "{}", rig.error());
}

#[test]
fn a_node_without_owner_asks_for_the_claim_link_which_can_be_pasted() {
    let mut rig = Rig::open("", None, Snapshot::default());
    rig.greet(None);
    let link = format!("http://127.0.0.1:20001/{CLAIM}");
    rig.setup(Setup::AddressTyped(link));
    rig.setup(Setup::AddressSubmitted);
    assert!(rig.model.welcome().is_some_and(|welcome| welcome.token.is_some()));
    assert!(matches!(rig.model.connection.phase, Phase::Greeted(_)), "the same node is not greeted twice");
}

#[test]
fn a_hosted_page_takes_the_address_that_is_typed_and_keeps_it() {
    let mut rig = Rig::open("", None, Snapshot::default());
    rig.socket(SocketEvent::Closed);
    rig.setup(Setup::AddressTyped("nonsense address".into()));
    rig.setup(Setup::AddressSubmitted);
    assert!(rig.error().contains("not an address"), "{}", rig.error());
    rig.setup(Setup::AddressTyped("127.0.0.1:20011".into()));
    rig.setup(Setup::AddressSubmitted);
    rig.greet(Some(1));
    rig.setup(Setup::NodeAccepted);
    rig.setup(Setup::KeyKept(Ok(public(1))));
    rig.prove(1);
    rig.log_in(1, 0);
    let node = NodeAddress::parse("127.0.0.1:20011", false).ok();
    assert!(rig.saved().contains(&StorageChange::Set(Setting::Node(node))));
}

#[test]
fn what_was_typed_stays_when_nothing_answers_there() {
    let mut rig = Rig::open("", None, Snapshot::default());
    rig.socket(SocketEvent::Closed);
    let typed = format!("http://127.0.0.1:20011/{CLAIM}");
    rig.setup(Setup::AddressTyped(typed.clone()));
    rig.setup(Setup::AddressSubmitted);
    rig.socket(SocketEvent::Closed);
    assert_eq!(rig.model.welcome().map(|welcome| welcome.address.clone()), Some(typed));
}

#[test]
fn forgetting_the_key_needs_a_second_yes_and_leaves_nothing() {
    let mut rig = Rig::in_use(0);
    rig.write("secret plans");
    rig.give(Message::Own(Own::ForgetConfirmed));
    assert!(rig.effects.contains(&Effect::ForgetKey) && rig.saved().contains(&StorageChange::ForgetAll));
    assert_eq!((rig.model.me, rig.model.outbox.len(), rig.model.compose.text.as_str()), (None, 0, ""));
    assert!(matches!(rig.step(), WelcomeStep::Node));
}

#[test]
fn another_key_on_this_device_starts_with_nothing_of_the_former() {
    let stored = Snapshot { events: vec![post(1, 5, "mine").into_rumor()], ..Snapshot::default() };
    let mut rig = Rig::open("", Some(1), stored);
    rig.give(Message::Link(crate::message::Link::SetUpAgain));
    rig.greet(None);
    rig.setup(Setup::ImportKey);
    rig.setup(Setup::KeyKept(Ok(public(2))));
    assert!(rig.saved().contains(&StorageChange::ForgetAll));
    assert_eq!(rig.texts(), Vec::<&str>::new());
}
