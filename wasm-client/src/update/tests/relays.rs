//! Logins at relays, and work for them, that the node asks for.

use nostrp2p_protocol::{
    Tag,
    frame::{Mirror, MirrorState},
};

use super::*;
use crate::model::signing::KeyTask;
use crate::update::work::{MAX_WORK, work_for};

const RELAY: &str = "wss://relay.example";

impl Rig {
    fn relay_asks(&mut self, url: &str, login: Option<&str>) {
        self.frame(NodeFrame::Mirrors(vec![Mirror { login: login.map(str::to_owned), ..mirror(url) }]));
    }

    fn relays_want(&mut self, work: &[u8]) {
        let mirrors = work.iter().map(|work| Mirror { work: *work, ..mirror(RELAY) });
        self.frame(NodeFrame::Mirrors(mirrors.collect()));
    }

    fn asked_to_sign(&self) -> Vec<&EventTemplate> {
        let drafts = self.effects.iter().filter_map(|effect| match effect {
            Effect::UseKey(KeyTask::Sign(Purpose::Relay, draft)) => Some(draft),
            _ => None,
        });
        drafts.collect()
    }

    fn agree(&mut self, relay: &str) {
        self.give(Message::Own(Own::Agree(relay.into())));
    }
}

fn mirror(url: &str) -> Mirror {
    Mirror {
        url: url.into(),
        state: MirrorState::Connected,
        reason: None,
        accepted: 0,
        refused: 0,
        heard: 0,
        behind: 0,
        last_event: None,
        login: None,
        work: 0,
    }
}

#[test]
fn work_goes_into_what_relays_may_get_and_into_nothing_else() {
    let mut rig = Rig::in_use(0);
    let draft = |kind: Kind, tags: &[&str]| EventTemplate {
        created_at: 1,
        kind,
        tags: tags.iter().map(|name| Tag::new([*name, "x"])).collect(),
        content: String::new(),
    };
    let bits = |rig: &Rig, draft: &EventTemplate| work_for(&rig.model, draft).map(|(_, bits)| bits);
    let post = draft(Kind::POST, &[]);
    assert_eq!(bits(&rig, &post), None);
    rig.relays_want(&[0, 8, 16, MAX_WORK + 1]);
    assert_eq!(bits(&rig, &post), Some(16), "the most that is put in");
    assert_eq!(work_for(&rig.model, &post).map(|(author, _)| author), rig.model.me);
    for (kind, tags, gets_there) in [
        (Kind::POST, &["p", "q"][..], true),
        (Kind::POST, &["p"], false),
        (Kind::PROFILE, &[], true),
        (Kind::REPOST, &["p"], true),
        (Kind::FOLLOW_LIST, &["p"], true),
        (Kind::DELETION, &["e"], true),
        (Kind::REACTION, &["p"], false),
        (Kind::LOGIN, &[], false),
    ] {
        assert_eq!(bits(&rig, &draft(kind, tags)).is_some(), gets_there, "{kind:?} {tags:?}");
    }
    rig.relays_want(&[255]);
    assert_eq!(bits(&rig, &post), None, "that would take for ever");
}

#[test]
fn a_post_for_a_relay_that_wants_work_is_signed_with_it_and_loses_it_with_its_time() {
    let mut rig = Rig::in_use(0);
    rig.relays_want(&[6]);
    rig.write("worked");
    rig.did(|effect| matches!(effect, Effect::UseKey(KeyTask::WorkAndSign(Purpose::Post, _))));
    rig.prove(1);
    let outgoing = |rig: &Rig| rig.model.outbox.waiting.values().next().unwrap().event.clone();
    let event = outgoing(&rig);
    assert!(work::difficulty(&event.id()) >= 6);
    assert_eq!((event.content.as_str(), event.has_tag("nonce")), ("worked", true));

    rig.give(Message::OutgoingSaved(event.id(), Ok(())));
    rig.refuse(rig.model.connection.last_request, RefusalCode::WrongTime);
    rig.relays_want(&[]);
    rig.now_ms += 60_000;
    rig.give(Writing::TryAgain(event.id()).into());
    rig.prove(1);
    assert!(!outgoing(&rig).has_tag("nonce"), "nobody promises what is not there");
}

