//! Relays that want a login (NIP-42) or work (NIP-13).

use nostrp2p_protocol::{login::relay_draft, work::difficulty};

use super::*;

const RELAY: &str = "wss://relay.example";

fn login(signer: u8, challenge: &str) -> Event {
    relay_draft(RELAY, challenge, NOW).unwrap().sign(&key(signer), &[0; 32])
}

/// A relay that has asked for a login with its first no.
fn refused(event: &Event) -> MirrorSession {
    let mut mirror = connected();
    assert_eq!(mirror.on_line(r#"["AUTH","challenge"]"#, NOW), []);
    assert_eq!(mirror.wants_login(), None, "many ask and serve everybody all the same");
    assert_eq!(mirror.room(), Some(UploadRoom::After(0)));
    mirror.offer(4, &[(4, event.clone())], NOW);
    assert_eq!(mirror.on_line(&ok(event, false, "auth-required: sign in"), NOW), []);
    assert_eq!((mirror.room(), mirror.wants_login()), (None, Some("challenge")));
    mirror
}

#[test]
fn a_relay_that_wants_a_login_gets_nothing_and_loses_nothing() {
    let mut mirror = refused(&signed(1, 1, NOW, &[], ""));
    mirror.on_disconnected();
    assert_eq!(mirror.wants_login(), None, "the challenge was that of the connection");
    connect(&mut mirror, NOW);
    assert_eq!(mirror.room(), Some(UploadRoom::After(3)), "it is tried again on the next connection");
}

#[test]
fn after_a_login_all_goes_on_as_on_a_new_connection() {
    let event = signed(1, 1, NOW, &[], "");
    let mut mirror = refused(&event);
    let proof = login(1, "challenge");
    assert_eq!(sent(&mirror.on_login(&proof)), [json!(["AUTH", proof])]);
    assert_eq!((mirror.room(), mirror.wants_login()), (None, None), "it waits for the relay's word");
    assert_eq!(mirror.on_login(&proof), [], "once is enough");
    let again = sent(&mirror.on_line(&ok(&proof, true, ""), NOW));
    assert_eq!((&again[0][1], &again[1][1]), (&json!("live"), &json!("missed")));
    assert_eq!((mirror.room(), mirror.report().needs_signature), (Some(UploadRoom::After(3)), false));
    let steps = mirror.offer(4, &[(4, event.clone())], NOW);
    assert_eq!(sent(&steps), [json!(["EVENT", event])]);
}

#[test]
fn a_login_that_the_relay_does_not_take_is_told_and_not_repeated() {
    let mut mirror = refused(&signed(1, 1, NOW, &[], ""));
    let proof = login(1, "challenge");
    mirror.on_login(&proof);
    assert_eq!(mirror.on_line(&ok(&proof, false, "restricted: members only"), NOW), []);
    assert_eq!((mirror.room(), mirror.wants_login()), (None, None));
    assert_eq!(mirror.report().refusal.as_deref(), Some("restricted: members only"));
    mirror.on_line(r#"["AUTH","another"]"#, NOW);
    assert_eq!(mirror.wants_login(), Some("another"));
}

#[test]
fn only_the_owners_login_for_the_present_challenge_is_passed_on() {
    let mut mirror = refused(&signed(1, 1, NOW, &[], ""));
    assert_eq!(mirror.on_login(&login(2, "challenge")), [], "by somebody else");
    assert_eq!(mirror.on_login(&login(1, "former")), [], "for another challenge");
    for unsound in ["", "a b", "\\u0007", &"x".repeat(257)] {
        mirror.on_line(&format!("[\"AUTH\",\"{unsound}\"]"), NOW);
        assert_eq!(mirror.wants_login(), None, "{unsound:?} is signed by nobody");
    }
    let mut content = connected();
    assert_eq!(content.on_login(&login(1, "challenge")), [], "nobody asked");
}

#[test]
fn also_reading_and_comparing_may_want_a_login() {
    for no in [r#"["CLOSED","live","auth-required: no"]"#, r#"["NEG-ERR","own","auth-required: no"]"#] {
        let mut mirror = connected();
        mirror.on_line(r#"["AUTH","abc"]"#, NOW);
        mirror.on_line(no, NOW);
        assert_eq!(mirror.wants_login(), Some("abc"), "{no}");
    }
}

#[test]
fn what_has_too_little_work_is_not_pressed_on_a_relay_that_says_so() {
    let mut mirror = MirrorSession::new(owner(), true, 0, 0);
    mirror.on_connected(Terms { work: 4, ..PLAIN });
    let events: Vec<Event> = (0..64).map(|number| signed(1, 1, NOW, &[], &number.to_string())).collect();
    let enough: Vec<&Event> = events.iter().filter(|event| difficulty(&event.id()) >= 4).collect();
    assert!(!enough.is_empty() && enough.len() < 40, "of 64 some four have the work by chance");
    let numbered: Vec<(u64, Event)> = (1..).zip(events.iter().cloned()).collect();
    let steps = mirror.offer(64, &numbered, NOW);
    assert_eq!(sent(&steps), enough.iter().map(|event| json!(["EVENT", event])).collect::<Vec<_>>());
    let report = mirror.report();
    assert_eq!((report.refused, report.work), (64 - enough.len() as u64, 4));
    assert!(report.refusal.as_deref().unwrap().contains("4 bits of work"), "{report:?}");
    for event in &enough {
        mirror.on_line(&ok(event, true, ""), NOW);
    }
    assert_eq!(mirror.room(), Some(UploadRoom::After(64)), "nothing waits for ever");
}

#[test]
fn a_no_for_want_of_work_is_final_and_told() {
    let mut mirror = connected();
    let event = signed(1, 1, NOW, &[], "");
    mirror.offer(1, &[(1, event.clone())], NOW);
    let no = "pow: difficulty 2 is less than 28";
    let steps = mirror.on_line(&ok(&event, false, no), NOW);
    assert_eq!(steps, [MirrorStep::Refused(event.id()), MirrorStep::Settled(1)]);
    assert_eq!((mirror.report().refused, mirror.report().refusal.as_deref()), (1, Some(no)));
}

#[test]
fn how_much_work_a_relay_wants_is_learned_from_its_no() {
    let check = |no: &str, work: u8| {
        let mut mirror = connected();
        let event = signed(1, 1, NOW, &[], "");
        mirror.offer(1, &[(1, event.clone())], NOW);
        mirror.on_line(&ok(&event, false, no), NOW);
        assert_eq!(mirror.report().work, work, "{no}");
    };
    check("pow: difficulty 2 is less than 28", 28);
    check("pow: required a difficulty >= 8", 8);
    check("pow: difficulty 25>=24 is needed", 25);
    check("pow: more", 0);
    check("pow: 300 or 18446744073709551616", 0);
    check("blocked: 20", 0);
}

#[test]
fn what_a_relay_was_seen_to_want_holds_for_the_next_connection_too() {
    let mut mirror = connected();
    let events = [0, 1].map(|number| signed(1, 1, NOW, &[], &number.to_string()));
    mirror.offer(1, &[(1, events[0].clone())], NOW);
    mirror.on_line(&ok(&events[0], false, "pow: difficulty 2 is less than 28"), NOW);
    mirror.on_disconnected();
    mirror.on_connected(PLAIN);
    assert_eq!(mirror.report().work, 28);
    let steps = mirror.offer(2, &[(2, events[1].clone())], NOW);
    assert_eq!(sent(&steps), [json!(["EVENT", events[1]])], "perhaps it has thought better of it");
}
