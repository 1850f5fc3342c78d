//! Logins at relays that the node asks for.

use nostrp2p_protocol::frame::{Mirror, MirrorState};

use super::*;

const RELAY: &str = "wss://relay.example";

impl Rig {
    fn relay_asks(&mut self, url: &str, login: Option<&str>) {
        let mirror = Mirror {
            url: url.into(),
            state: MirrorState::Connected,
            reason: None,
            accepted: 0,
            refused: 0,
            heard: 0,
            behind: 0,
            last_event: None,
            login: login.map(str::to_owned),
        };
        self.frame(NodeFrame::Mirrors(vec![mirror]));
    }

    fn asked_to_sign(&self) -> Vec<&Draft> {
        let drafts = self.effects.iter().filter_map(|effect| match effect {
            Effect::Sign(Purpose::Relay, draft) => Some(draft),
            _ => None,
        });
        drafts.collect()
    }

    fn agree(&mut self, relay: &str) {
        self.give(Message::Own(Own::Agree(relay.into())));
    }
}

#[test]
fn nothing_is_signed_before_the_person_has_agreed_and_then_by_itself() {
    let mut rig = Rig::in_use(0);
    rig.relay_asks(RELAY, Some("abc"));
    assert!(rig.asked_to_sign().is_empty());
    rig.agree(RELAY);
    let [draft] = rig.asked_to_sign()[..] else { panic!("{:?}", rig.effects) };
    assert_eq!(*draft, nostrp2p_protocol::login::relay_draft(RELAY, "abc", NOW_MS / 1_000).unwrap());
    rig.did(|effect| matches!(effect, Effect::Save(changes) if changes.contains(&Change::Set(Setting::Agreed(vec![RELAY.into()])))));
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