#[test]
fn nothing_is_signed_before_the_person_has_agreed_and_then_by_itself() {
    let mut rig = Rig::in_use(0);
    rig.relay_asks(RELAY, Some("abc"));
    assert!(rig.asked_to_sign().is_empty());
    rig.agree(RELAY);
    let [draft] = rig.asked_to_sign()[..] else { panic!("{:?}", rig.effects) };
    assert_eq!(*draft, nostrp2p_protocol::login::relay_draft(RELAY, "abc", NOW_MS / 1_000).unwrap());
    rig.did(|effect| matches!(effect, Effect::Save(changes) if changes.contains(&StorageChange::Set(Setting::Agreed(vec![RELAY.into()])))));
    rig.prove(1);
    let [ClientFrame::RelayLogin { relay, proof }] = &rig.sent()[..] else { panic!("{:?}", rig.effects) };
    assert_eq!(relay, RELAY);
    assert_eq!(proof.clone().verify().unwrap().pubkey, public(1));
    rig.effects.clear();
    rig.relay_asks(RELAY, None);
    rig.relay_asks(RELAY, Some(""));
    assert!(rig.asked_to_sign().is_empty());
    rig.relay_asks(RELAY, Some("def"));
    assert_eq!(rig.asked_to_sign().len(), 1, "the person has agreed");
    rig.effects.clear();
    rig.relay_asks("wss://other.example", Some("def"));
    assert!(rig.asked_to_sign().is_empty(), "to that relay only");
}

#[test]
fn a_relay_that_asks_without_end_is_signed_in_at_by_the_button_alone() {
    let mut rig = Rig::in_use(0);
    rig.relay_asks(RELAY, Some("first"));
    rig.agree(RELAY);
    rig.prove(1);
    rig.effects.clear();
    for number in 0..50 {
        rig.relay_asks(RELAY, Some(&format!("c{number}")));
        rig.prove(1);
    }
    let logins = |rig: &mut Rig| {
        let sent = rig.sent();
        sent.iter().filter(|frame| matches!(frame, ClientFrame::RelayLogin { .. })).count()
    };
    assert_eq!(logins(&mut rig), 20);
    rig.agree(RELAY);
    rig.prove(1);
    assert_eq!(logins(&mut rig), 1);
}

#[test]
fn no_login_for_the_own_node_is_signed_whatever_a_node_calls_a_relay() {
    let mut rig = Rig::in_use(0);
    for url in ["wss://127.0.0.1:20001", "ws://127.0.0.1:20001/client", "wss://127.0.0.1:20001/x?y"] {
        rig.relay_asks(url, Some("abc"));
        rig.agree(url);
        assert!(rig.asked_to_sign().is_empty(), "{url}");
    }
}

#[test]
fn a_challenge_that_no_relay_sends_is_not_signed() {
    let mut rig = Rig::in_use(0);
    for challenge in ["a b", "\u{7}", &"x".repeat(257)] {
        rig.relay_asks(RELAY, Some(challenge));
        rig.agree(RELAY);
        assert!(rig.asked_to_sign().is_empty(), "{challenge}");
    }
}

#[test]
fn who_is_asked_for_each_signature_is_asked_only_after_the_button() {
    let mut rig = Rig::in_use(0);
    rig.agree(RELAY);
    rig.model.signing.signer = Signer::Extension;
    rig.relay_asks(RELAY, Some("abc"));
    assert!(rig.asked_to_sign().is_empty());
    rig.agree(RELAY);
    assert_eq!(rig.asked_to_sign().len(), 1);
    rig.effects.clear();
    rig.model.signing = crate::model::signing::Signing::of(Signer::Passphrase);
    rig.relay_asks(RELAY, Some("def"));
    assert!(rig.model.signing.unlock.is_none());
    rig.agree(RELAY);
    assert!(
        rig.model.signing.unlock.is_some() && rig.asked_to_sign().is_empty(),
        "it waits for the passphrase"
    );
}
